SELECT arm, successes, failures FROM bandit.evidence WHERE bandit = 'six' AND context_hash = -4845144846938900959;
