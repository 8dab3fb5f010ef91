SELECT arm, successes, failures FROM bandit.evidence WHERE bandit = 'arms50' AND context_hash = 4905387166444775306;
