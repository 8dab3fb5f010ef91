SELECT arm, weight FROM bandit.select_arms('arms1000', '{}', 3);
