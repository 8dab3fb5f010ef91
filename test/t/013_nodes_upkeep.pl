# What becomes of nodes that learn from each other when evidence fades, when
# old rows are dropped, when a dump is restored, when one is lost.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use BanditTest;

my %node;
foreach my $name ('berlin', 'lisbon')
{
	$node{$name} = make_node($name, allows_streaming => 'logical');
	$node{$name}->append_conf('postgresql.conf', "wal_retrieve_retry_interval = 100ms\n");
	$node{$name}->restart;
	make_bandit($node{$name});
	$node{$name}->safe_psql('postgres', qq{
		SET client_min_messages = warning;
		SELECT bandit.create_bandit('fading', '{a,b}', half_life => '1 hour');
		SELECT bandit.set_node('$name');
		SELECT bandit.publish_node()});
}
my ($berlin, $lisbon) = @node{ 'berlin', 'lisbon' };

# ---- a name is given once, and is of this database
like(($berlin->psql('postgres', q{SELECT bandit.set_node('madrid')}))[2],
	qr/already/, 'a node keeps its name');
is($berlin->safe_psql('postgres', q{SELECT bandit.set_node('berlin'), bandit_internal.this_node()}),
	'|berlin', 'the same name again changes nothing');
like(($berlin->psql('postgres', q{SET client_min_messages = warning; CREATE DATABASE other;
			\connect other
			CREATE EXTENSION bandit;
			SELECT bandit.publish_node()}))[2],
	qr/no name\nHINT:.*set_node/, 'a database without a name publishes nothing');

# ---- pg_restore --data-only --disable-triggers leaves ordinary triggers
is($berlin->safe_psql('other', q{
		SET client_min_messages = warning;
		SELECT count(*) FROM bandit.make_partitions('1 day');
		CREATE TEMP VIEW firing AS SELECT t.tgrelid, t.tgname, t.tgenabled FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
		WHERE c.relnamespace = 'bandit'::regnamespace AND NOT t.tgisinternal;
		CREATE TEMP TABLE before AS TABLE firing;
		DO $$DECLARE t regclass; BEGIN
			FOR t IN SELECT DISTINCT tgrelid FROM firing LOOP
				EXECUTE format('ALTER TABLE %s DISABLE TRIGGER ALL', t);
				EXECUTE format('ALTER TABLE %s ENABLE TRIGGER ALL', t);
			END LOOP; END$$;
		SELECT count(*) > 0 FROM (TABLE firing EXCEPT TABLE before) x;
		SELECT bandit.set_node('madrid');
		SELECT count(*) FROM (TABLE firing EXCEPT TABLE before) x}), "4\nt\n\n0", 'a new name lets them fire in replication again');

# ---- forgetting: rows fade from when they were received, wherever
$berlin->safe_psql('postgres', q{
	-- five hours ago, and changed since: evidence as of then
	INSERT INTO bandit.feedback (decision_id, bandit, kind, arm, context_hash, reward, priority,
		successes, failures, pulls, received_at)
	SELECT bandit.first_decision_id(now() - interval '5 hours'), 'fading', 'outcome', arm,
		bandit.context_hash('{}'), 1, 0, 8, 4, 12, now() - interval '5 hours'
	FROM unnest('{a,b}'::text[]) arm;
	SELECT bandit.rebuild('fading')});
subscribe('lisbon', 'berlin', '');
subscribe('berlin', 'lisbon', '');
$berlin->safe_psql('postgres', q{
	SELECT bandit.reward(decision_id, 0.5), bandit.reward(decision_id, 0.25), bandit.reward(decision_id, 1)
	FROM bandit.choose('fading') d;
	SELECT bandit.update_bandit('fading', '{}', 'a', 'success')});
wait_for_all();
sound("a bandit that forgets");
my $faded = q{
	SELECT arm, sum(pulls), round(sum(bandit_internal.aged(successes, updated_at,
		(SELECT max(received_at) FROM bandit.feedback WHERE bandit = 'fading'), '1 hour'))::numeric, 6)
	FROM bandit.evidence WHERE bandit = 'fading' GROUP BY arm ORDER BY arm};
is($lisbon->safe_psql('postgres', $faded), $berlin->safe_psql('postgres', $faded), 'it fades alike');

# ---- retention: each drops when it likes; a copy brings nothing back
$berlin->safe_psql('postgres', q{
	SET client_min_messages = warning;
	SELECT count(*) FROM bandit.make_partitions('0', at => now() - interval '100 days')});
$lisbon->safe_psql('postgres', q{
	SET client_min_messages = warning;
	SELECT count(*) FROM bandit.make_partitions('0', at => now() - interval '100 days')});
$berlin->safe_psql('postgres', q{
	INSERT INTO bandit.feedback (decision_id, bandit, item_id, kind, arm,
		context_hash, priority, successes, failures, pulls, received_at)
	SELECT bandit.first_decision_id(now() - days * interval '1 day'), 'plain',
		item, 'click', 'b', bandit.context_hash('{"n": 1}'), 0, item / 1048576.0, 0, 1, now()
	FROM generate_series(1, 3) item, unnest('{100,200}'::int[]) days;
	SELECT bandit.rebuild('plain')});
wait_for_all();
sound('old rows');
my $believed = q{SELECT sum(successes) * 1048576, sum(pulls) FROM bandit.evidence WHERE bandit = 'plain'};
is($lisbon->safe_psql('postgres', $believed), '12|6', 'old rows are learnt');
is($lisbon->safe_psql('postgres', q{
		SET client_min_messages = warning;
		SELECT action FROM bandit.drop_partitions() ORDER BY 1;
		SELECT count(*) FROM bandit.feedback WHERE bandit = 'plain'}),
	"deleted 3 rows\ndetached\ndropped\n0", 'lisbon drops them');
$lisbon->safe_psql('postgres', 'DROP SUBSCRIPTION lisbon_from_berlin');
subscribe('lisbon', 'berlin', '');
# a change of what lisbon has dropped has nowhere to go
$berlin->safe_psql('postgres', q{
	INSERT INTO bandit.revisions SELECT decision_id, bandit, item_id, kind, arm, context_hash, value, reward,
		priority, 1, failures, pulls, retracted, received_at, now(), node
	FROM bandit.feedback WHERE bandit = 'plain';
	SELECT bandit.update_bandit('plain', '{"n": 1}', 'b', 'success')});
wait_for_all();
sound('after a copy of what was dropped');
is($lisbon->safe_psql('postgres', "SELECT sum(pulls) FROM bandit.evidence WHERE bandit = 'plain'"),
	'7', 'what was dropped counts once');
$berlin->safe_psql('postgres', q{SET client_min_messages = warning; SELECT count(*) FROM bandit.drop_partitions()});
is($berlin->safe_psql('postgres', 'SELECT count(*) FROM bandit.revisions WHERE decision_id < bandit.first_decision_id(now() - interval $$90 days$$)'), '0',
	'revisions go with the feedback');
sound('after both have dropped');

# ---- settings that somebody replicates reach sessions that have them cached
$berlin->safe_psql('postgres', 'CREATE PUBLICATION settings FOR TABLE bandit.arms');
$lisbon->safe_psql('postgres', sprintf(
	q{CREATE SUBSCRIPTION settings CONNECTION '%s dbname=postgres' PUBLICATION settings WITH (copy_data = false)}, $berlin->connstr));
my $session = IPC::Run::start([ 'psql', '-XAtq', '-h', $lisbon->host, '-p', $lisbon->port, 'postgres' ],
	'<', \my $in, '>', \my $out, '2>', \my $err);
$in = "SELECT count(*) FROM bandit.select_arms('plain');\n";
$session->pump until $out =~ /\d\n/;
is($out, "3\n", 'a session has the settings cached');
$berlin->safe_psql('postgres', q{SELECT bandit.set_arm('plain', 'a', false)});
$berlin->wait_for_catchup('settings');
$out = '';
$in .= "SELECT count(*) FROM bandit.select_arms('plain');\n\\q\n";
$session->finish;
is($out, "2\n", 'and takes up what replication changes');
$lisbon->safe_psql('postgres', 'DROP SUBSCRIPTION settings');

# ---- a restored dump has what its node had learnt, and is not that node
my $file = PostgreSQL::Test::Utils::tempdir() . '/dump';
$berlin->command_ok([ 'pg_dump', '-Fc', '--no-subscriptions', '-f', $file, 'postgres' ], 'dumped');
$berlin->safe_psql('postgres', 'CREATE DATABASE copy');
$berlin->command_ok([ 'pg_restore', '--exit-on-error', '-d', 'copy', $file ], 'restored');
is($berlin->safe_psql('copy', q{
		SELECT bandit_internal.this_node() IS NULL;
		SELECT bandit.update_bandit('plain', '{"n": 1}', 'b', 'success');
		SELECT count(*) FROM bandit.feedback WHERE node IS NULL;
		SELECT count(*) FROM bandit.verify('plain')}),
	"t\n\n1\n0", 'a copy is not the node that it is a copy of');
is($berlin->safe_psql('copy', q{
		SELECT bandit.set_node('madrid'), bandit.publish_node();
		SELECT node, count(*) FROM bandit.feedback WHERE bandit = 'plain' GROUP BY 1 ORDER BY 1;
		SELECT count(*) FROM pg_publication_tables WHERE pubname = 'bandit_node' AND rowfilter ~ 'madrid'}),
	"|bandit_node\nberlin|1\nmadrid|1\n5", 'it can become one of its own');

# ---- a node that was lost takes what any other has, its own rows too
$lisbon->safe_psql('postgres', q{
	CREATE PUBLICATION everything FOR TABLE bandit.contexts, bandit.decisions, bandit.feedback
		WITH (publish = 'insert', publish_via_partition_root = true)});
my $before = $lisbon->safe_psql('postgres', q{
	SELECT f FROM bandit.feedback f ORDER BY f::text COLLATE "C"});
$lisbon->safe_psql('postgres', 'DROP SUBSCRIPTION lisbon_from_berlin');
$berlin->safe_psql('postgres', q{
	DROP SUBSCRIPTION berlin_from_lisbon;
	TRUNCATE bandit.evidence, bandit.feedback, bandit.decisions, bandit.contexts, bandit.checkpoints});
$berlin->safe_psql('postgres', sprintf(
	q{CREATE SUBSCRIPTION everything CONNECTION '%s dbname=postgres' PUBLICATION everything}, $lisbon->connstr));
copied($berlin);
is($berlin->safe_psql('postgres', q{
		SELECT f FROM bandit.feedback f ORDER BY f::text COLLATE "C"}), $before, 'a lost node has all again');
$berlin->safe_psql('postgres', 'DROP SUBSCRIPTION everything');
subscribe('lisbon', 'berlin', ' WITH (copy_data = false)');
subscribe('berlin', 'lisbon', '');
$berlin->safe_psql('postgres', q{SELECT bandit.update_bandit('plain', '{"n": 1}', 'b', 'failure')});
wait_for_all();
sound('after a node was lost');

# ---- without decisions, too: then each learns only from what it has served
is($berlin->safe_psql('postgres', q{
		SELECT bandit.publish_node(decisions => false);
		SELECT count(*) FROM pg_publication_tables WHERE pubname = 'bandit_node'}),
	"bandit_node\n4", 'decisions may be left out');

$_->stop foreach values %node;
done_testing();

sub subscribe
{
	my ($to, $from, $options) = @_;
	$node{$to}->safe_psql('postgres', sprintf(
		q{CREATE SUBSCRIPTION %s_from_%s CONNECTION '%s dbname=postgres' PUBLICATION bandit_node%s},
		$to, $from, $node{$from}->connstr, $options));
	return;
}

sub copied
{
	my ($to) = @_;
	$to->poll_query_until('postgres', q{
		SELECT count(*) = 0 FROM pg_subscription_rel WHERE srsubstate <> 'r'}) or die 'no copy';
	return;
}

sub wait_for_all
{
	copied($_) foreach values %node;
	$berlin->wait_for_catchup('lisbon_from_berlin');
	$lisbon->wait_for_catchup('berlin_from_lisbon');
	return;
}

sub sound
{
	my ($when) = @_;
	foreach my $name (sort keys %node)
	{
		is($node{$name}->safe_psql('postgres', q{
				SELECT b.name, v.* FROM bandit.bandits b CROSS JOIN LATERAL bandit.verify(b.name) v}),
			'', "$when: verify finds nothing on $name");
	}
	return;
}
