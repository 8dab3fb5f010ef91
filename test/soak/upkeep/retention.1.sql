SELECT count(*) FROM bandit.make_partitions('3 minutes', '1 minute');
SELECT name, bandit.settle(name) FROM bandit.bandits WHERE name <> 'passing';
SELECT count(*) FROM bandit.drop_partitions('1 minute');
DELETE FROM clicks WHERE clicked_at < now() - interval '2 minutes';
