SELECT bandit.start_experiment('shop', 0.3);
SELECT bandit.set_allocation('shop', 0.6);
SELECT count(*) FROM bandit.experiment_report('shop');
SELECT bandit.stop_experiment('shop');
