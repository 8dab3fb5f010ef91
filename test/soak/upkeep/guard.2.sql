SELECT count(*) FROM bandit.guard('shop');
