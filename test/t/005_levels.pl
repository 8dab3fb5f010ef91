# Feedback from many clients at REPEATABLE READ, where none fails, and at
# SERIALIZABLE, where some try again: nothing lost, nothing counted twice.
#
# At these levels every response inserts a slot under a random number of 31
# bits, and two equal ones are an error.  The load is spread over 1,000 contexts
# so that this happens by chance in fewer than 5e-7 of the runs.
use strict;
use warnings;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use BanditTest;

my $node = make_node('levels');
make_bandit($node);
my $dir = PostgreSQL::Test::Utils::tempdir();

# Outcomes and rewards, aborts and savepoints; and ratings through the trigger.
PostgreSQL::Test::Utils::append_to_file("$dir/teach.sql", q{
\set context random(1, 1000)
\set reward random(0, 1048576)
\set end random(1, 10)
BEGIN;
SELECT bandit.update_bandit('plain', jsonb_build_object('n', :context), 'a', 'success');
INSERT INTO told VALUES ('success', 1);
SELECT decision_id FROM bandit.choose('plain', jsonb_build_object('n', :context)) \gset
SELECT bandit.reward(':decision_id', :reward / 1048576.0);
INSERT INTO told VALUES (':decision_id', :reward / 1048576.0);
SAVEPOINT s;
SELECT bandit.update_bandit('plain', jsonb_build_object('n', :context), 'b', 'failure');
INSERT INTO told VALUES ('failure', 0);
\if :end <= 3
ROLLBACK TO s;
\endif
\if :end = 10
ROLLBACK;
\else
COMMIT;
\endif
});
PostgreSQL::Test::Utils::append_to_file("$dir/rate.sql", q{
\set who 1000 + :client_id
\set stars random(1, 5)
SELECT count(*) FROM bandit.recommend('films', :who, 5);
BEGIN;
INSERT INTO stars (user_id, film_id, rating)
	SELECT :who, item, :stars FROM (
		SELECT items[1 + :stars % 5] AS item FROM bandit.decisions
		WHERE bandit = 'films' AND subject = :who::text
		ORDER BY decision_id DESC LIMIT 1) d WHERE item IS NOT NULL;
COMMIT;
});

# Run pgbench: the number of transactions, what the server's log said, and what
# pgbench said.
sub run_level
{
	my ($level, $clients, $transactions, @options) = @_;
	my ($out, $err) = ('', '');
	my $from = -s $node->logfile;

	local $ENV{PGOPTIONS} = "-c default_transaction_isolation=$level";
	IPC::Run::run(
		[ 'pgbench', '-n', '-h', $node->host, '-p', $node->port,
		  '-c', $clients, '-j', '4', '-t', $transactions, '--random-seed=7',
		  @options, 'postgres' ],
		'>', \$out, '2>', \$err);
	my ($done) = $out =~ /actually processed: (\d+)/;
	return ($done, slurp_file($node->logfile, $from), $err);
}

my ($done, $log, $err) = run_level('repeatable\ read', 32, 30,
	'-f', "$dir/teach.sql\@3", '-f', "$dir/rate.sql");
is($done, 32 * 30, 'REPEATABLE READ: all transactions went through');
unlike($err . $log, qr/ERROR|could not/, 'REPEATABLE READ: none failed');
ok(is_sound($node), 'REPEATABLE READ: evidence is the fold of the ledger');
is(forgotten($node), '', 'REPEATABLE READ: the ledger has what was committed, once');

# by call alone: a trigger that meets a serialization failure says so in a
# warning, and does not learn
($done, $log, $err) = run_level('serializable', 8, 40, '--max-tries=10000',
	'-f', "$dir/teach.sql");
is($done, 8 * 40, 'SERIALIZABLE: all transactions went through, some by a retry');
unlike($err . $log, qr/ERROR:  (?!could not serialize)/, 'SERIALIZABLE: no other error');
ok(is_sound($node), 'SERIALIZABLE: evidence is the fold of the ledger');
is(forgotten($node), '', 'SERIALIZABLE: the ledger has what was committed, once');

is($node->safe_psql('postgres',
		'SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()'),
	'0', 'no deadlock');

$node->stop;
done_testing();
