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

# days are counted from the first decision's, whatever midnight comes between
my $at = $node->safe_psql('postgres', 'SELECT min(decided_at) FROM bandit.decisions');
$node->safe_psql('postgres', q{
	SET client_min_messages = warning;
	-- partitions: one that was summed up, one that is detached, one in use
	SELECT count(*) FROM bandit.make_partitions('0', at => now() - interval '200 days');
	SELECT count(*) FROM bandit.make_partitions('0', at => now() - interval '100 days');
	INSERT INTO bandit.feedback (decision_id, bandit, item_id, kind, arm,
		context_hash, priority, successes, failures, pulls, received_at)
	SELECT bandit.first_decision_id(now() - days * interval '1 day'), 'plain',
		item, 'click', 'b', bandit.context_hash('{"n": 1}'), 0,
		(item + days) / 1048576.0, 0, 1, now()
	FROM generate_series(1, 3) item, unnest('{100,200}'::int[]) days;
	SELECT bandit_internal.add_evidence('plain', context_hash, arm, successes, failures, pulls)
	FROM bandit.feedback WHERE kind = 'click' AND bandit = 'plain';
	SELECT count(*) FROM bandit.drop_partitions('150 days');
	SELECT count(*) FROM bandit.drop_partitions('90 days');
	-- today's rows are in the default partitions, tomorrow's in their own
	SELECT count(*) FROM bandit.make_partitions('1 day', at => '_AT_');
	INSERT INTO bandit.decisions (decision_id, bandit, context_hash, subject,
		variant, decided_at, arms, alphas, betas, picks)
	SELECT bandit.first_decision_id('_AT_'::timestamptz + interval '1 day'), 'plain',
		bandit.context_hash('{"n": 1}'), 'tomorrow', 'treatment', now(),
		'{a,b,c}', '{1,1,1}', '{1,1,1}', '{a}';
	SELECT bandit.reward(decision_id, 0.625) FROM bandit.decisions WHERE subject = 'tomorrow';
} =~ s/_AT_/$at/gr);
is($node->safe_psql('postgres', q{
		SELECT count(*), count(DISTINCT tableoid), (SELECT count(*) FROM ONLY bandit.checkpoints)
		FROM bandit.checkpoints}), '4|2|1', 'some feedback is summed up, some is detached');
is($node->safe_psql('postgres', q{
		SELECT string_agg(regexp_replace(tableoid::regclass::text, '[0-9]+', 'n'), ' ')
		FROM (SELECT tableoid FROM bandit.decisions WHERE subject = 'tomorrow'
			UNION ALL SELECT f.tableoid FROM bandit.feedback f
			JOIN bandit.decisions USING (decision_id) WHERE subject = 'tomorrow') t}),
	'bandit.decisions_n bandit.feedback_n', 'some is in partitions');

# what pg_dump has to carry over of partitions: bounds, parents, keys
my $partitions = q{
	SELECT i.inhparent::regclass, i.inhrelid::regclass, i.inhdetachpending,
		pg_get_expr(c.relpartbound, c.oid), string_agg(concat_ws(' ', pg_get_indexdef(x.indexrelid),
			x.indisprimary, x.indisvalid, o.conname), ';' ORDER BY pg_get_indexdef(x.indexrelid))
	FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
	LEFT JOIN pg_index x ON x.indrelid = c.oid
	LEFT JOIN pg_constraint o ON o.conindid = x.indexrelid
	WHERE c.relnamespace = 'bandit'::regnamespace AND c.relkind = 'r'
	GROUP BY 1, 2, 3, 4 ORDER BY i.inhrelid::regclass::text};
my $partitions_before = $node->safe_psql('postgres', $partitions);
is(() = $partitions_before =~ /^bandit/mg, 5, 'there are five of them');

my $digest = q{
	SELECT md5(string_agg(line, E'\n' ORDER BY line)) FROM (
		SELECT 'b' || bandits AS line FROM bandit.bandits
		UNION ALL SELECT 'a' || arms FROM bandit.arms
		UNION ALL SELECT 'r' || recommenders FROM bandit.recommenders
		UNION ALL SELECT 'c' || contexts FROM bandit.contexts
		UNION ALL SELECT 'e' || evidence FROM bandit.evidence
		UNION ALL SELECT 'd' || decisions FROM bandit.decisions
		UNION ALL SELECT 'f' || feedback FROM bandit.feedback
		UNION ALL SELECT 'k' || checkpoints FROM bandit.checkpoints
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
	is($node->safe_psql($database, $partitions), $partitions_before,
		"$format: partitions, their bounds and keys are there");
	is($node->psql($database, q{
			INSERT INTO bandit.feedback SELECT f.* FROM bandit.feedback f
			JOIN bandit.decisions d USING (decision_id) WHERE d.subject = 'tomorrow'}), 3,
		"$format: a response cannot be there twice");
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
	is($node->safe_psql($database, q{
			SELECT action FROM bandit.drop_partitions();
			SELECT count(*) FROM bandit.verify('plain');
			SELECT count(*) FROM ONLY bandit.checkpoints;
			SET client_min_messages = warning;
			SELECT starts - date_trunc('day', '_AT_'::timestamptz, 'UTC')
			FROM bandit.make_partitions('2 days', at => '_AT_')} =~ s/_AT_/$at/gr),
		"dropped\n0\n1\n2 days\n2 days", "$format: what was detached is summed up, partitions are made");
	is($node->safe_psql($database, q{
			SET client_min_messages = warning;
			DROP EXTENSION bandit CASCADE;
			SELECT count(*) FROM pg_class WHERE relname ~ '^(decisions|feedback)_'}), '0',
		"$format: partitions go with the extension");
}

$node->stop;
done_testing();
