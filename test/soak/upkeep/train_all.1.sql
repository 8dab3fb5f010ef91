SELECT count(*) FROM bandit.train('shop');
