SELECT name, bandit.refresh_priors(name) FROM bandit.bandits WHERE name <> 'passing';
