SELECT count(*) FROM bandit.check_health('shop');
