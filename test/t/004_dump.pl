# A dump keeps every state, decision and setting, and restores to a database
# that goes on learning.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use BanditTest;

my $node = make_node('dump');
make_bandit($node);
$node->safe_psql('postgres', q{
	SET client_min_messages = warning;
	UPDATE bandit.bandits SET prior_beta = 9 WHERE name = 'plain';
	SELECT bandit.reward(decision_id, 0.3) FROM bandit.choose('plain', '{"n": 1}');
	SELECT count(*) FROM bandit.recommend('films', 1, 5);
	INSERT INTO clicks SELECT 1, items[2] FROM bandit.decisions WHERE bandit = 'films';
	SELECT bandit.settle('films', now() + interval '2 days');
	SELECT count(*) FROM bandit.train('films');
});

my $digest = q{
	SELECT md5(string_agg(line, E'\n' ORDER BY line)) FROM (
		SELECT 'b' || bandits AS line FROM bandit.bandits
		UNION ALL SELECT 'a' || arms FROM bandit.arms
		UNION ALL SELECT 'r' || recommenders FROM bandit.recommenders
		UNION ALL SELECT 'c' || contexts FROM bandit.contexts
		UNION ALL SELECT 'e' || evidence FROM bandit.evidence
		UNION ALL SELECT 'd' || decisions FROM bandit.decisions
		UNION ALL SELECT 'f' || feedback FROM bandit.feedback
		UNION ALL SELECT 'o' || outcome_rules FROM bandit.outcome_rules
		UNION ALL SELECT 'w' || watches FROM bandit.watches
		UNION ALL SELECT 'm' || models FROM bandit.models) l};
my $triggers = q{
	SELECT string_agg(pg_get_triggerdef(oid), E'\n' ORDER BY tgname) FROM pg_trigger
	WHERE tgfoid = 'bandit.learn()'::regprocedure};
my $before = $node->safe_psql('postgres', $digest);
my $file = PostgreSQL::Test::Utils::tempdir() . '/dump';

foreach my $format ('custom', 'plain')
{
	my $database = "restored_$format";
	my @place = ('-h', $node->host, '-p', $node->port);

	$node->safe_psql('postgres', "CREATE DATABASE $database");
	command_ok([ 'pg_dump', @place, "--format=$format", '-f', "$file.$format", 'postgres' ],
		"$format: dumped");
	command_ok(
		$format eq 'custom'
		? [ 'pg_restore', @place, '--exit-on-error', '-d', $database, "$file.$format" ]
		: [ 'psql', '-X', '-q', @place, '-v', 'ON_ERROR_STOP=1', '-d', $database, '-f', "$file.$format" ],
		"$format: restored without a complaint");
	is($node->safe_psql($database, $digest), $before, "$format: nothing is missing or changed");
	is($node->safe_psql($database, $triggers), $node->safe_psql('postgres', $triggers),
		"$format: the watched tables keep their triggers");
	is($node->safe_psql($database, q{
			INSERT INTO clicks SELECT u, f FROM generate_series(1, 40) u, generate_series(1, 50) f;
			SELECT count(*) = (SELECT count(DISTINCT i) FROM bandit.decisions, unnest(items) i WHERE bandit = 'films')
			FROM bandit.feedback WHERE kind = 'click'}),
		't', "$format: a bulk load teaches what was recommended, and no more");
	is($node->safe_psql($database, q{
			SELECT count(*) FROM bandit.recommend('films', 2, 5);
			INSERT INTO clicks SELECT 2, items[1] FROM bandit.decisions WHERE subject = '2';
			SELECT count(*) FROM bandit.feedback f JOIN bandit.decisions d USING (decision_id)
				WHERE d.subject = '2'}),
		"5\n1", "$format: the watched table still teaches");
	is($node->safe_psql($database,
			"SELECT count(*) FROM bandit.verify('plain')") .
		$node->safe_psql($database, "SELECT count(*) FROM bandit.verify('films')"),
		'00', "$format: evidence is the fold of the ledger");
}

$node->stop;
done_testing();
