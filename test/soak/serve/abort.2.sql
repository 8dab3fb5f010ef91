\set n random(1, 3)
\set end random(1, 3)
BEGIN;
SELECT decision_id FROM bandit.choose('plain', jsonb_build_object('n', :n::int)) \gset
SAVEPOINT s;
SELECT bandit.reward(:decision_id, 1);
\if :end = 1
ROLLBACK TO s;
\endif
\if :end = 2
ROLLBACK;
\else
COMMIT;
\endif
