# Three writable nodes learn from each other by logical replication: whatever
# happens to them, each believes the fold of the union of what all have learnt.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use BanditTest;

my @names = ('berlin', 'lisbon', 'oslo');
my %node;
my $dir = PostgreSQL::Test::Utils::tempdir();
my @scripts = load_scripts($dir);

foreach my $name (@names)
{
	$node{$name} = make_node($name, allows_streaming => 'logical');
	$node{$name}->append_conf('postgresql.conf', "wal_retrieve_retry_interval = 100ms\nmax_logical_replication_workers = 12\nmax_worker_processes = 24\nmax_sync_workers_per_subscription = 4\n");
	$node{$name}->restart;
	make_bandit($node{$name});
}

# What was learnt before a node had a name goes to the others, too.
$node{berlin}->safe_psql('postgres', q{
	SELECT bandit.update_bandit('plain', '{"n": 7}', 'b', 'success') FROM generate_series(1, 3)});
foreach my $name (@names)
{
	$node{$name}->safe_psql('postgres', "SELECT bandit.set_node('$name')");
	is($node{$name}->safe_psql('postgres', 'SELECT bandit.publish_node()'), 'bandit_node',
		"$name publishes");
}
foreach my $name (@names)
{
	subscribe($name, $_) foreach grep { $_ ne $name } @names;
}
load(1, @names);
converged('after the first copy and a load on all');

# One is away while the others go on, and still serves: it asks nobody.
$node{oslo}->stop;
load(2, 'berlin');
load(3, 'lisbon');
$node{$_}->stop foreach ('berlin', 'lisbon');
$node{oslo}->start;
is($node{oslo}->safe_psql('postgres', q{SELECT count(*) FROM bandit.select_arms('plain', '{"n": 1}')}),
	'3', 'a node serves when all the others are away');
load(4, 'oslo');
$node{$_}->start foreach ('berlin', 'lisbon');
load(5, @names);
converged('after each was away');

# A subscription is made again and copies: nothing counts twice.
$node{lisbon}->safe_psql('postgres', 'DROP SUBSCRIPTION lisbon_from_berlin');
load(6, @names);
subscribe('lisbon', 'berlin');
load(7, @names);
converged('after a subscription was made again');

# Ratings that are changed or taken back are un-learnt everywhere.
$node{berlin}->safe_psql('postgres', q{
	UPDATE stars SET rating = 6 - rating;
	DELETE FROM stars WHERE film_id % 2 = 0});
isnt($node{berlin}->safe_psql('postgres', 'SELECT count(*) FROM bandit.revisions'), '0',
	'ratings were un-learnt');
converged('after ratings were changed and deleted');

# A response may come in on another node than that which served: it is passed
# on there, learnt there, and comes back.  So it is when it is taken back, even
# before that.
$node{berlin}->safe_psql('postgres', q{
	SELECT count(*) FROM bandit.recommend('films', 500, 5);
	SELECT count(*) FROM bandit.choose('plain', '{"n": 2}', subject => 'elsewhere')});
wait_for_all();
my $served = q{SELECT items[2] FROM bandit.decisions WHERE bandit = 'films' AND subject = '500'};
my $heard = q{SELECT string_agg(concat_ws(' ', f.node, f.kind, f.value, f.reward, f.retracted), ', ' ORDER BY kind)
	FROM bandit.feedback f JOIN bandit.decisions d USING (decision_id) WHERE d.subject IN ('500', 'elsewhere')};
is($node{oslo}->safe_psql('postgres', qq{
		INSERT INTO stars SELECT 500, ($served), 5;
		INSERT INTO clicks SELECT 500, ($served);
		DELETE FROM clicks WHERE user_id = 500;
		SELECT bandit.reward(decision_id, 0.25) FROM bandit.decisions WHERE subject = 'elsewhere';
		SELECT count(*) FROM bandit.forwarded f JOIN bandit.decisions d USING (decision_id)
		WHERE d.subject IN ('500', 'elsewhere') AND f.to_node = 'berlin'}), "t\n4", 'responses are passed on');
wait_for_all();
is($node{$_}->safe_psql('postgres', $heard), 'berlin click 1 t, berlin rating 5 1 f, berlin reward 0.25 0.25 f',
	"$_ has heard of them") foreach @names;
$node{lisbon}->safe_psql('postgres', qq{
	INSERT INTO stars SELECT 500, ($served), 5;
	UPDATE stars SET rating = 1 WHERE user_id = 500});
converged('after responses on other nodes');
is($node{$_}->safe_psql('postgres', $heard), 'berlin click 1 t, berlin rating 1 0 f, berlin reward 0.25 0.25 f',
	"$_ has heard of a change") foreach @names;

# Each settles what it has served.
foreach my $name (@names)
{
	$node{$name}->safe_psql('postgres', q{
		SELECT bandit.settle('plain', now() + interval '2 days');
		SELECT bandit.settle('films', now() + interval '2 days')});
}
converged('after settlement');
is($node{$_}->safe_psql('postgres', q{
		SELECT count(*) = 3 FROM (SELECT node FROM bandit.feedback WHERE kind = 'silence' GROUP BY node) s}),
	't', "$_ has the silence of all") foreach @names;

# Late responses correct what silence said, wherever they come in.
$node{berlin}->safe_psql('postgres', q{DELETE FROM stars WHERE film_id % 3 = 0});
$node{oslo}->safe_psql('postgres', q{
	INSERT INTO clicks SELECT 500, items[4] FROM bandit.decisions WHERE bandit = 'films' AND subject = '500'});
converged('after late responses');
is($node{lisbon}->safe_psql('postgres', q{
		SELECT sum(pulls) FROM bandit.feedback f JOIN bandit.decisions d USING (decision_id) WHERE d.subject = '500'}),
	'5', 'an item counts once, on whatever node it is responded to');
is($node{$_}->safe_psql('postgres', q{
		SELECT (SELECT count(*) FROM bandit.decisions WHERE settled_at IS NULL), (SELECT count(DISTINCT node) FROM bandit.decisions)}),
	'0|3', "$_ has the decisions of all, closed") foreach @names;

$_->stop foreach values %node;
done_testing();

sub subscribe
{
	my ($to, $from) = @_;
	$node{$to}->safe_psql('postgres', sprintf(
		q{CREATE SUBSCRIPTION %s_from_%s CONNECTION '%s dbname=postgres' PUBLICATION bandit_node},
		$to, $from, $node{$from}->connstr));
	return;
}

# mixed load on these nodes at the same time
sub load
{
	my ($seed, @on) = @_;
	my %run;
	my %errors;
	foreach my $name (@on)
	{
		$run{$name} = IPC::Run::start([ 'pgbench', '-n', '-c', '3', '-t', '40',
				'-h', $node{$name}->host, '-p', $node{$name}->port,
				"--random-seed=$seed", @scripts, 'postgres' ],
			'>', '/dev/null', '2>', \$errors{$name});
	}
	foreach my $name (@on)
	{
		IPC::Run::finish($run{$name}) or die "$name: $errors{$name}";
	}
	return;
}

# Everything has arrived everywhere.
sub wait_for_all
{
	foreach my $from (@names)
	{
		foreach my $to (grep { $_ ne $from } @names)
		{
			$node{$to}->poll_query_until('postgres', q{
				SELECT count(*) = 0 FROM pg_subscription_rel WHERE srsubstate <> 'r'}) or die 'no copy';
			$node{$from}->wait_for_catchup("${to}_from_$from");
		}
	}
	return;
}

sub converged
{
	my ($when) = @_;
	wait_for_all();
	my %ledger = map { $_ => $node{$_}->safe_psql('postgres', q{
		SELECT f FROM bandit.feedback f ORDER BY f::text COLLATE "C"}) } @names;
	my %evidence = map { $_ => $node{$_}->safe_psql('postgres', q{
		SELECT bandit, context_hash, arm, sum(successes), sum(failures), sum(pulls)
		FROM bandit.evidence GROUP BY 1, 2, 3
		HAVING (sum(successes), sum(failures), sum(pulls)) <> (0, 0, 0) ORDER BY 1, 2, 3}) } @names;
	my $union = join '', map {
		$node{$_}->safe_psql('postgres', qq{
			SELECT bandit, context_hash, arm, successes, failures, pulls
			FROM bandit.feedback WHERE node = '$_'}) . "\n" } @names;
	my %fold;
	foreach my $row (split /\n/, $union)
	{
		my ($bandit, $hash, $arm, @adds) = split /\|/, $row;
		$fold{"$bandit|$hash|$arm"}[$_] += $adds[$_] foreach 0 .. 2;
	}
	my %believed = map { /^(.*?\|.*?\|.*?)\|(.*)$/; $1 => [ split /\|/, $2 ] }
	  split /\n/, $evidence{berlin};
	foreach my $key (keys %fold)
	{
		delete $fold{$key} if !grep { $_ != 0 } @{ $fold{$key} };
	}
	$_ = join ',', map { $_ + 0 } @$_ foreach values %believed, values %fold;
	is_deeply(\%believed, \%fold, "$when: the fold of the union");
	foreach my $name ('lisbon', 'oslo')
	{
		is($evidence{$name}, $evidence{berlin}, "$when: $name believes what berlin does");
		is($ledger{$name}, $ledger{berlin}, "$when: their ledgers are equal");
	}
	ok(is_sound($node{$_}), "$when: verify finds nothing on $_") foreach @names;
	return;
}
