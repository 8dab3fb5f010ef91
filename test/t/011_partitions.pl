# With partitions for weeks, nothing that is done for one decision locks more
# of them than its own; and responses find their decisions over midnight, in
# gaps, and where there are no partitions.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use BanditTest;

my $node = make_node('partitions');
make_bandit($node);

# What a transaction does, and the partitions that it has locked then.
sub locked
{
	my ($what) = @_;
	return (split /\n/, $node->safe_psql('postgres', qq{
		BEGIN;
		$what;
		SELECT string_agg(DISTINCT p.inhparent::regclass::text, ' ') || ' ' || count(DISTINCT p.inhrelid)
		FROM pg_locks l JOIN pg_inherits p ON p.inhrelid = l.relation
		WHERE l.pid = pg_backend_pid()
			AND p.inhparent IN ('bandit.decisions'::regclass, 'bandit.feedback'::regclass);
		COMMIT}))[-1];
}

# A decision of that age that served films 50 to 46 to a user of his own.
sub serve
{
	my ($user, $age) = @_;
	return $node->safe_psql('postgres', qq{
		INSERT INTO bandit.decisions (decision_id, bandit, context_hash, subject, variant, decided_at,
			arms, alphas, betas, picks, items, item_arms)
		SELECT bandit.first_decision_id(now() - interval '$age'), 'films', bandit.context_hash('{}'), '$user',
			'treatment', now() - interval '$age', '{any}', '{1}', '{1}', '{any}', '{50,49,48,47,46}', array_fill('any'::text, '{5}')
		RETURNING decision_id});
}

serve(1, '2 hours');
my $reward = $node->safe_psql('postgres', q{SELECT decision_id FROM bandit.choose('plain', '{"n": 1}')});
is($node->safe_psql('postgres', q{SELECT bandit.feedback('films', 1::bigint, 50, 'click')}),
	't', 'with no partitions but the default one');
$node->safe_psql('postgres', q{TRUNCATE bandit.decisions, bandit.feedback, bandit.evidence;
	SELECT count(*) FROM bandit.make_partitions('90 days', '1 day', now() - interval '30 days')});
serve(1, '1 minute');
serve(2, '23 hours');
$reward = $node->safe_psql('postgres', q{SELECT decision_id FROM bandit.choose('plain', '{"n": 1}')});
is(locked(q{SELECT bandit.feedback('films', 1::bigint, 50, 'click')}),
	'bandit.decisions bandit.feedback 2', 'a response');
is(locked(q{SELECT bandit.feedback('films', 1::bigint, 50, 'thumbs_down')}),
	'bandit.decisions bandit.feedback 2', 'another to the same item');
is(locked(qq{SELECT bandit.reward('$reward', 0.5); SELECT bandit.reward('$reward', 1)}),
	'bandit.decisions bandit.feedback 2', 'a reward that is changed');
like(locked(q{SELECT count(*) FROM bandit.recommend('films', 3::bigint, 5)}),
	qr/^bandit.decisions [12]$/, 'a recommendation');
is($node->safe_psql('postgres', q{SELECT bandit.feedback('films', 2::bigint, 50, 'click')}),
	't', 'a response to what was served yesterday');

# a partition that is given another name, and a gap
my $session = $node->background_psql('postgres');
$session->query_safe(q{SELECT bandit.feedback('films', 1::bigint, 49, 'click')});
$node->safe_psql('postgres', q{DO $$ DECLARE p regclass; BEGIN
	FOR p IN SELECT inhrelid FROM pg_inherits WHERE inhparent = 'bandit.feedback'::regclass LOOP
		EXECUTE format('ALTER TABLE %s RENAME TO %I', p, 'renamed ' || p::oid);
	END LOOP; END $$});
is($session->query_safe(q{SELECT bandit.feedback('films', 1::bigint, 48, 'click')}),
	't', 'in a session that knew it by another name');
my $today = $node->safe_psql('postgres', q{SELECT tableoid::regclass FROM bandit.decisions WHERE subject = '1'});
$node->safe_psql('postgres', qq{BEGIN; CREATE TEMP TABLE moved AS SELECT * FROM $today;
	DROP TABLE $today; INSERT INTO bandit.decisions SELECT * FROM moved; COMMIT});
is($session->query_safe(q{SELECT bandit.feedback('films', 1::bigint, 47, 'click')}),
	't', 'from the default partition, where one of the window is missing');
is($session->query_safe(q{SELECT bandit.feedback('films', 2::bigint, 49, 'click')}),
	't', 'and from the others');
$session->quit;
is($node->safe_psql('postgres', q{SELECT sum(pulls) FROM bandit.evidence WHERE bandit = 'films'}), '6', 'all were learnt');
ok(is_sound($node), 'evidence is the fold of the ledger');

$node->stop;
done_testing();
