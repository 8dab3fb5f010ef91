SELECT name, bandit.fold(name) FROM bandit.bandits WHERE name <> 'passing';
