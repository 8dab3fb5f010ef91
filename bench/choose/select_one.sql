SELECT arm, weight FROM bandit.select_arms('six', '{"device": "p"}', 1);
