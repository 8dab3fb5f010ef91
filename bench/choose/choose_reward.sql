SELECT bandit.reward(decision_id, 1) FROM bandit.choose('six', '{"device": "p"}');
