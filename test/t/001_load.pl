# 32 clients on hot and spread arms, with aborts and savepoints: nothing lost,
# nothing counted twice, no deadlock; slots within the number of backends.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use BanditTest;

my $node = make_node('load');
make_bandit($node);
my @scripts = load_scripts(PostgreSQL::Test::Utils::tempdir());

my ($out, $err) = run_command(
	[ 'pgbench', '-n', '-h', $node->host, '-p', $node->port,
	  '-c', '32', '-j', '4', '-t', '60', '--random-seed=7', @scripts, 'postgres' ]);
like($out, qr/number of transactions actually processed: 1920\/1920/,
	'all transactions went through');
unlike($err, qr/ERROR|aborted/, 'none failed');

ok(is_sound($node), 'evidence is the fold of the ledger');
is(forgotten($node), '', 'the ledger has what was committed, once');
is($node->safe_psql('postgres',
		"SELECT sum(pulls) FROM bandit.evidence WHERE bandit = 'plain'"),
	$node->safe_psql('postgres',
		"SELECT count(*) FROM bandit.feedback WHERE bandit = 'plain'"),
	'a pull for every response');
is($node->safe_psql('postgres',
		"SELECT count(*) FROM bandit.feedback WHERE bandit = 'films'"),
	$node->safe_psql('postgres', q{
		SELECT count(*) FROM bandit.feedback f JOIN bandit.decisions d
			USING (decision_id, bandit)
		WHERE f.bandit = 'films' AND f.item_id = ANY (d.items)}),
	'every response belongs to a decision that served the item');
cmp_ok($node->safe_psql('postgres', q{
		SELECT max(n) FROM (SELECT count(*) AS n FROM bandit.evidence
			GROUP BY bandit, context_hash, arm) s}), '<=', 32,
	'no more slots than there were clients');
is($node->safe_psql('postgres',
		'SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()'),
	'0', 'no deadlock');

# a prepared transaction holds a slot for as long as it likes
$node->safe_psql('postgres', q{
	BEGIN;
	SELECT bandit.update_bandit('plain', '{"n": 2}', 'b', 'success');
	PREPARE TRANSACTION 'held'});
$node->safe_psql('postgres',
	q{SELECT bandit.update_bandit('plain', '{"n": 2}', 'b', 'failure') FROM generate_series(1, 20)});
ok(is_sound($node), 'others learn past a prepared transaction');
$node->safe_psql('postgres', q{COMMIT PREPARED 'held'});
ok(is_sound($node), 'which is learnt when it commits');

$node->stop;
done_testing();
