SELECT arm, weight FROM bandit.select_arms('borrows', '{"device": "p"}', 3);
