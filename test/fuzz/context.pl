# context.pl SEED CASES [CORPUS...]: contexts, as rows for COPY:
#
#	one spelling, another one, canonical text, hash
#
# The text and the hash are made here, by the definition in docs/reference.md
# and without the server, so that the two must agree.  Every third row is a
# text that was damaged, and has nulls there: it may be refused, or else must
# have the same properties.
use strict;
use warnings;
use Digest::SHA 'sha256';
use Encode;

my ($seed, $cases, @corpus) = @ARGV;
my @texts;
srand($seed);
binmode STDOUT, ':encoding(UTF-8)';

sub pick { return $_[ int rand @_ ]; }
sub times_of { my ($most, $code) = @_; return map { $code->() } 1 .. int rand($most + 1); }

# A value is [kind, what]; a number is sign, digits, power: 0.DIGITS * 10^POWER.
sub value
{
	my ($depth) = @_;
	my $kind = pick(qw(number number text text word), $depth > 0 ? qw(array object) : ());

	return [ word => pick(qw(null true false)) ] if $kind eq 'word';
	return [ text => text() ] if $kind eq 'text';
	return number() if $kind eq 'number';
	return [ array => times_of(4, sub { value($depth - 1) }) ] if $kind eq 'array';
	return object($depth);
}

sub object
{
	my ($depth) = @_;
	my %members = times_of(5, sub { (text() => value($depth - 1)) });

	return [ object => \%members ];
}

sub number
{
	my $digits = join '', times_of(rand() < 0.1 ? 60 : 9, sub { int rand 10 });

	$digits =~ s/^0+//;
	$digits =~ s/0+$//;
	return [ number => pick('', '-'), $digits,
		int rand(rand() < 0.03 ? 1000 : 40) - (rand() < 0.03 ? 500 : 20) ];
}

sub character
{
	my $class = rand;

	return chr(97 + int rand 4) if $class < 0.5;
	return chr(32 + int rand 96) if $class < 0.7;
	return chr(1 + int rand 31) if $class < 0.8;
	return chr(pick(0x7f, 0x80, 0xe9, 0x7ff, 0x800, 0xd7ff, 0xe000, 0xfffd, 0x2028)) if $class < 0.9;
	# the last two of every plane are no characters, which Encode replaces
	return chr(0x10000 * (1 + int rand 16) + int rand 0xfffe);
}

sub text { return join '', times_of(rand() < 0.02 ? 400 : 6, \&character); }

# ------------------------------------------------------------- the definition

my %short = ("\b" => '\b', "\f" => '\f', "\n" => '\n', "\r" => '\r', "\t" => '\t',
	'"' => '\"', '\\' => '\\\\');

sub canonical
{
	my ($kind, @what) = @{ $_[0] };

	return $what[0] if $kind eq 'word';
	return canonical_text($what[0]) if $kind eq 'text';
	return canonical_number(@what) if $kind eq 'number';
	return '[' . join(',', map { canonical($_) } @what) . ']' if $kind eq 'array';
	return '{' . join(',', map { canonical_text($_) . ':' . canonical($what[0]{$_}) }
		sort keys %{ $what[0] }) . '}';
}

sub canonical_text
{
	my ($text) = @_;

	$text =~ s/([\x01-\x1f"\\])/$short{$1} \/\/ sprintf('\u%04x', ord $1)/ge;
	return "\"$text\"";
}

sub canonical_number
{
	my ($sign, $digits, $power) = @_;

	return '0' if $digits eq '';
	return $sign . '0.' . '0' x -$power . $digits if $power <= 0;
	return $sign . $digits . '0' x ($power - length $digits) if $power >= length $digits;
	return $sign . substr($digits, 0, $power) . '.' . substr($digits, $power);
}

sub hash { return unpack 'q>', sha256(encode('UTF-8', $_[0])); }

# ------------------------------------------------------------------ spellings

sub blank { return rand() < 0.8 ? '' : pick(' ', "\n", "\t", "\r", '  '); }

sub spell
{
	my ($kind, @what) = @{ $_[0] };
	my $spelt =
		$kind eq 'word' ? $what[0]
	  : $kind eq 'text' ? spell_text($what[0])
	  : $kind eq 'number' ? spell_number(@what)
	  : $kind eq 'array' ? '[' . join(',', map { spell($_) } @what) . blank() . ']'
	  : spell_object($what[0]);

	return blank() . $spelt . blank();
}

# in any order; of a key that comes twice, the last counts
sub spell_object
{
	my ($members) = @_;
	my @keys = sort { rand() <=> 0.5 } sort keys %$members;
	my @spelt = map { blank() . spell_text($_) . blank() . ':' . spell($members->{$_}) } @keys;

	unshift @spelt, spell_text(pick(@keys)) . ':' . spell(value(0)) if @keys && rand() < 0.1;
	return '{' . join(',', @spelt) . blank() . '}';
}

sub spell_text
{
	return '"' . join('', map { spell_character($_) } split //, $_[0]) . '"';
}

sub spell_character
{
	my ($character) = @_;
	my $code = ord $character;
	my $hex = pick('%04x', '%04X');

	if (rand() < 0.3 || $code < 32 || $character =~ /["\\]/)
	{
		return $short{$character} if exists $short{$character} && rand() < 0.5;
		return sprintf "\\u$hex", $code if $code < 0x10000;
		$code -= 0x10000;
		return sprintf "\\u$hex\\u$hex", 0xd800 + ($code >> 10), 0xdc00 + ($code & 0x3ff);
	}
	return $character eq '/' ? pick('/', '\/') : $character;
}

sub spell_number
{
	my ($sign, $digits, $power) = @_;
	my $whole = int rand(1 + length $digits);
	my $rest = substr($digits, $whole) . '0' x int rand(rand() < 0.3 ? 5 : 1);
	my $exponent = $power - $whole;
	my $spelt = $sign . ($whole > 0 ? substr($digits, 0, $whole) : '0');

	$spelt .= ".$rest" if $rest ne '';
	$spelt .= pick('e', 'E') . ($exponent < 0 ? '' : pick('', '+')) . $exponent
	  if $exponent != 0 || rand() < 0.2;
	return $spelt;
}

# --------------------------------------------------------------------- damage

sub damaged
{
	my $text = pick(@texts);

	# deeper than the server's stack, or nearly
	return '{"a":' x 9 . '[' x (1 << int rand 15) . '1' . ']' x (1 << int rand 15) . '}' x 9
	  if rand() < 0.002;
	for (1 .. 1 + int rand 4)
	{
		my $at = int rand(1 + length $text);
		my $some = int rand 4;
		my $new = pick(split(//, '{}[]",:\\0123456789eE+-. tfnu/'),
			'\u0000', '\ud800', '\udc00', 'null', '1e9', '1e-99', '1e200000', character());

		$some = length($text) - $at if $at + $some > length $text;
		substr($text, $at, $some) = pick($new, '', $new . substr($text, $at, $some),
			substr($text, 0, int rand 20));
	}
	return $text;
}

sub row
{
	return join("\t", map { my $x = $_ // "\0"; $x =~ s/([\\\t\n\r])/$short{$1}/g; $x eq "\0" ? '\N' : $x } @_) . "\n";
}

foreach my $file (@corpus)
{
	open my $in, '<:encoding(UTF-8)', $file or die "$file: $!";
	push @texts, do { local $/; <$in> };
}
for my $case (1 .. $cases)
{
	my $context = object(4);
	my $text = canonical($context);

	if ($case % 3 == 0 && @texts)
	{
		print row(damaged(), undef, undef, undef);
		next;
	}
	print row(spell($context), spell($context), $text, hash($text));
	$texts[ rand() < 0.5 || @texts < 50 ? @texts : rand @texts ] = $text if @texts < 500;
}
