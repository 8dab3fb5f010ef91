# A dump keeps every state, decision and setting, and restores to a database
# that goes on learning.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use BanditTest;

my $node = make_node('dump');
my $at = make_history($node);
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

my $triggers = q{
	SELECT string_agg(pg_get_triggerdef(oid), E'\n' ORDER BY tgname) FROM pg_trigger
	WHERE tgfoid = 'bandit.learn()'::regprocedure};
my $before = fingerprint($node);
unlike($before, qr/^bandit\.(?!nodes|revisions|forwarded)\w+\|0\|/m,
	'there is something of everything');
my $file = PostgreSQL::Test::Utils::tempdir() . '/dump';

foreach my $format ('custom', 'plain', 'directory')
{
	my $database = "restored_$format";
	my @place = ('-h', $node->host, '-p', $node->port);

	$node->safe_psql('postgres', "CREATE DATABASE $database");
	command_ok([ 'pg_dump', @place, "--format=$format", '-f', "$file.$format", 'postgres' ],
		"$format: dumped");
	command_ok(
		$format ne 'plain'
		? [ 'pg_restore', @place, '--exit-on-error', $format eq 'custom' ? () : '--jobs=4', '-d', $database, "$file.$format" ]
		: [ 'psql', '-X', '-q', @place, '-v', 'ON_ERROR_STOP=1', '-d', $database, '-f', "$file.$format" ],
		"$format: restored without a complaint");
	is(fingerprint($node, $database), $before, "$format: nothing is missing or changed");
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

# several jobs restore tables in any order: with the bandits last
$node->safe_psql('postgres', 'CREATE DATABASE restored_last');
my @archive = ('pg_restore', '-h', $node->host, '-p', $node->port, '--exit-on-error', '-d', 'restored_last');
run_log([ 'pg_restore', '-l', "$file.custom" ], '>', "$file.list");
my @entries = grep { /^\d/ } split(/\n/, slurp_file("$file.list"));
append_to_file("$file.first", join("\n", (grep { !/ TABLE DATA bandit bandits / } @entries), ''));
append_to_file("$file.last", join("\n", (grep { / TABLE DATA bandit bandits / } @entries), ''));
command_ok([ @archive, '-L', "$file.first", "$file.custom" ], 'restored all but the bandits');
command_ok([ @archive, '-L', "$file.last", "$file.custom" ], 'and these');
is(fingerprint($node, 'restored_last'), $before, 'nothing is missing or changed');
my ($ret, $out, $err) = $node->psql('restored_last', q{INSERT INTO bandit.outcome_rules (bandit, kind, outcome) VALUES ('nobody', 'like', 'success')});
like($err, qr/bandit "nobody" does not exist/, 'a setting has a bandit');
is($node->safe_psql('restored_last', q{DELETE FROM bandit.bandits WHERE name = 'films'; SELECT count(*) FROM bandit.arms WHERE bandit = 'films'}),
	'0', 'and goes with it');

$node->stop;
done_testing();
