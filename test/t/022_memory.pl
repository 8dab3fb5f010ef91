# Out of memory, anywhere in training and serving: a clean error of the
# statement, or an arm that is skipped; the backend lives, and the model in
# service is the old one.
#
# The limit is the kernel's, on the address space of one backend, so that not
# only the server's allocator but the C++ library and everything else meets it.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use BanditTest;

plan skip_all => 'prlimit and /proc are needed to take memory from a backend'
  if !-r "/proc/$$/status" || system('prlimit --version >/dev/null 2>&1') != 0;

# What is freed goes back to the kernel: else a backend that has trained before
# may need no more than what it has kept.
$ENV{GLIBC_TUNABLES} = 'glibc.malloc.mmap_threshold=65536:glibc.malloc.trim_threshold=65536';
my $node = make_node('memory');
make_bandit($node);
make_library($node);
$node->safe_psql('postgres', q{
	SET client_min_messages = error;
	CREATE TABLE large AS SELECT u AS user_id, (u * 31 + i * 7) % 3000 AS film_id, (u + i) % 5 AS rating
		FROM generate_series(1, 1500) u, generate_series(1, 40) i;
	CREATE TABLE large_films AS SELECT DISTINCT film_id AS id, 'film ' || film_id AS title,
		ARRAY['genre ' || film_id % 9, 'maker ' || film_id % 100] AS genres FROM large;
	SELECT bandit.create_recommender('large', 'large', items => 'large_films');
	UPDATE bandit.arms SET options = '{"rank": 16, "iterations": 1}' WHERE bandit = 'large' AND arm = 'svd';
	SELECT count(*) FROM bandit.train('large');
});

my $session = $node->background_psql('postgres', on_error_stop => 0);
my $pid = $session->query('SELECT pg_backend_pid()');

# Lets the backend have so much more than it has now, in kB; or all it wants.
sub limit
{
	my ($more) = @_;
	my $bytes = 'unlimited';

	if (defined $more)
	{
		my ($has) = slurp_file("/proc/$pid/status") =~ /^VmSize:\s+(\d+) kB/m;
		$bytes = ($has + $more) * 1024;
	}
	system('prlimit', '--pid', $pid, "--as=$bytes:unlimited") == 0 or die 'prlimit failed';
	return;
}

# The SQLSTATE of a statement in that session.
sub state_of
{
	my ($statement) = @_;

	return $session->query("BEGIN;\n$statement;\n\\set state :SQLSTATE\nROLLBACK;\n\\echo :state")
	  =~ /(\w{5})\s*$/ ? $1 : 'none';
}

# once without a limit, so that stack and caches are there
$session->query(q{SET maintenance_work_mem = '2GB'; SET bandit.model_cache_size = 0; SET client_min_messages = error});
my %statements = (
	train => q{SELECT count(*) FROM bandit.train('large')},
	evaluate => q{SELECT count(*) FROM bandit.evaluate('large', '{item_cf}')},
	serve => q{SELECT count(*) FROM bandit.recommend('large', 5, 10, true)});
my $predict = q{SELECT string_agg(predicted::text, ',') FROM bandit.predict('large', 'svd', 1, '{1,2,3}')};
state_of($statements{$_}) foreach sort keys %statements;
my $old = $session->query($predict);
my $versions = q{SELECT string_agg(arm || version, ',' ORDER BY arm) FROM bandit.models WHERE bandit = 'large'};
my $kept = $session->query($versions);

foreach my $name (sort keys %statements)
{
	my %seen;

	foreach my $more (0, 512, 1024, 2048, 4096, 8192, 16384)
	{
		limit($more);
		my $state = state_of($statements{$name});
		$seen{$state}++;
		limit(undef);
	}
	note("$name: " . join(', ', map { "$seen{$_} x $_" } sort keys %seen));
	is(join(' ', grep { !/^(53200|00000)$/ } keys %seen), '', "$name: out of memory is an error, or is not met");
	# a list is made of the arms that are left
	cmp_ok($seen{'53200'} // 0, '>', 0, 'which it was') if $name ne 'serve';
	is($session->query($versions), $kept, 'the models are the old ones');
	is($session->query($predict), $old, 'and serve');
}
is($session->query('SELECT pg_backend_pid()'), $pid, 'the backend lives');

$session->quit;
my $log = slurp_file($node->logfile);
unlike($log, qr/PANIC|TRAP|terminated by signal/, 'so does the server');
$node->stop;
done_testing();
