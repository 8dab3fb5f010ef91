# Jobs on pg_cron: in the same database, from another one, without rights; and
# a job that really runs raises a real alert.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use BanditTest;

my $node = PostgreSQL::Test::Cluster->new('cron');
$node->init;
my $host = $node->host;
$node->append_conf('postgresql.conf', qq{
max_connections = 60
log_min_messages = log
});

# without pg_cron
$node->start;
$node->safe_psql('postgres', q{CREATE EXTENSION bandit; SELECT bandit.create_bandit('plain', '{a,b}')});
my ($ret, $out, $err) = $node->psql('postgres',
	q{SELECT count(*), bool_or(scheduled), min(command) FILTER (WHERE job LIKE '%settle') FROM bandit.schedule('plain')});
is($out, q{7|f|SELECT bandit.settle('plain')}, 'without pg_cron: the calls to run by hand');
like($err, qr/WARNING:  nothing was scheduled: pg_cron is not there\nHINT:  Install it/, 'and what to install');
($ret, $out, $err) = $node->psql('postgres', q{SELECT bandit.unschedule('plain')});
like($err, qr/WARNING/, 'nor is there anything to take off');
$node->stop;
if (!-e $node->config_data('--pkglibdir') . '/pg_cron.so')
{
	diag('pg_cron is not installed: its part is skipped');
	done_testing();
	exit;
}

$node->append_conf('postgresql.conf', qq{
shared_preload_libraries = 'pg_cron'
cron.database_name = 'postgres'
cron.host = '$host'
});
$node->start;
($ret, $out, $err) = $node->psql('postgres', q{SELECT bool_or(scheduled) FROM bandit.schedule('plain')});
like($err, qr/HINT:  CREATE EXTENSION pg_cron/, 'loaded but not made');

# pg_cron 1.4 counts in minutes, 1.6 in seconds too
my $often = $node->safe_psql('postgres', q{SELECT string_to_array(substring(default_version FROM '[0-9.]+'), '.')::int[] >= '{1,5}' FROM pg_available_extensions WHERE name = 'pg_cron'}) eq 't'
	? '2 seconds' : '* * * * *';

# in the same database
$node->safe_psql('postgres', q{
	SET client_min_messages = warning;
	CREATE EXTENSION pg_cron;
	CREATE TABLE films (id int PRIMARY KEY, title text);
	CREATE TABLE stars (user_id int, film_id int, rating int);
	INSERT INTO films SELECT g, 'film ' || g FROM generate_series(1, 20) g;
	INSERT INTO stars SELECT u, 1 + (u + p) % 20, 4 FROM generate_series(1, 20) u, generate_series(1, 5) p;
	SELECT bandit.create_recommender('my "films"%', 'stars', items => 'films')});
sub jobs { return $node->safe_psql('postgres', q{SELECT string_agg(concat_ws('=', jobname, schedule), ', ' ORDER BY jobname COLLATE "C") FROM cron.job}) }
is($node->safe_psql('postgres', qq{SELECT bool_and(scheduled), count(*) FROM bandit.schedule('my "films"%', monitoring => '$often', settlement => NULL, guarding => NULL)}),
	't|7', 'scheduled');
my $films = q{bandit postgres."my ""films""%" };
my $shared = 'bandit postgres history=30 3 * * *, bandit postgres partitions=30 3 * * *, bandit postgres retention=30 3 * * *';
my $expected = join(', ', 'bandit postgres history=30 3 * * *', "${films}fold=30 3 * * *", "${films}health=$often", "${films}priors=30 3 * * *", "${films}train=0 3 * * *");
is(join(', ', sort(split(/, /, jobs()))), join(', ', sort(split(/, /, "$expected, bandit postgres partitions=30 3 * * *, bandit postgres retention=30 3 * * *"))), 'visible in cron.job');
my $before = jobs();
$node->safe_psql('postgres', qq{SELECT count(*) FROM bandit.schedule('my "films"%', monitoring => '$often', settlement => NULL, guarding => NULL)});
is(jobs(), $before, 'again: the same');
foreach my $bad (q{monitoring => 'whenever'}, q{settlement => '99 * * * *'}, q{retention => '0'}, q{maintenance => ''})
{
	($ret, $out, $err) = $node->psql('postgres', qq{SELECT bandit.schedule('plain', $bad)});
	like($err, qr/ERROR:  (invalid schedule|retention must be positive)/, "$bad: refused");
	is(jobs(), $before, 'and nothing is half-scheduled');
}
$node->safe_psql('postgres', q{SELECT bandit.schedule('plain', training => NULL)});
isnt(jobs(), $before, 'another bandit');
$node->safe_psql('postgres', q{SELECT bandit.unschedule('plain')});
is(jobs(), $before, 'comes and goes by itself');
$node->safe_psql('postgres', q{SELECT bandit.create_bandit(repeat('n', 63), '{a,b}'); SELECT bandit.schedule(repeat('n', 63), maintenance => NULL)});
is($node->safe_psql('postgres', q{SELECT count(*) FROM cron.job WHERE command LIKE '%nnn%'}), '3', 'jobs of a long name are as many');
$node->safe_psql('postgres', q{SELECT bandit.drop_bandit(repeat('n', 63))});
is($node->safe_psql('postgres', q{SELECT count(*) FROM cron.job WHERE command LIKE '%nnn%'}), '0', 'and found again');
$node->safe_psql('postgres', qq{SELECT bandit.schedule('my "films"%', monitoring => '$often', settlement => NULL, guarding => NULL)});

# what is for all bandits
$node->safe_psql('postgres', q{SELECT bandit.schedule('plain', retention => '2 years')});
($ret, $out, $err) = $node->psql('postgres', q{SELECT bandit.schedule('plain', retention => '2 years')});
is($err, '', 'the same again changes nothing');
($ret, $out, $err) = $node->psql('postgres', qq{SELECT bandit.schedule('my "films"%', monitoring => '$often', settlement => NULL, guarding => NULL)});
like($err, qr/NOTICE:  for all bandits of the database: SELECT bandit.drop_partitions\('90 days'\), no longer SELECT bandit.drop_partitions\('2 years'\)/, 'a retention that another bandit changes is told');
($ret, $out, $err) = $node->psql('postgres', q{SELECT bandit.schedule('plain', retention => NULL)});
like($err, qr/NOTICE:  for all bandits of the database: no longer SELECT bandit.make_partitions\(\)/, 'or takes away');
$node->safe_psql('postgres', qq{SELECT bandit.unschedule('plain'); SELECT bandit.schedule('my "films"%', monitoring => '$often', settlement => NULL, guarding => NULL)});

# without rights
$node->safe_psql('postgres', q{CREATE ROLE worker LOGIN; GRANT USAGE ON SCHEMA bandit, bandit_internal TO worker;
	GRANT SELECT ON ALL TABLES IN SCHEMA bandit TO worker; GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA bandit, bandit_internal TO worker});
($ret, $out, $err) = $node->psql('postgres', q{SELECT bandit.schedule('plain')}, extra_params => ['-U', 'worker']);
like($err, qr/ERROR:  permission denied for pg_cron\nHINT:  As a superuser: GRANT USAGE ON SCHEMA cron TO worker;/, 'without rights: what to grant');
$node->safe_psql('postgres', q{GRANT USAGE ON SCHEMA cron TO worker});
is($node->safe_psql('postgres', q{SELECT bool_and(scheduled) FROM bandit.schedule('plain', monitoring => NULL)}, extra_params => ['-U', 'worker']), 't', 'with rights');
$node->safe_psql('postgres', q{SELECT bandit.unschedule('plain')});
is($node->safe_psql('postgres', q{SELECT count(*) FROM cron.job WHERE username = 'worker'}), '7', 'jobs of others stay');
$node->safe_psql('postgres', 'CREATE ROLE team; GRANT worker TO team');
($ret, $out, $err) = $node->psql('postgres', q{SET ROLE team; SELECT bandit.schedule('plain')});
like($err, qr/ERROR:  role "team" may not log in/, 'jobs that could never run are not scheduled');
$node->safe_psql('postgres', q{SELECT bandit.unschedule('plain')}, extra_params => ['-U', 'worker']);

# a bandit that goes while another role has jobs of it
$node->safe_psql('postgres', q{SELECT bandit.create_bandit('gone', '{a,b}')});
$node->safe_psql('postgres', q{SELECT bandit.schedule('gone', maintenance => NULL)}, extra_params => ['-U', 'worker']);
($ret, $out, $err) = $node->psql('postgres', q{SELECT bandit.drop_bandit('gone')});
like($err, qr/WARNING:  bandit "gone" still has jobs of other roles: worker\nHINT:  As each of them: SELECT bandit.unschedule\('gone'\);/, 'is told of');
$node->safe_psql('postgres', q{SELECT bandit.unschedule('gone')}, extra_params => ['-U', 'worker']);
is(jobs(), $before, 'and leaves nothing then');

# pg_cron in another database
$node->safe_psql('postgres', 'CREATE DATABASE "the ""app"');
my $app = 'the "app';
$node->safe_psql($app, q{CREATE EXTENSION bandit; SELECT bandit.create_bandit('plain', '{a,b}')});
($ret, $out, $err) = $node->psql($app, q{SELECT count(*), bool_or(scheduled) FROM bandit.schedule('plain') WHERE command LIKE 'SELECT cron.schedule_in_database(%'});
is($out, '7|f', 'from another database: what to run there');
like($err, qr/WARNING:  nothing was scheduled: pg_cron is in database "postgres"/, 'and why');
$node->safe_psql($app, 'CREATE EXTENSION dblink');
is($node->safe_psql($app, q{SELECT count(*), bool_and(scheduled) FROM bandit.schedule('plain')}), '8|t', 'or through dblink');
is($node->safe_psql('postgres', q{SELECT count(*) FILTER (WHERE database = 'the "app'), count(*) FILTER (WHERE database = 'postgres') FROM cron.job WHERE jobname LIKE 'bandit "the ""app"%'}), '7|1', 'jobs that run where the bandit is');
$node->safe_psql($app, q{SELECT bandit.schedule('plain', monitoring => NULL, settlement => NULL, guarding => NULL, maintenance => NULL)});
is(jobs(), $before, 'what is not wanted any more goes');
$node->safe_psql($app, q{SELECT bandit.schedule('plain')});
$node->safe_psql($app, q{SELECT bandit.unschedule('plain')});
is(jobs(), $before, 'and all of it');
$node->safe_psql($app, q{SELECT bandit.create_roles(); GRANT bandit_admin TO worker});
($ret, $out, $err) = $node->psql($app, q{SELECT bool_or(scheduled) FROM bandit.schedule('plain')}, extra_params => ['-U', 'worker']);
like($err, qr/WARNING:  nothing was scheduled: pg_cron is not in this database\nHINT:  .*GRANT pg_read_all_settings TO worker;/, 'who may not see where pg_cron is is not told to install it');
$node->safe_psql($app, q{GRANT pg_read_all_settings TO worker});
($ret, $out, $err) = $node->psql($app, q{SELECT count(*), bool_or(scheduled) FROM bandit.schedule('plain')}, extra_params => ['-U', 'worker']);
is($out, '7|f', 'whom dblink would ask for a password gets what to run');
like($err, qr/pg_cron is in database "postgres"/, 'and where');
$node->safe_psql($app, q{SELECT bandit.create_bandit('gone', '{a,b}'); SELECT bandit.schedule('plain')});
($ret, $out, $err) = $node->psql($app, q{SELECT bandit.drop_bandit('gone')});
is($err, '', 'a bandit without jobs goes there without a word');
($ret, $out, $err) = $node->psql($app, q{SELECT bandit.drop_bandit('plain')});
like($err, qr/WARNING:  bandit "plain" still has jobs in database "postgres"\nHINT:  SELECT bandit.unschedule\('plain'\);/, 'with jobs it says so');
$node->safe_psql($app, q{SELECT bandit.unschedule('plain')});
is(jobs(), $before, 'which takes them off');

# a job runs, and tells that the recommender was never trained
ok($node->poll_query_until('postgres', q{SELECT count(*) > 0 FROM bandit.alerts WHERE metric = 'untrained_arms' AND severity = 'critical' AND resolved_at IS NULL}),
	'a scheduled job raises an alert');
ok($node->poll_query_until('postgres', q{SELECT count(*) > 0 FROM cron.job_run_details WHERE status = 'succeeded' AND command LIKE '%check_health%'}),
	'and succeeds');
like(slurp_file($node->logfile), qr/LOG:  bandit "my "films"%": critical alert opened: untrained_arms is 6/, 'in the server log too');
$node->safe_psql('postgres', q{SELECT bandit.drop_bandit('my "films"%')});
is(jobs(), '', 'a bandit that is dropped has no jobs');
done_testing();
