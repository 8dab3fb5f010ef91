# A hot arm's slots stay few and small: no more than there are clients, and
# updated in place, without vacuum.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use BanditTest;

my $node = make_node('bloat');
$node->append_conf('postgresql.conf', "autovacuum = off\n");
$node->restart;
make_bandit($node);
my $dir = PostgreSQL::Test::Utils::tempdir();
PostgreSQL::Test::Utils::append_to_file("$dir/hot.sql",
	q{SELECT bandit.update_bandit('plain', '{"n": 1}', 'a', 'success');});

sub evidence
{
	my ($what) = @_;
	return $node->safe_psql('postgres', "SELECT $what FROM pg_stat_user_tables
		WHERE relid = 'bandit.evidence'::regclass");
}

run_command([ 'pgbench', '-n', '-M', 'prepared', '-h', $node->host,
	'-p', $node->port, '-c', '16', '-j', '4', '-t', '4000',
	'-f', "$dir/hot.sql", 'postgres' ]);
is($node->safe_psql('postgres', 'SELECT sum(pulls), sum(successes) FROM bandit.evidence'),
	'64000|64000', 'every outcome is there');
cmp_ok($node->safe_psql('postgres', 'SELECT count(*) FROM bandit.evidence'), '<=', 16,
	'in no more slots than there were clients');
is(evidence('n_tup_upd + n_tup_ins'), '64000', 'an update or an insert each');
cmp_ok(evidence('n_tup_hot_upd::float8 / n_tup_upd'), '>', 0.9,
	'nearly all of the updates were HOT');
# The table grows by as many pages at once as there are waiters for one; its
# index has an entry for each version that did not fit beside the last.
cmp_ok($node->safe_psql('postgres', "SELECT pg_indexes_size('bandit.evidence') / 8192"),
	'<', 20, 'the index is as small as it was');
is(evidence('vacuum_count + autovacuum_count'), '0', 'indeed none');
ok(is_sound($node), 'evidence is the fold of the ledger');

$node->stop;
done_testing();
