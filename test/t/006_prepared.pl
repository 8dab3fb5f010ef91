# A transaction that is prepared and left open holds what it has learnt, and
# nobody waits for it: not 32 clients, not after kill -9 in the middle of them.
use strict;
use warnings;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use BanditTest;

my $node = make_node('prepared');
make_bandit($node);
my @scripts = load_scripts(PostgreSQL::Test::Utils::tempdir());

# who would wait for a prepared transaction would wait for ever
local $ENV{PGOPTIONS} = '-c lock_timeout=60s';

sub load
{
	my ($transactions) = @_;
	return ('pgbench', '-n', '-h', $node->host, '-p', $node->port, '-c', '32',
		'-j', '4', '-t', $transactions, '--random-seed=7', @scripts, 'postgres');
}

sub pulls
{
	return $node->safe_psql('postgres',
		"SELECT sum(pulls) FROM bandit.evidence WHERE bandit = 'plain'");
}

# slots that everybody would like to have, then one transaction that holds them
$node->safe_psql('postgres', q{
	SELECT bandit.update_bandit('plain', '{"n": 1}', 'a', 'success');
	INSERT INTO told VALUES ('success', 1);
	SELECT count(*) FROM bandit.recommend('films', 7, 5)});
foreach my $name ('kept', 'dropped')
{
	$node->safe_psql('postgres', qq{
		BEGIN;
		SELECT bandit.update_bandit('plain', '{"n": 1}', 'a', 'success');
		SAVEPOINT s;
		SELECT bandit.update_bandit('plain', '{"n": 2}', 'b', 'failure');
		SELECT bandit.update_bandit('plain', '{"n": 3}', 'c', 'success');
		ROLLBACK TO s;
		SELECT bandit.update_bandit('plain', '{"n": 2}', 'b', 'success');
		INSERT INTO told VALUES ('success', 1), ('success', 1);
		INSERT INTO stars SELECT 7, items[CASE '$name' WHEN 'kept' THEN 1 ELSE 2 END], 5
			FROM bandit.decisions WHERE bandit = 'films' AND subject = '7';
		PREPARE TRANSACTION '$name'});
}
ok(is_sound($node), 'what was prepared is not to be seen');
is(pulls(), 1, 'nor counted');

my ($out, $err) = run_command([ load(40) ]);
like($out, qr/actually processed: 1280\/1280/, '32 clients learn meanwhile');
unlike($err, qr/ERROR|WARNING|aborted/, 'and none failed');
ok(is_sound($node), 'evidence is the fold of the ledger');
is(forgotten($node), '', 'the ledger has what was committed, once');

my $before = $node->safe_psql('postgres', 'SELECT count(*) FROM bandit.feedback');
my $clients = IPC::Run::start([ load(1000000) ], '>', \$out, '2>', \$err);
$node->poll_query_until('postgres',
	"SELECT count(*) > $before + 500 FROM bandit.feedback")
  or die 'the load did not get going';
$node->kill9;
$clients->finish;

# orphaned backends hold the lock for a moment
my $started = 0;
for (1 .. 100)
{
	$started = $node->start(fail_ok => 1) and last;
	$node->stop('fast', fail_ok => 1);
}
ok($started, 'the server recovered');
is($node->safe_psql('postgres', 'SELECT count(*) FROM pg_prepared_xacts'), '2',
	'what was prepared is still there');
ok(is_sound($node), 'after recovery, evidence is the fold of the ledger');
is(forgotten($node), '', 'after recovery, the ledger has what was committed, once');

($out, $err) = run_command([ load(10) ]);
unlike($err, qr/ERROR|WARNING|aborted/, 'the clients learn on');
$before = pulls();
$node->safe_psql('postgres', "COMMIT PREPARED 'kept'");
is(pulls() - $before, 2, 'what was prepared is learnt when it commits');
$node->safe_psql('postgres', "ROLLBACK PREPARED 'dropped'");
is(pulls() - $before, 2, 'and forgotten when it is rolled back');
ok(is_sound($node), 'in the end, evidence is the fold of the ledger');
is(forgotten($node), '', 'in the end, the ledger has what was committed, once');
is($node->safe_psql('postgres',
		"SELECT count(*) FROM bandit.feedback f JOIN bandit.decisions d USING (decision_id, bandit)
		WHERE d.subject = '7' AND f.kind = 'rating'"), '1',
	'as for what the trigger learnt');

$node->stop;
done_testing();
