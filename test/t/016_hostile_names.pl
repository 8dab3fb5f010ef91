# Names with everything in them, for bandits, arms, features, kinds, users,
# items, schemas, tables, columns, functions, roles and the database: the
# whole path, and a dump.
use strict;
use warnings;
use utf8;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use BanditTest;

my %names = (
	'double quote' => 'a"b""',
	'single quote' => q{a'b''},
	'backslash' => 'a\\b\\\\n\\',
	'spaces' => ' a  b ',
	'line ends' => "a\tb\nc\rd",
	'format' => '%s %I %L %1$s %% %',
	'array' => '{a,"b",NULL}',
	'json' => '{"a": [1]}',
	'record' => '(a,b)',
	'dots and casts' => 'a.b::c[1]',
	'injection' => q{'); DROP TABLE bandit.bandits; --},
	'dollar quotes' => '$$ $x$ $1 :a :\'b\'',
	'markup' => '<script>&amp;"\'</b>',
	'patterns' => '%_\\%!*.?',
	'combining' => "e\x{301}\x{327}",
	'precomposed' => "\x{e9}",
	'right to left' => "\x{5d0}\x{202e}\x{5d1}",
	'beyond the plane' => "\x{1f3ac}\x{1f9d1}\x{200d}\x{1f4bb}",
	'zero width' => "a\x{200b}b",
	'pg_temp' => 'pg_temp',
	'pg_catalog' => 'pg_catalog',
	'reserved' => 'select',
	'null' => 'NULL',
	'public' => 'public',
	'number' => '42',
	'63 bytes' => 'x' x 63,
	'63 bytes of two' => 'x' . "\x{e9}" x 31,
	'63 quotes' => '"' x 63,
	'63 single quotes' => q{'} x 63,
);

my $node = make_node('names');
my $database = q{d"b'\ %{} } . "\x{e9}";
utf8::encode($database);
$node->safe_psql('postgres', 'CREATE DATABASE ' . ($database =~ s/"/""/gr =~ s/^|$/"/gr));
$node->safe_psql($database, 'CREATE EXTENSION bandit');
$node->safe_psql($database, q{
	-- what is made of one name, and what then works
	CREATE FUNCTION walk(n text) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE
		nr int := (SELECT count(*) FROM bandit.bandits);
		place text := CASE WHEN n LIKE 'pg%' OR n = 'public' THEN 's' || nr ELSE n END;
		kind text := CASE WHEN n IN ('click', 'rating') THEN 'k' ELSE n END;
		plain text := 'plain ' || nr;
		command text;
		id uuid;
		found text;
	BEGIN
		SET LOCAL client_min_messages = error;
		EXECUTE format('CREATE SCHEMA %I', place);
		EXECUTE format('CREATE TABLE %I.%I (%I text, item text, stars int)', place, n, n);
		EXECUTE format('CREATE SCHEMA i%s', nr);
		EXECUTE format('CREATE TABLE i%s.%I (%I text PRIMARY KEY, tags text)', nr, n, n);
		EXECUTE format('INSERT INTO i%s.%I SELECT CASE g WHEN 1 THEN $1 ELSE $1 || g END, concat_ws($2, $1, g) FROM generate_series(1, 9) g', nr, n) USING n, left(n, 1);
		EXECUTE format('INSERT INTO %I.%I SELECT CASE u WHEN 1 THEN $1 ELSE $1 || u END, i.%I, 5 FROM generate_series(1, 4) u, i%s.%I i WHERE i.%I <> $1', place, n, n, nr, n, n) USING n;
		EXECUTE format('CREATE TABLE i%s.clicks (%I text, item text)', nr, n);
		EXECUTE format('CREATE FUNCTION i%s.%I(user_key text, n int) RETURNS TABLE (item_key text, score float8) LANGUAGE sql AS ''SELECT i.%s, 1 FROM i%s.%s i''', nr, n, replace(quote_ident(n), '''', ''''''), nr, replace(quote_ident(n), '''', ''''''));
		PERFORM bandit.create_recommender(n, format('%I.%I', place, n)::regclass, n, 'item', items => format('i%s.%I', nr, n)::regclass,
			items_key_column => n, attributes_column => 'tags', attribute_separator => left(n, 1), arms => '{item_cf,graph,embeddings}', exclude_seen => false);
		PERFORM bandit.add_arm(n, n, format('i%s.%I(text,integer)', nr, n)::regprocedure);
		PERFORM bandit.create_bandit(plain, ARRAY[n, 'other'], ARRAY[n]);
		INSERT INTO bandit.outcome_rules (bandit, kind, outcome) VALUES (n, kind, 'success');
		PERFORM bandit.watch(n, format('i%s.clicks', nr)::regclass, kind, n, 'item');
		PERFORM bandit.watch(n, format('%I.%I', place, n)::regclass, 'rating', n, 'item', 'stars');
		PERFORM bandit.train(n);
		PERFORM bandit.set_guard(n, 'arm_p95_ms', 1e6), bandit.set_threshold(n, 'ctr', 1), bandit.start_experiment(n, 1);

		SELECT count(*) || ' items' INTO found FROM bandit.recommend(n, user_key => n, n => 9);
		EXECUTE format('INSERT INTO i%s.clicks SELECT $1, i.%I FROM i%s.%I i', nr, n, nr, n) USING n;
		PERFORM bandit.feedback(n, user_key => n, item_key => n, kind => 'click');
		found := found || ', ' || (SELECT count(*) FROM bandit.feedback f WHERE f.bandit = n) || ' responses';
		EXECUTE format('DELETE FROM i%s.clicks WHERE %I = $1', nr, n) USING n;
		SELECT c.decision_id INTO id FROM bandit.choose(plain, jsonb_build_object(n, n), n) c;
		PERFORM bandit.reward(id, 1);
		PERFORM bandit.update_bandit(plain, jsonb_build_object(n, n), n, 'success');
		PERFORM bandit.shadow_choose(plain, '{}', n, n), bandit.shadow_recommend(n, user_key => n, item_keys => ARRAY[n]);
		found := found || ', ' || (SELECT count(*) FROM bandit.explain(id)) || ' arms explained';
		PERFORM bandit.candidates(n, n, n, 5), bandit.user_context(n, n), bandit.experiment_side(n, n);
		-- the commands that pg_cron would get
		FOR command IN SELECT s.command FROM bandit.schedule(n) s WHERE s.command LIKE 'SELECT %bandit.%' LOOP
			EXECUTE command;
		END LOOP;
		PERFORM bandit.unschedule(n);
		PERFORM bandit.settle(n, clock_timestamp() + interval '2 days'), bandit.fold(n), bandit.refresh_priors(plain), bandit.rebuild(n);
		PERFORM bandit.guard(n), bandit.check_health(n), bandit.experiment_report(n), bandit.regret(n), bandit.arm_history(plain), bandit.evaluate_policy(plain, 'uniform');
		IF bandit.report(n) ~ '<script|</b>&' THEN
			found := found || ', unescaped';
		END IF;
		found := found || ', ' || (SELECT count(*) FROM bandit.verify(n)) + (SELECT count(*) FROM bandit.verify(plain)) || ' differences, '
			|| (SELECT count(*) FROM bandit.bandit_states s WHERE s.bandit = plain AND s.arm = n AND s.context = jsonb_build_object(n, n) AND s.pulls > 0) || ' state';
		IF n !~ '^pg_' AND n NOT IN ('public') AND NOT EXISTS (SELECT FROM pg_roles WHERE rolname = n) THEN
			EXECUTE format('CREATE ROLE %I', n);
			PERFORM bandit.grant_access(n, a) FROM unnest('{serve,feedback,monitor,admin}'::text[]) a;
			EXECUTE format('GRANT USAGE ON SCHEMA %I, i%s TO %I', place, nr, n);
			EXECUTE format('GRANT SELECT ON %I.%I, i%s.%I TO %I', place, n, nr, n, n);
			EXECUTE format('SET LOCAL ROLE %I', n);
			found := found || ', ' || (SELECT count(*) FROM bandit.recommend(n, user_key => n, n => 3)) || ' to a role';
			RESET ROLE;
		ELSE
			found := found || ', 3 to a role';
		END IF;
		RETURN found;
	END $$});

# a name, as a literal that a server of UTF-8 takes
sub literal
{
	my ($name) = @_;
	utf8::encode($name);
	return "convert_from('\\x" . unpack('H*', $name) . "', 'UTF8')";
}

foreach my $what (sort keys %names)
{
	my ($ret, $out, $err) = $node->psql($database, 'SELECT walk(' . literal($names{$what}) . ')');
	is($out, '9 items, 10 responses, 2 arms explained, 0 differences, 1 state, 3 to a role', $what) or diag($err);
}

# names that are none
foreach my $bad ([ '', '22023', 'empty' ], [ 'x' x 64, '42622', '64 bytes' ], [ "\x{e9}" x 32, '42622', '64 bytes of two' ])
{
	my $name = literal($bad->[0]);
	foreach my $call ("bandit.create_bandit($name, '{a}')", "bandit.create_bandit('b', ARRAY[$name])", "bandit.create_bandit('b', '{a}', ARRAY[$name])",
		"bandit.add_arm('42', $name)")
	{
		my ($ret, $out, $err) = $node->psql($database, "\\set VERBOSITY sqlstate\nSELECT $call");
		like($err, qr/ERROR:  $bad->[1]/, "$bad->[2]: " . ($call =~ s/convert_from.*?\)/.../r));
	}
	my ($ret, $out, $err) = $node->psql($database, "SELECT bandit.select_arms($name)");
	like($err, qr/ERROR:  bandit ".*" does not exist/, "$bad->[2]: there is no such bandit");
}

# a dump takes them all along
my $file = PostgreSQL::Test::Utils::tempdir() . '/dump';
my $digest = q{SELECT count(*), md5(string_agg(l, E'\n' ORDER BY l COLLATE "C")) FROM (SELECT 'b' || b AS l FROM bandit.bandits b
	UNION ALL SELECT 'a' || a FROM bandit.arms a UNION ALL SELECT 'w' || w FROM bandit.watches w UNION ALL SELECT 'c' || c FROM bandit.contexts c
	UNION ALL SELECT 'r' || r FROM bandit.recommenders r UNION ALL SELECT 'e' || e FROM bandit.evidence e) x};
my $before = $node->safe_psql($database, $digest);
my $connection = sprintf("host=%s port=%s dbname='%s'", $node->host, $node->port, $database =~ s/([\\'])/\\$1/gr);
command_ok([ 'pg_dump', '-Fc', '-f', $file, '-d', $connection ], 'dumped');
$node->safe_psql('postgres', 'CREATE DATABASE restored');
command_ok([ 'pg_restore', '--exit-on-error', '-h', $node->host, '-p', $node->port, '-d', 'restored', $file ], 'restored');
is($node->safe_psql('restored', $digest), $before, 'all is there');
is($node->safe_psql('restored', q{SELECT count(*) FROM bandit.recommenders r, bandit.recommend(r.bandit, user_key => r.bandit, n => 1)}),
	scalar(keys %names), 'and serves');

$node->stop;
done_testing();
