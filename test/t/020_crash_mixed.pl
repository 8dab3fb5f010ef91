# kill -9 of the server, four times in one life, under everything at once:
# choosing, recommending, feedback by call and by trigger, settling, folding,
# training, priors, partitions made and dropped, health.  What a client was told
# is committed is there, what was not is not, and evidence is the ledger's.
use strict;
use warnings;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use BanditTest;

my $node = make_node('crash');
make_bandit($node);
make_library($node);
$node->safe_psql('postgres', 'SELECT count(*) FROM bandit.make_partitions()');
my $dir = PostgreSQL::Test::Utils::tempdir();
my @scripts = load_scripts($dir);

# A client, with a user to itself, that says what it was told: the id, once
# COMMIT has returned.
append_to_file("$dir/told.sql", q{
\set ON_ERROR_STOP on
} . q{
BEGIN;
SELECT decision_id FROM bandit.choose('plain', '{"n": 5}') \gset
SELECT bandit.reward(:'decision_id', 1) \g /dev/null
COMMIT;
\echo told :decision_id
SELECT decision_id, item_id FROM bandit.recommend('films', :who, 1, true) \gset
INSERT INTO clicks VALUES (:who, :item_id);
\echo told :decision_id
} x 3000);

append_to_file("$dir/feedback.sql", q{
\set who random(1, 20)
SELECT count(bandit.feedback('films', :who, r.item_id, 'click')) FROM bandit.recommend('films', :who, 2) r;
SELECT count(bandit.feedback('books', ':who', r.item_key, 'click')) FROM bandit.recommend('books', ':who', 2) r;
});
append_to_file("$dir/upkeep.sql", q{
SELECT bandit.settle('films', now() + interval '2 days', 50);
SELECT bandit.fold('plain');
SELECT bandit.refresh_priors('plain');
SELECT count(*) FROM bandit.train('films');
SELECT count(*) FROM bandit.check_health('films');
SELECT count(*) FROM bandit.make_partitions('9 days');
SELECT count(*) FROM bandit.drop_partitions('0', now() - interval '1 hour');
SELECT bandit.rebuild('films');
});

sub background
{
	my ($out, @command) = @_;
	return IPC::Run::start([ @command ], '<', '/dev/null', '>', $out, '2>', "$dir/errors");
}

# ids of the list that are in no row of the table; psql reads the list
sub missing
{
	my ($table, @ids) = @_;
	return $node->safe_psql('postgres', "SELECT count(*) FROM unnest('{"
		. join(',', @ids) . "}'::uuid[]) t (id)
		WHERE NOT EXISTS (SELECT FROM bandit.$table x WHERE x.decision_id = t.id)");
}

my @told;
for my $round (1 .. 4)
{
	my @connection = ('-h', $node->host, '-p', $node->port);
	my $fed = $node->safe_psql('postgres', 'SELECT count(*) FROM bandit.feedback');
	# a transaction that will never commit
	my $open = $node->background_psql('postgres');
	my @open = split /\n/, $open->query(q{BEGIN;
		SELECT decision_id FROM bandit.choose('plain', '{"n": 6}');
		SELECT DISTINCT decision_id FROM bandit.recommend('films', 9, 3);
		INSERT INTO clicks SELECT 9, items[1] FROM bandit.decisions WHERE bandit = 'films'
			AND subject = '9' ORDER BY decision_id DESC LIMIT 1});
	my @running = (
		background("$dir/mixed.$round", 'pgbench', '-n', @connection, '-c', '6', '-j', '1',
			'-t', '1000000', @scripts, '-f', "$dir/feedback.sql", 'postgres'),
		background("$dir/upkeep.$round", 'pgbench', '-n', @connection, '-c', '1',
			'-t', '1000000', '-f', "$dir/upkeep.sql", 'postgres'),
		map { background("$dir/told.$round.$_", 'psql', '-XqAt', @connection, '-v', "who=500$_", '-f', "$dir/told.sql", 'postgres') } 1 .. 2);

	$node->poll_query_until('postgres', "SELECT count(*) > $fed + 200 FROM bandit.feedback")
	  or die 'the load did not get going';
	$node->kill9;
	$_->finish foreach @running;
	eval { $open->quit };

	# orphaned backends hold the lock for a moment
	my $started = 0;
	for (1 .. 100)
	{
		$started = $node->start(fail_ok => 1) and last;
		$node->stop('fast', fail_ok => 1);
	}
	ok($started, "round $round: the server recovered");
	push @told, map { slurp_file("$dir/told.$round.$_") =~ /^told (\S+)$/mg } 1 .. 2;
	is($node->safe_psql('postgres', q{SELECT string_agg(b.name, ' ') FROM bandit.bandits b,
			bandit.verify(b.name)}), '', "round $round: evidence is the fold of the ledger");
	note(@told . ' commits were acknowledged so far');
	is(missing('decisions', @told), '0', "round $round: every decision that was acknowledged is there");
	is(missing('feedback', @told), '0', "round $round: and its response");
	is(scalar(@open), 2, "round $round: two decisions were not committed");
	is(missing('decisions', @open), '2', "round $round: nothing is left of them");
	is(missing('feedback', @open), '2', "round $round: nor of their responses");
	is($node->safe_psql('postgres', q{
			SELECT count(*) FROM bandit.decisions d WHERE NOT EXISTS (SELECT FROM bandit.contexts c
				WHERE c.bandit = d.bandit AND c.context_hash = d.context_hash) AND d.variant <> 'control'}),
		'0', "round $round: every decision's context is known");
	is($node->safe_psql('postgres', q{
			SELECT count(*) FROM (SELECT FROM bandit.models GROUP BY bandit, arm HAVING count(*) > 1) m}),
		'0', "round $round: one version of each model is in service");
	is($node->safe_psql('postgres', q{
			SET bandit.arm_error_level = error;
			SELECT count(*) FROM bandit.predict('films', 'svd', 1, '{1,2,3}') WHERE predicted > 0;
			SELECT count(*) > 0 FROM bandit.candidates('films', 'svd', 1, 5);
			SELECT count(*) FROM bandit.recommend('films', 1, 5)}), "3\nt\n5",
		"round $round: and readable");
}
cmp_ok(scalar(@told), '>', 0, 'something was acknowledged');
$node->stop;
done_testing();
