# Who may only connect, and make things in public and in schemas of his own:
# he squats names before the extension comes, and after that reads nothing,
# plants nothing, and makes nobody run what is his.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use BanditTest;

my $node = make_node('stranger');
$node->safe_psql('postgres', q{
	CREATE ROLE stranger LOGIN;
	CREATE DATABASE shop;
	CREATE DATABASE taken;
});
$node->safe_psql($_, 'GRANT CREATE ON SCHEMA public TO stranger; GRANT CREATE ON DATABASE ' . $_ . ' TO stranger') foreach ('shop', 'taken');

sub stranger
{
	my ($database, $sql) = @_;
	my ($ret, $out, $err) = $node->psql($database, $sql, extra_params => [ '-U', 'stranger' ]);
	return "$out$err";
}
sub refused
{
	my ($sql, $what) = @_;
	like(stranger('shop', $sql), qr/ERROR:  (permission denied|must be owner|must be superuser|must be able)/, $what);
	return;
}

# names that are taken before CREATE EXTENSION
foreach my $schema ('bandit', 'bandit_internal')
{
	is(stranger('taken', "CREATE SCHEMA $schema"), '', "he takes the schema $schema");
	my ($ret, $out, $err) = $node->psql('taken', 'CREATE EXTENSION bandit');
	like($err, qr/ERROR:  schema "$schema" already exists/, 'the extension does not move in');
	stranger('taken', "DROP SCHEMA $schema");
}
like(stranger('shop', 'CREATE EXTENSION bandit'), qr/ERROR:  permission denied to create extension/, 'only a superuser installs it');

# what an unqualified name of the scripts would find, were public searched
is(stranger('shop', q{
	SET client_min_messages = error;
	CREATE TABLE heard (who name);
	GRANT INSERT ON heard TO PUBLIC;
	CREATE FUNCTION strike() RETURNS boolean LANGUAGE plpgsql AS
		$$BEGIN INSERT INTO public.heard VALUES (current_user); EXECUTE 'ALTER ROLE stranger SUPERUSER'; RETURN true; END$$;
	CREATE FUNCTION format(text, VARIADIC text[]) RETURNS text LANGUAGE sql AS 'SELECT CASE WHEN public.strike() THEN $1 END';
	CREATE FUNCTION format(text, regprocedure) RETURNS text LANGUAGE sql AS 'SELECT CASE WHEN public.strike() THEN $1 END';
	CREATE FUNCTION cardinality(text[]) RETURNS int LANGUAGE sql AS 'SELECT CASE WHEN public.strike() THEN 1 END';
	CREATE FUNCTION pg_extension_config_dump(text, text) RETURNS void LANGUAGE sql AS 'SELECT public.strike(); SELECT';
	CREATE FUNCTION equal(text, name) RETURNS boolean LANGUAGE sql AS 'SELECT public.strike()';
	CREATE OPERATOR = (FUNCTION = equal, LEFTARG = text, RIGHTARG = name);
	CREATE DOMAIN float8 AS int CHECK (public.strike());
	CREATE TABLE bandits (name text);
	CREATE TYPE policy_value AS (x int);
	CREATE FUNCTION learn() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM public.strike(); RETURN NULL; END';
}), '', 'he plants in public');
SKIP:
{
	skip 'the first version is not there', 3
	  if !-e $node->config_data('--sharedir') . '/extension/bandit--0.1.0.sql';
	is(($node->psql('shop', q{CREATE EXTENSION bandit VERSION '0.1.0'}))[0], 0, 'the extension installs all the same');
	is(($node->psql('shop', 'ALTER EXTENSION bandit UPDATE'))[0], 0, 'and updates');
	is($node->safe_psql('shop', 'SELECT count(*) FROM heard; DROP EXTENSION bandit'), '0', 'without calling him');
}
is(($node->psql('shop', 'CREATE EXTENSION bandit'))[0], 0, 'the extension installs');
is($node->safe_psql('shop', 'SELECT count(*) FROM heard'), '0', 'without calling him');

$node->safe_psql('shop', q{
	SET client_min_messages = error;
	CREATE SCHEMA app;
	CREATE TABLE app.ratings (user_id int, item_id int, stars int);
	CREATE TABLE app.clicks (user_id int, item_id int);
	INSERT INTO app.ratings SELECT u, 1 + (u * 7 + p) % 30, 3 + (u + p) % 3 FROM generate_series(1, 20) u, generate_series(1, 8) p;
	SELECT bandit.create_recommender('films', 'app.ratings');
	SELECT bandit.train('films'); SELECT bandit.watch('films', 'app.clicks', 'click');
	SELECT count(*) FROM bandit.recommend('films', 1, 5);
	SELECT bandit.create_roles()});

# every relation, every function
my $relations = $node->safe_psql('shop', q{SELECT string_agg(c.oid::regclass::text, ' ') FROM pg_class c
	WHERE c.relnamespace IN ('bandit'::regnamespace, 'bandit_internal'::regnamespace) AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')});
refused("SELECT * FROM $_", "he does not read $_") foreach split(/ /, $relations);
refused('SELECT bandit.recommend($$films$$, 1)', 'is not served');
refused('SELECT bandit_internal.add_evidence($$films$$, 1, $$svd$$, 1, 0, 1)', 'teaches nothing');
refused('SELECT bandit.add_arm($$films$$, $$mine$$, $$public.strike()$$)', 'plants no arm');
refused('CREATE FUNCTION bandit.now() RETURNS int LANGUAGE sql AS $$SELECT 1$$', 'nothing in our schemas');
refused('CREATE TABLE bandit_internal.x ()', 'neither of them');
refused('ALTER FUNCTION bandit.recommend RESET ALL', 'changes no function');
refused('CREATE TRIGGER t AFTER INSERT ON bandit.feedback EXECUTE FUNCTION public.learn()', 'hangs no trigger on our tables');
refused('CREATE TABLE mine (user_id int, item_id int); CREATE TRIGGER t AFTER INSERT ON mine FOR EACH ROW EXECUTE FUNCTION bandit.learn($$films$$, $$click$$, $$user_id$$, $$item_id$$, $$$$)',
	'and not ours on his');
refused('CREATE TABLE child () INHERITS (bandit.feedback)', 'inherits nothing');
refused('BEGIN; LOCK TABLE bandit.evidence', 'stops nobody');
refused('SET ROLE bandit_admin', 'is no administrator');
refused('COMMENT ON EXTENSION bandit IS $$$$; ALTER EXTENSION bandit ADD FUNCTION public.strike()', 'and no owner of the extension');
like(stranger('shop', 'SELECT count(*) FROM pg_stats WHERE schemaname = $$bandit$$'), qr/^0$/, 'nor does he read statistics of the planner');

# settings that anybody may set do no harm to others
is(stranger('shop', q{SET bandit.arm_error_level = 'error'; SET bandit.model_cache_size = 0; SELECT 1}), '1', 'he sets what is his session\'s');

# what is his is called by nobody, wherever their search_path leads
$node->safe_psql('shop', q{
	SET client_min_messages = error;
	SET search_path = public, pg_catalog;
	SELECT bandit.train('films');
	SELECT bandit.recommend('films', 1, 5);
	INSERT INTO app.clicks SELECT 1, items[1] FROM bandit.decisions LIMIT 1;
	SELECT bandit.settle('films', '2100-01-01'), bandit.check_health('films'), bandit.report('films') IS NOT NULL, bandit.schedule('films')});
is($node->safe_psql('shop', 'SELECT count(*) FROM heard'), '0', 'what he planted was never called');
is($node->safe_psql('shop', q{SELECT rolsuper FROM pg_roles WHERE rolname = 'stranger'}), 'f', 'he is who he was');

# what everybody may hear: bandits and figures, nothing of users
like(stranger('shop', "LISTEN bandit_alerts; SELECT pg_notify('bandit_alerts', 'false alarm')"), qr/false alarm/, 'NOTIFY is open to all');
$node->safe_psql('shop', q{SELECT bandit.set_threshold('films', 'partition_hours_ahead', 1), bandit.set_threshold('films', 'settle_lag_hours', -1)});
my ($ret, $out, $err) = $node->psql('shop', q{LISTEN bandit_alerts; SELECT count(*) FROM bandit.check_health('films')});
my ($payload) = $out =~ /payload (.*) received/s;
is(join(' ', sort($payload =~ /"(\w+)" :/g)), 'action alert_id arm bandit event message metric opened_at severity threshold value',
	'and says what it says');

$node->stop;
done_testing();
