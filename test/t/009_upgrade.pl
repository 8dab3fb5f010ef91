# From the first version on: the new library serves the old SQL, ALTER
# EXTENSION UPDATE leaves the catalog of a fresh install, every row is kept,
# and sessions that were open go on.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use BanditTest;

my $node = PostgreSQL::Test::Cluster->new('upgrade');
$node->init;
$node->append_conf('postgresql.conf', "max_connections = 60\nlog_min_messages = error\n");
$node->start;
make_bandit($node, '0.1.0');
is($node->safe_psql('postgres', q{SELECT extversion FROM pg_extension WHERE extname = 'bandit'}),
	'0.1.0', 'every C function of the old version is in the new library');

# State of every kind, made by the old SQL with the new library.
my ($ret, $out, $err) = $node->psql('postgres', q{
	CREATE EXTENSION dblink;
	CREATE ROLE reader LOGIN;
	GRANT USAGE ON SCHEMA bandit TO reader;
	GRANT SELECT ON bandit.arm_stats TO reader;
	GRANT EXECUTE ON FUNCTION bandit.select_arms TO reader;
	GRANT SELECT ON bandit.evidence TO reader;
	SELECT count(*) FROM bandit.make_partitions('2 days');
	UPDATE bandit.bandits SET half_life = '30 days', exploration_floor = 0.01 WHERE name = 'plain';
	INSERT INTO stars SELECT u, f, 1 + (u * f) % 5, now() - interval '1 hour' FROM generate_series(1, 20) u, generate_series(1, 50, 7) f;
	SELECT bandit.add_arm('films', a) FROM unnest('{svd,item_cf,long_tail}'::text[]) a;
	SELECT count(*) FROM bandit.train('films');
	SELECT bandit.start_experiment('films', 0.8);
	SELECT bandit.set_guard('films', 'arm_p95_ms', 1e6);
	SELECT count(*) FROM generate_series(1, 40) u, bandit.recommend('films', u, 5);
	INSERT INTO clicks SELECT d.subject::int, d.items[1 + d.subject::int % 5] FROM bandit.decisions d WHERE d.bandit = 'films';
	UPDATE stars SET rating = 6 - rating WHERE user_id = 3;
	SELECT bandit.reward(c.decision_id, n / 7.0) FROM generate_series(1, 7) n, bandit.choose('plain', jsonb_build_object('n', n % 3)) c;
	SELECT bandit.update_bandit('plain', '{"n": 1}', 'a', 'success');
	SELECT bandit.settle('films', now() + interval '30 hours');
	SELECT bandit.refresh_priors('plain');
	SELECT count(*) FROM bandit.guard('films');
	SELECT bandit.verify('plain'), bandit.verify('films');
});
is($ret, 0, 'the new library serves the old SQL') or diag($err);
is(() = $err =~ /WARNING/g, 1, 'and warns once') or diag($err);
like($err, qr/WARNING:  extension "bandit" has version 0\.1\.0, but this session's library has version .*\nHINT:  ALTER EXTENSION bandit UPDATE;/,
	'of what is to be done');
is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_class c, LATERAL (SELECT 1) x
		WHERE c.oid = ANY ((SELECT extconfig FROM pg_extension WHERE extname = 'bandit')::oid[])
			AND c.relkind = 'r' AND NOT c.relispartition
			AND (xpath('/row/n/text()', query_to_xml(format('SELECT count(*) AS n FROM %s', c.oid::regclass), true, true, '')))[1]::text = '0'
			AND c.relname NOT IN ('alerts', 'checkpoints')}), '0', 'no table was left out');

# what a dump is of now, when the new version is the one to be had
my $dump = PostgreSQL::Test::Utils::tempdir() . '/dump';
my @place = ('-h', $node->host, '-p', $node->port);
command_ok([ 'pg_dump', @place, '--format=custom', '-f', $dump, 'postgres' ], 'a dump of the old version');
$node->safe_psql('postgres', 'CREATE DATABASE restored');
$node->safe_psql('restored', q{CREATE EXTENSION bandit VERSION '0.1.0'});
command_ok([ 'pg_restore', @place, '--exit-on-error', '-d', 'restored', $dump ], 'goes into the old version');
$node->safe_psql('restored', 'ALTER EXTENSION bandit UPDATE');
my $state = q{SELECT (SELECT count(*) FROM bandit.decisions), (SELECT count(*) FROM bandit.feedback), (SELECT count(*) FROM pg_inherits
	WHERE inhparent IN ('bandit.decisions'::regclass, 'bandit.feedback'::regclass)), (SELECT count(*) FROM bandit.verify('films'))};
is($node->safe_psql('restored', $state), $node->safe_psql('postgres', $state), 'and is updated there');

# copies of all tables, then the update, with sessions in the middle of it
$node->safe_psql('postgres', q{
	CREATE SCHEMA kept;
	DO $$
	DECLARE
		one regclass;
	BEGIN
		FOR one IN SELECT c.oid FROM pg_extension e, pg_class c WHERE e.extname = 'bandit' AND c.oid = ANY (e.extconfig) LOOP
			EXECUTE format('CREATE TABLE kept.%I AS SELECT * FROM %s', (parse_ident(one::text))[2], one);
		END LOOP;
	END $$});
my $here = sprintf('host=%s port=%s dbname=postgres', $node->host, $node->port);
is($node->safe_psql('postgres', qq{
	SELECT dblink_connect('app', '$here user=reader'), dblink_connect('web', '$here'), dblink_connect('busy', '$here');
	SELECT dblink_exec('app', 'PREPARE choose AS SELECT count(*) FROM bandit.select_arms(''plain'', ''{"n": 1}'', 2)');
	SELECT dblink_exec('app', 'PREPARE stats AS SELECT count(*) FROM bandit.arm_stats');
	SELECT n FROM dblink('app', 'EXECUTE choose') AS t (n int);
	SELECT n FROM dblink('app', 'EXECUTE stats') AS t (n int);
	SELECT dblink_exec('web', 'PREPARE serve AS SELECT count(*) FROM bandit.recommend(''films'', 1, 5)');
	SELECT n FROM generate_series(1, 7), dblink('web', 'EXECUTE serve') AS t (n int);
	SELECT dblink_exec('busy', 'BEGIN ISOLATION LEVEL REPEATABLE READ');
	SELECT n FROM dblink('busy', 'SELECT count(*) FROM bandit.select_arms(''plain'', ''{"n": 1}'', 2)') AS t (n int);
	SELECT dblink_exec('web', 'ALTER EXTENSION bandit UPDATE');
	SELECT n FROM dblink('app', 'EXECUTE choose') AS t (n int);
	SELECT n FROM dblink('app', 'EXECUTE stats') AS t (n int);
	SELECT n FROM dblink('web', 'EXECUTE serve') AS t (n int);
	SELECT n FROM dblink('busy', 'SELECT count(*) FROM bandit.select_arms(''plain'', ''{"n": 1}'', 2)') AS t (n int);
	SELECT dblink_exec('busy', 'COMMIT');
	SELECT dblink_disconnect(c) FROM unnest(dblink_get_connections()) c;
} =~ s/\n\s*/\n/gr) =~ s/\n/ /gr,
	'OK|OK|OK PREPARE PREPARE 2 7 PREPARE 5 5 5 5 5 5 5 BEGIN 2 ALTER EXTENSION 2 7 5 2 COMMIT OK OK OK',
	'open sessions, their plans and settings go on');

# what is the same
my $catalog = slurp_file('test/upgrade/catalog.sql');
$node->safe_psql('postgres', 'CREATE DATABASE fresh');
$node->safe_psql('fresh', 'CREATE EXTENSION bandit');
# grants were the administrator's, and are kept: told apart, then taken back
is($node->safe_psql('postgres', q{
		SELECT has_function_privilege('reader', 'bandit.select_arms(text, jsonb, int)', 'EXECUTE'), has_table_privilege('reader', 'bandit.evidence', 'SELECT')}),
	't|t', 'what was granted stays granted');
$node->safe_psql('postgres', 'DROP OWNED BY reader');
my %seen;
$seen{$_}-- foreach split(/^(?! )/m, $node->safe_psql('fresh', $catalog));
$seen{$_}++ foreach split(/^(?! )/m, $node->safe_psql('postgres', $catalog));
my $differences = join('', map { ($seen{$_} < 0 ? 'only in a fresh install: ' : 'only after the update: ') . $_ }
	grep { $seen{$_} } sort keys %seen);
is($differences, '', 'the catalog is that of a fresh install; where not, sql/upgrade lacks something');
cmp_ok(scalar(keys %seen), '>', 1500, 'and there was something to compare');

is($node->safe_psql('postgres', q{
	DO $$
	DECLARE
		one text;
		columns text;
		differences text;
	BEGIN
		CREATE TEMP TABLE lost (what text);
		FOR one IN SELECT tablename FROM pg_tables WHERE schemaname = 'kept' LOOP
			SELECT string_agg(format('%I', column_name), ', ') INTO columns
			FROM information_schema.columns WHERE table_schema = 'kept' AND table_name = one;
			EXECUTE format('INSERT INTO lost SELECT %1$L || k FROM (SELECT %2$s FROM kept.%1$I EXCEPT ALL SELECT %2$s FROM bandit.%1$I) k', one, columns);
		END LOOP;
	END $$;
	SELECT * FROM lost}), '', 'every row is kept');
is($node->safe_psql('postgres', q{SELECT * FROM bandit.verify('plain'); SELECT * FROM bandit.verify('films')}), '', 'evidence is the sum of the ledger');

# what is new works on what is old
($ret, $out, $err) = $node->psql('postgres', q{
	SELECT bandit.library_version() = extversion FROM pg_extension WHERE extname = 'bandit';
	SELECT bandit.create_roles();
	SELECT bandit.set_threshold('films', 'ctr', 0.5);
	SELECT count(*) > 5 FROM bandit.check_health('films');
	SELECT count(*) FROM bandit.overview;
	INSERT INTO clicks SELECT d.subject::int, d.items[3] FROM bandit.decisions d WHERE d.bandit = 'films' ORDER BY decision_id DESC LIMIT 1;
	SELECT count(*) FROM bandit.recommend('films', 2, 5);
	SELECT bandit.rebuild('films') = 0, bandit.settle('films') IS NOT NULL;
	SELECT * FROM bandit.verify('films')});
is($out, "t\n\nt\nt\n2\n5\nt|t" =~ s/\n\nt\n/\n\n\n/r, 'and everything works') or diag($err);
unlike($err, qr/WARNING:  extension/, 'without a warning');

# files that are newer than this session's library
is($node->safe_psql('fresh', 'SELECT bandit.library_version() = (SELECT default_version FROM pg_available_extensions WHERE name = $$bandit$$)'), 't', 'a fresh one too');
($ret, $out, $err) = $node->psql('fresh', q{
	SELECT bandit.create_bandit('b', '{a}');
	UPDATE pg_extension SET extversion = '12.0.1' WHERE extname = 'bandit';
	SELECT arm FROM bandit.select_arms('b');
	SELECT arm FROM bandit.select_arms('b');
	UPDATE bandit.bandits SET prior_beta = 2;
	SELECT arm FROM bandit.select_arms('b')});
is($out, "1\na\na\na", 'an old library goes on');
is(() = $err =~ /WARNING:  .*has version 12\.0\.1.*\nHINT:  The library was loaded before the update. Connect again\./g, 1, 'and says, once, that it is old') or diag($err);

$node->stop;
done_testing();
