# kill -9 of the server under load: after recovery, evidence is the ledger's.
use strict;
use warnings;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use BanditTest;

my $node = make_node('crash');
make_bandit($node);
my @scripts = load_scripts(PostgreSQL::Test::Utils::tempdir());

for my $round (1 .. 2)
{
	my ($out, $err) = ('', '');
	my $before = $node->safe_psql('postgres', 'SELECT count(*) FROM bandit.feedback');
	my $load = IPC::Run::start(
		[ 'pgbench', '-n', '-h', $node->host, '-p', $node->port,
		  '-c', '8', '-j', '2', '-t', '1000000', @scripts, 'postgres' ],
		'>', \$out, '2>', \$err);

	$node->poll_query_until('postgres',
		"SELECT count(*) > $before + 300 FROM bandit.feedback")
	  or die 'the load did not get going';
	$node->kill9;
	$load->finish;

	# orphaned backends hold the lock for a moment
	my $started = 0;
	for (1 .. 100)
	{
		$started = $node->start(fail_ok => 1) and last;
		$node->stop('fast', fail_ok => 1);
	}
	ok($started, "round $round: the server recovered");
	ok(is_sound($node), "round $round: evidence is the fold of the ledger");
	is(forgotten($node), '', "round $round: the ledger has what was committed, once");
	cmp_ok($node->safe_psql('postgres', 'SELECT count(*) FROM bandit.feedback'),
		'>', $before + 300, "round $round: what was committed is there");
}
$node->safe_psql('postgres',
	q{SELECT bandit.update_bandit('plain', '{"n": 1}', 'a', 'success')});
ok(is_sound($node), 'and learning goes on');

$node->stop;
done_testing();
