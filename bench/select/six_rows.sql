SELECT arm, successes, failures FROM bandit.evidence WHERE bandit = 'six' AND context_hash = 6429092928707001367;
