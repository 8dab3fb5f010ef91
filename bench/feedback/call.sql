SELECT bandit.update_bandit('hot', '{}', 'list', 'success');
