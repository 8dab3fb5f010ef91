-- simulate, as a user types it, and what is refused.
\set SHOW_CONTEXT never
\pset format unaligned
\pset tuples_only on
SELECT step, round(regret::numeric, 6), round(standard_error::numeric, 6),
	round(per_step::numeric, 6), round(best_share::numeric, 6)
FROM bandit.simulate('{0.2,0.1,0.05}', 1000);
SELECT step, round(regret::numeric, 6) FROM bandit.simulate(NULL, 1000, 10, 'top_two', arms => 5,
	rate_alpha => 4, rate_beta => 4, delay => 30, replacement => 0.01, half_life => 100, checkpoints => '{1000}');
SELECT bandit.pseudo_regret('{0.5,0.25}', '{7,4}'), round(bandit.lai_robbins_constant('{0.5,0.25}')::numeric, 6);

SELECT bandit.simulate(NULL);
SELECT bandit.simulate('{}');
SELECT bandit.simulate('{{0.1},{0.2}}');
SELECT bandit.simulate('{0.1,NULL}');
SELECT bandit.simulate('{0.1,1.5}');
SELECT bandit.simulate('{0.1,NaN}');
SELECT bandit.simulate('{0.1}', 0);
SELECT bandit.simulate('{0.1}', runs => 0);
SELECT bandit.simulate('{0.1}', delay => -1);
SELECT bandit.simulate('{0.1}', policy => 'softmax');
SELECT bandit.simulate('{0.1}', policy => NULL);
SELECT bandit.simulate('{0.1}', prior_alpha => 0);
SELECT bandit.simulate('{0.1}', half_life => 0);
SELECT bandit.simulate('{0.1}', half_life => 'NaN');
SELECT bandit.simulate('{0.1}', epsilon => 2);
SELECT bandit.simulate('{0.1,0.2}', exploration_floor => 0.6);
SELECT bandit.simulate('{0.1}', replacement => -0.1);
SELECT bandit.simulate('{0.1}', replacement_learnt => 'never');
SELECT bandit.simulate('{0.1}', rotate_every => 0);
SELECT bandit.simulate('{0.1}', drift => -1);
SELECT bandit.simulate('{0.1}', 10, checkpoints => '{11}');
SELECT bandit.simulate('{0.1}', 10, checkpoints => '{0}');
SELECT bandit.simulate('{0.1}', 10, checkpoints => '{1,NULL}');
SELECT bandit.simulate(NULL, arms => 100000);
SELECT bandit.simulate('{0.1}', seed => NULL);
SELECT bandit.pseudo_regret('{0.5,0.25}', '{7}');
SELECT bandit.pseudo_regret('{0.5,0.25}', '{7,-1}');
SELECT bandit.pseudo_regret('{0.5,0.25}', '{7,NULL}');
SELECT bandit.lai_robbins_constant('{}');
