SELECT count(*) FROM bandit.bandit_states, bandit.overview;
SELECT count(*) FROM bandit.arm_stats;
SELECT count(*) FROM bandit.context_stats;
SELECT count(*) FROM bandit.exporter_arms;
