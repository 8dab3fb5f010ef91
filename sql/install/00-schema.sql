\echo Use "CREATE EXTENSION bandit" to load this file. \quit

CREATE SCHEMA bandit;

COMMENT ON SCHEMA bandit IS
'Contextual Thompson sampling: which arm serves a request, what was learnt, whether it helped';

CREATE SCHEMA bandit_internal;

COMMENT ON SCHEMA bandit_internal IS
'What bandit''s own functions call; nothing here is meant for applications, and any of it may change';
