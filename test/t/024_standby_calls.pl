# Every public function and view on a streaming standby: what reads answers as
# on the primary, what writes says so, and a promoted standby goes on in the
# sessions that were open.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use BanditTest;

# What a function must do there:
#	same	answer what the primary answers
#	answer	answer; what it draws or measures is not the same twice
#	refuse	raise read_only_sql_transaction, with a hint
#	trigger	nothing: it is for triggers
# Each with at least as many calls as there are functions of that name.
my %calls = (
	add_arm => [ refuse => q{bandit.add_arm('plain', 'd')} ],
	arm_history => [ same => q{bandit.arm_history('films')} ],
	arm_options => [ same => q{bandit.arm_options()} ],
	beta_beats => [ same => q{bandit.beta_beats(3, 4, 5, 6)} ],
	beta_cdf => [ same => q{bandit.beta_cdf(0.3, 2, 3)} ],
	beta_expected_loss => [ same => q{bandit.beta_expected_loss(3, 4, 5, 6)} ],
	beta_lift_quantile => [ same => q{bandit.beta_lift_quantile(0.1, 3, 4, 5, 6)} ],
	beta_pdf => [ same => q{bandit.beta_pdf(0.3, 2, 3)} ],
	beta_quantile => [ same => q{bandit.beta_quantile(0.3, 2, 3)} ],
	beta_sample => [ same => q{bandit.beta_sample(2, 3)}, q{bandit.beta_sample(2, 3, 5)} ],
	blend => [ same => q{bandit.blend('[[1, 2], [3]]', '{0.7, 0.3}', 3)} ],
	builtin_arms => [ same => q{bandit.builtin_arms()} ],
	candidates => [ same => q{bandit.candidates('films', 'svd', 1)},
		q{bandit.candidates('books', 'item_cf', '7')} ],
	check_health => [ refuse => q{bandit.check_health('films')} ],
	choose => [ refuse => q{bandit.choose('plain')} ],
	confidence_sequence_difference =>
		[ same => q{bandit.confidence_sequence_difference(100, 50, 50, 100, 30, 30)} ],
	confidence_sequence_rate => [ same => q{bandit.confidence_sequence_rate(50, 100)} ],
	context_canonical => [ same => q{bandit.context_canonical('{"b": 1, "a": 2}')} ],
	context_hash => [ same => q{bandit.context_hash('{"b": 1, "a": 2}')} ],
	create_bandit => [ refuse => q{bandit.create_bandit('other', '{x,y}')} ],
	create_recommender => [ refuse => q{bandit.create_recommender('other', 'stars')} ],
	create_roles => [ refuse => q{bandit.create_roles()} ],
	decision_time => [ same => q{bandit.decision_time('018f0000-0000-7000-8000-000000000000')} ],
	dr => [ same => q{(SELECT bandit.dr(1, 0.5, 0.4, 0.3, 0.2))},
		q{(SELECT bandit.dr(1, 0.5, 0.4, 0.3, 0.2, 9))} ],
	drop_bandit => [ refuse => q{bandit.drop_bandit('plain')} ],
	drop_partitions => [ refuse => q{bandit.drop_partitions()} ],
	evaluate => [ same => q{bandit.evaluate('films', '{svd,item_cf}')} ],
	evaluate_policy => [ same => q{bandit.evaluate_policy('films', 'uniform', min_effective_n => 0)} ],
	expected_losses => [ same => q{bandit.expected_losses('{1,2}', '{2,1}')} ],
	expected_maximum => [ same => q{bandit.expected_maximum('{1,2}', '{2,1}')} ],
	experiment_report => [ same => q{bandit.experiment_report('films')} ],
	experiment_side => [ same => q{bandit.experiment_side('films', 'user 1')} ],
	experiment_verdict => [ same => q{bandit.experiment_verdict('films')} ],
	explain => [ same => q{bandit.explain(:'decision')} ],
	feedback => [ refuse => q{bandit.feedback('films', 1, 1, 'click')},
		q{bandit.feedback('books', '7', '1', 'click')} ],
	first_decision_id => [ same => q{bandit.first_decision_id('2026-01-01 00:00+00')} ],
	fold => [ refuse => q{bandit.fold('plain')} ],
	grant_access => [ refuse => q{bandit.grant_access('reader', 'monitor')} ],
	guard => [ refuse => q{bandit.guard('films')} ],
	health => [ same => q{bandit.health('films', at => :'at')} ],
	invalidate_cache => [ trigger => q{bandit.invalidate_cache()} ],
	ips => [ same => q{(SELECT bandit.ips(1, 0.5, 0.4))}, q{(SELECT bandit.ips(1, 0.5, 0.4, 9))} ],
	key_id => [ same => q{bandit.key_id('k')} ],
	lai_robbins_constant => [ same => q{bandit.lai_robbins_constant('{0.1,0.2}')} ],
	learn => [ trigger => q{bandit.learn()} ],
	library_version => [ same => 'bandit.library_version()' ],
	make_partitions => [ refuse => q{bandit.make_partitions()} ],
	new_arm_prior => [ same => q{bandit.new_arm_prior('plain', 0.3)} ],
	poisson_binomial => [ same => q{bandit.poisson_binomial('{0.1,0.2}')} ],
	policy_propensity => [ same => q{bandit.policy_propensity('top_two', '{1,2}', '{2,1}')} ],
	policy_rank_propensity => [ same => q{bandit.policy_rank_propensity('thompson', '{1,2}', '{2,1}')} ],
	predict => [ same => q{bandit.predict('films', 'svd', 1, '{1,2}')},
		q{bandit.predict('books', 'item_cf', '7', '{1,2}')} ],
	propensities => [ same => q{bandit.propensities(:'decision')} ],
	publish_node => [ refuse => q{bandit.publish_node()} ],
	pseudo_regret => [ same => q{bandit.pseudo_regret('{0.1,0.2}', '{3,4}')} ],
	rank_propensity => [ same => q{bandit.rank_propensity('{1,2}', '{2,1}', 2)} ],
	rebuild => [ refuse => q{bandit.rebuild('plain')} ],
	recommend => [ answer => q{bandit.recommend('films', 1)}, q{bandit.recommend('books', '7')} ],
	refresh_priors => [ refuse => q{bandit.refresh_priors('plain')} ],
	regret => [ same => q{bandit.regret('films')} ],
	remove_arm => [ refuse => q{bandit.remove_arm('plain', 'a')} ],
	replay => [ same => q{bandit.replay(:'decision')} ],
	replay_policy => [ same => q{(SELECT bandit.replay_policy(1, 'a', '{a,b}', 'thompson', 1))} ],
	report => [ same => q{bandit.report('films', at => :'at')} ],
	reward => [ refuse => q{bandit.reward(:'decision', 1)} ],
	schedule => [ refuse => q{bandit.schedule('films')} ],
	select_arms => [ same => q{bandit.select_arms('plain', '{"n": 1}')} ],
	set_allocation => [ refuse => q{bandit.set_allocation('films', 0.4)} ],
	set_arm => [ refuse => q{bandit.set_arm('plain', 'a', false)} ],
	set_guard => [ refuse => q{bandit.set_guard('films', 'arm_p95_ms', 10)} ],
	set_node => [ refuse => q{bandit.set_node('here')} ],
	set_seed => [ same => q{bandit.set_seed(3)} ],
	set_threshold => [ refuse => q{bandit.set_threshold('films', 'ctr', 0.5)} ],
	settle => [ refuse => q{bandit.settle('plain')} ],
	shadow_choose => [ answer => q{bandit.shadow_choose('plain', '{}', 'a')} ],
	shadow_recommend => [ answer => q{bandit.shadow_recommend('films', 1, '{1,2}')},
		q{bandit.shadow_recommend('books', '7', '{1,2}')} ],
	shadow_report => [ same => q{bandit.shadow_report('films')} ],
	simulate => [ same => q{bandit.simulate('{0.1,0.2}', 50, 2)} ],
	snips => [ same => q{(SELECT bandit.snips(1, 0.5, 0.4))},
		q{(SELECT bandit.snips(1, 0.5, 0.4, 9))} ],
	srm_test => [ same => q{bandit.srm_test('{50,60}', '{1,1}')} ],
	start_experiment => [ refuse => q{bandit.start_experiment('books', 0.4)} ],
	stop_experiment => [ refuse => q{bandit.stop_experiment('films')} ],
	top_k_propensity => [ same => q{bandit.top_k_propensity('{1,2}', '{2,1}')} ],
	train => [ refuse => q{bandit.train('films')} ],
	unschedule => [ refuse => q{bandit.unschedule('films')} ],
	unwatch => [ refuse => q{bandit.unwatch('films', 'clicks')} ],
	update_bandit => [ refuse => q{bandit.update_bandit('plain', '{}', 'a', 'success')} ],
	user_context => [ same => q{bandit.user_context('films', 1)}, q{bandit.user_context('books', '7')} ],
	verify => [ same => q{bandit.verify('films')} ],
	watch => [ refuse => q{bandit.watch('films', 'clicks', 'view')} ],
	wilson_interval => [ same => q{bandit.wilson_interval(3, 10)} ]);

my $primary = make_node('primary', allows_streaming => 1);
make_bandit($primary);
make_library($primary);
# one moment, for what looks back from it
my $at = $primary->safe_psql('postgres', 'SELECT now()');
my $decision = $primary->safe_psql('postgres', q{
	SELECT decision_id FROM bandit.decisions WHERE bandit = 'films'
	ORDER BY decision_id LIMIT 1});
$primary->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->start;
$primary->wait_for_catchup($standby);

# Output of a statement, errors with their SQLSTATE; the same draws each time.
sub output
{
	my ($node, $statement) = @_;
	my ($ret, $out, $err) = $node->psql('postgres', "SET client_min_messages = error;
		\\set VERBOSITY verbose
		\\set decision $decision
		\\set at '$at'
		SELECT FROM bandit.set_seed(7);
		BEGIN;
		$statement;
		ROLLBACK;");

	return ($ret, $out, $err);
}

my %known = map { split /\|/ } split /\n/, $primary->safe_psql('postgres', q{
	SELECT proname, count(*) FROM pg_proc
	WHERE pronamespace = 'bandit'::regnamespace GROUP BY proname});
is(join(' ', grep { !$calls{$_} || @{ $calls{$_} } - 1 < $known{$_} } sort keys %known),
	'', 'every public function is called');
is(join(' ', grep { !$known{$_} } sort keys %calls), '', 'and no other');

foreach my $name (sort keys %calls)
{
	my ($kind, @statements) = @{ $calls{$name} };

	foreach my $call (@statements)
	{
		my $statement = "SELECT x.* FROM $call AS x";
		my ($ret, $out, $err) = output($standby, $statement);

		if ($kind eq 'refuse')
		{
			like($err, qr/ERROR:  25006: cannot .*\n(.*\n)*HINT: /, "$call says what to do");
		}
		elsif ($kind eq 'trigger')
		{
			like($err, qr/ERROR:  (0A000|42804)/, "$call is for triggers");
		}
		elsif ($kind eq 'answer')
		{
			is("$ret $err", '0 ', "$call answers");
		}
		else
		{
			my ($ours, $theirs) = output($primary, $statement);

			is("$ret $out $err", "$ours $theirs ", "$call answers as the primary does");
		}
	}
}

foreach my $view (split /\n/, $primary->safe_psql('postgres', q{
	SELECT relname FROM pg_class WHERE relnamespace = 'bandit'::regnamespace
		AND relkind = 'v' ORDER BY 1}))
{
	# what has an age is older by the time that the other one is asked
	my $columns = $primary->safe_psql('postgres', qq{
		SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute
		WHERE attrelid = 'bandit.$view'::regclass AND attname NOT LIKE '%seconds%'});
	my $statement = "SELECT $columns FROM bandit.$view v ORDER BY v::text";
	my ($ret, $out, $err) = output($standby, $statement);
	my ($ours, $theirs) = output($primary, $statement);

	is("$ret $out $err", "$ours $theirs ", "view $view shows what it shows on the primary");
	isnt($out, '', "view $view has rows") if $view ne 'alerts';
}

# What the primary does reaches sessions that have it cached.
my $session = $standby->background_psql('postgres');
my $predict = q{SELECT * FROM bandit.predict('films', 'svd', 1, '{1,2,3}')};
my $list = q{SELECT item_id, decision_id FROM bandit.recommend('films', 41, 4)};
my $before = $session->query($predict);
$session->query($list);
$primary->safe_psql('postgres', q{
	UPDATE stars SET rating = 6 - rating;
	SELECT count(*) FROM bandit.train('films');
	SELECT bandit.stop_experiment('films');
	SELECT bandit.set_arm('films', arm, false) FROM bandit.arms
		WHERE bandit = 'films' AND role = 'arm';
	UPDATE bandit.bandits SET prior_alpha = 99 WHERE name = 'plain'});
$primary->wait_for_catchup($standby);
my $after = $session->query($predict);
isnt($after, $before, 'a session of the standby sees a new model');
is($after, $primary->safe_psql('postgres', $predict), 'that of the primary');
is($session->query(q{SELECT DISTINCT arm FROM bandit.recommend('films', 41, 4)}), 'hybrid',
	'and that the arms were taken out');
is($session->query(q{SELECT min(alpha) FROM bandit.select_arms('plain', k => 9)}), '99',
	'and draws with the new prior');
like($session->query($list), qr/^(\d+\|\n?){4}$/, 'a list there has items, and no decision');

# Promotion: the same session serves, learns and trains.
$standby->promote;
$standby->poll_query_until('postgres', 'SELECT NOT pg_is_in_recovery()');
$session->query(q{SELECT bandit.set_arm('films', arm, true) FROM bandit.arms
	WHERE bandit = 'films' AND role = 'arm'});
like($session->query($list), qr/^(\d+\|[0-9a-f-]{36}\n?){4}$/, 'promoted, its lists are decisions');
is($session->query(q{
		SELECT bandit.feedback('films', 41, items[1], 'click') FROM bandit.decisions
		WHERE bandit = 'films' AND subject = '41' AND variant = 'treatment'
		ORDER BY decision_id DESC LIMIT 1}), 't', 'feedback to them is learnt');
is($session->query(q{
		INSERT INTO clicks SELECT 41, items[2] FROM bandit.decisions
		WHERE bandit = 'films' AND subject = '41' ORDER BY decision_id DESC LIMIT 1;
		SELECT count(*) FROM bandit.feedback f JOIN bandit.decisions d USING (decision_id)
		WHERE d.bandit = 'films' AND d.subject = '41'}), '2', 'by trigger too');
is($session->query(q{
		SELECT bandit.reward(decision_id, 1) FROM bandit.choose('plain', '{"n": 2}')}), 't',
	'choose and reward go on');
is($session->query(q{SELECT count(*) > 2 FROM bandit.train('films')}), 't', 'so does training');
is($session->query(q{SELECT bandit.settle('films', now() + interval '2 days') > 0}), 't',
	'and settling');
is($session->query(q{SELECT count(*) > 0 FROM bandit.make_partitions()}), 't', 'and upkeep');
is($session->query(q{SELECT count(*) FROM bandit.verify('films')}), '0', 'the ledger adds up');
ok(is_sound($standby), 'also for another session');
$session->quit;

$standby->stop;
$primary->stop;
done_testing();
