SELECT name, bandit.settle(name) FROM bandit.bandits WHERE name <> 'passing';
