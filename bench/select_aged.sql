SELECT arm, weight FROM bandit.select_arms('forgets', '{"device": "p"}', 3);
