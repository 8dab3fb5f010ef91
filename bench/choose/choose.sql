SELECT decision_id, arm FROM bandit.choose('six', '{"device": "p"}');
