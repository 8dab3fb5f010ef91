\echo Use "CREATE EXTENSION bandit" to load this file. \quit

CREATE SCHEMA bandit;

COMMENT ON SCHEMA bandit IS
'Contextual Thompson sampling: which arm serves a request, what was learnt, whether it helped';
