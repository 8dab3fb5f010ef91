SELECT bandit.create_bandit('passing', '{x,y}', '{}');
SELECT bandit.reward(decision_id, 1) FROM bandit.choose('passing');
SELECT bandit.drop_bandit('passing');
