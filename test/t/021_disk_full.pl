# No space left on the device, in the middle of training, feedback, settling
# and upkeep: what is the application's own goes on where it can, what cannot
# be done is undone as a whole, and with space again all adds up.
#
# The device is a tablespace on a small tmpfs, in a mount namespace of this
# test's own: it starts itself again in one.
use strict;
use warnings;

# before the modules below, which take the output for themselves
BEGIN
{
	my $dir = ($ENV{TESTDATADIR} || '.') . "/small_disk_$$";
	my @unshare = qw(unshare --user --map-current-user --keep-caps --mount);
	my $mount = 'mount -t tmpfs -o size=16m tmpfs "$0"';

	if (!$ENV{BANDIT_SMALL_DISK})
	{
		system('mkdir', '-p', $dir);
		if (system(@unshare, 'sh', '-c', "$mount 2>/dev/null", $dir) != 0)
		{
			print "1..0 # SKIP no small disk: this user may not mount one in a namespace of his own\n";
			exit 0;
		}
		$ENV{BANDIT_SMALL_DISK} = $dir;
		exec(@unshare, 'sh', '-c', "$mount && exec \"\$@\"", $dir,
			$^X, (map { "-I$_" } @INC), $0) or die "cannot start again: $!";
	}
}

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use BanditTest;

my $device = $ENV{BANDIT_SMALL_DISK};

# Fills the device to the last page, and empties it.
sub fill
{
	open(my $file, '>', "$device/filler") or die $!;
	while (syswrite($file, "\0" x 4096)) { }
	close($file);
	return;
}

sub space { unlink("$device/filler"); return; }

# SQLSTATE of a statement, or 00000; and its messages
sub state_of
{
	my ($statement) = @_;
	my ($ret, $out, $err) = $main::node->psql('postgres', "\\set VERBOSITY verbose\n$statement");

	return $err =~ /ERROR:  (\w{5})/ ? $1 : '00000';
}

sub value { return $main::node->safe_psql('postgres', "SET client_min_messages = error; $_[0]"); }

# Do it until the device is full, which a page that has room may put off.
sub fails_at_last
{
	my ($statement) = @_;

	for (1 .. 100)
	{
		my $state = state_of($statement);
		return $state if $state ne '00000';
	}
	return '00000';
}

our $node = make_node('full');
make_bandit($node);
make_library($node);
mkdir("$device/space") or die $!;
value(qq{CREATE TABLESPACE small LOCATION '$device/space'});
value(q{ALTER TABLE bandit.models SET TABLESPACE small;
	SELECT count(*) FROM generate_series(100, 699) u, bandit.recommend('films', u, 3, true);
	SELECT count(*) FROM generate_series(1, 100), bandit.choose('plain', '{"n": 3}')});

# training: the model in service stays
my $versions = q{SELECT string_agg(version::text || md5(data), ',' ORDER BY arm) FROM bandit.models
	WHERE bandit = 'films'};
my $predict = q{SELECT string_agg(predicted::text, ',') FROM bandit.predict('films', 'svd', 1, '{1,2,3}')};
my $old = value($predict);
my $session = $node->background_psql('postgres');
is($session->query($predict), $old, 'a session has the model in its cache');
fill();
my $kept = '';
my $trained = '00000';
for (1 .. 100)
{
	$kept = value($versions);
	$trained = state_of(q{SELECT * FROM bandit.train('films')});
	last if $trained ne '00000';
}
is($trained, '53100', 'training raises disk_full');
is(value($versions), $kept, 'the models in service are the old ones, all of them');
is(value($predict), $old, 'and readable');
is($session->query($predict), $old, 'by the session too');
is(value(q{SELECT count(*) FROM bandit.recommend('films', 1, 5, true)}), '5', 'lists are served');
space();
is(state_of(q{SELECT * FROM bandit.train('films')}), '00000', 'with space again it trains');
isnt(value($versions), $kept, 'which replaces the models');

# feedback by trigger: the application's rows are there, with a warning each
# for what could not be learnt
value(q{
	ALTER TABLE bandit.feedback_default SET TABLESPACE small;
	ALTER TABLE bandit.evidence SET TABLESPACE small;
	DO $$ DECLARE name text; BEGIN
		FOR name IN SELECT indexrelid::regclass FROM pg_index
			WHERE indrelid IN ('bandit.feedback_default'::regclass, 'bandit.evidence'::regclass)
		LOOP EXECUTE format('ALTER INDEX %s SET TABLESPACE small', name); END LOOP;
	END $$;
	CREATE TABLE served AS SELECT subject::int AS user_id, items[1] AS film_id FROM bandit.decisions
		WHERE bandit = 'films' AND subject::int BETWEEN 100 AND 699});
fill();
my $ledger = q{SELECT count(*) FROM bandit.feedback WHERE bandit = 'films' AND kind = 'click'};
my ($clicks, $learnt) = (value('SELECT count(*) FROM clicks'), value($ledger));
my ($ret, $out, $err) = $node->psql('postgres', q{\set VERBOSITY sqlstate
	INSERT INTO clicks SELECT * FROM served});
my $warnings = () = $err =~ /WARNING:  53100/g;
is($ret, 0, 'an insert into a watched table does not fail');
cmp_ok($warnings, '>', 0, 'it warns');
is(value('SELECT count(*) FROM clicks') - $clicks, 600, 'its rows are all there');
is(value($ledger) - $learnt, 600 - $warnings, 'all others are learnt');
is($node->psql('postgres', q{SELECT bandit.verify('films')}), 0, 'the ledger can be checked');
ok(is_sound($node), 'and adds up');
is(fails_at_last(q{SELECT bandit.reward(decision_id, 1, picks[1]) FROM bandit.decisions
		WHERE bandit = 'plain' AND items IS NULL ORDER BY random()}), '53100',
	'what is asked to learn, and cannot, says so');
ok(is_sound($node), 'evidence is still the fold of the ledger');

# settling
my $open = q{SELECT count(*) FROM bandit.decisions WHERE settled_at IS NULL};
my $before = value($open);
is(state_of(q{SELECT bandit.settle('films', now() + interval '2 days')}), '53100', 'settling raises disk_full');
is(value($open), $before, 'and settles nothing');
ok(is_sound($node), 'nor counts anything');
space();
is(state_of(q{SELECT bandit.settle('films', now() + interval '2 days')}), '00000', 'with space again it settles');
cmp_ok(value($open), '<', $before, 'what was left');
ok(is_sound($node), 'and all adds up');

# upkeep
fill();
my $partitions = q{SELECT count(*) FROM pg_inherits WHERE inhparent IN
	('bandit.decisions'::regclass, 'bandit.feedback'::regclass)};
$before = value($partitions);
is(state_of(q{SET default_tablespace = small; SELECT * FROM bandit.make_partitions()}), '53100',
	'making partitions raises disk_full');
is(value($partitions), $before, 'and makes none');
is(value(q{SELECT count(*) FROM pg_class WHERE relnamespace = 'bandit'::regnamespace
	AND relkind = 'r' AND relname ~ '_\d{8}'}), '0', 'nor leaves any that is not attached');

# the application's own table is on the full device: that is its error
space();
value(q{ALTER TABLE clicks SET TABLESPACE small});
fill();
$learnt = value(q{SELECT count(*) FROM bandit.feedback});
is(fails_at_last(q{INSERT INTO clicks SELECT * FROM served LIMIT 100}), '53100',
	'a full table of the application is an error of its statement');
ok(is_sound($node), 'nothing of it is learnt by halves');

# a decision that cannot be logged is not served: nobody could learn from it
space();
value(q{ALTER TABLE bandit.decisions_default SET TABLESPACE small});
fill();
is(fails_at_last(q{SELECT * FROM bandit.recommend('films', 1, 50)}), '53100',
	'a decision that cannot be logged is an error');
is(value(q{START TRANSACTION READ ONLY; SELECT count(*) FROM bandit.recommend('films', 1, 5)}), '5',
	'a read-only transaction is served all the same');
space();
is(value(q{SELECT count(DISTINCT decision_id) FROM bandit.recommend('films', 1, 5)}), '1',
	'with space again it is logged');
is(value(q{SELECT count(*) > 0 FROM bandit.make_partitions()}), 't',
	'partitions are made');
ok(is_sound($node), 'and all adds up');

$session->quit;
my $log = PostgreSQL::Test::Utils::slurp_file($node->logfile);
unlike($log, qr/PANIC|TRAP|terminated by signal/, 'the server stayed up throughout');
$node->stop;
done_testing();
