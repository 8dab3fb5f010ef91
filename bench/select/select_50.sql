SELECT arm, weight FROM bandit.select_arms('arms50', '{}', 3);
