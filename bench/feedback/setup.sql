-- Events on one hot arm.  Lists of 20 items were served to :users users; an
-- event is a user's response to one of them, each to be learnt once.  At any
-- time 32 users are about, and respond to their items one after the other.
CREATE EXTENSION bandit;
CREATE TABLE ratings (user_id int, item_id int, rating int);
CREATE FUNCTION list(user_id bigint, n int)
RETURNS TABLE (item_id bigint, score float8) LANGUAGE sql
AS 'SELECT g, 100.0 - g FROM pg_catalog.generate_series(1, 20) g';
SELECT bandit.create_recommender('hot', 'ratings', arms => '{}', features => '{}');
SELECT bandit.add_arm('hot', 'list', 'list(bigint,int)');
INSERT INTO bandit.decisions (decision_id, bandit, context_hash, subject,
	variant, decided_at, arms, alphas, betas, picks, items, item_arms)
SELECT bandit.first_decision_id(now() - g * interval '1 microsecond'), 'hot',
	bandit.context_hash('{}'), g - 1, 'treatment', now(), '{list}', '{1}', '{1}',
	'{list}', ARRAY(SELECT generate_series(1, 20)), array_fill('list'::text, '{20}')
FROM generate_series(1, :users) g;

-- no trigger; one row for the arm; slots
CREATE TABLE plain (user_id int, item_id int, PRIMARY KEY (user_id, item_id));
CREATE TABLE one_row (user_id int, item_id int, PRIMARY KEY (user_id, item_id));
CREATE TABLE slots (user_id int, item_id int, PRIMARY KEY (user_id, item_id));
CREATE SEQUENCE plain_events MINVALUE 0;
CREATE SEQUENCE one_row_events MINVALUE 0;
CREATE SEQUENCE slots_events MINVALUE 0;

CREATE TABLE state (arm text PRIMARY KEY, alpha float8 NOT NULL)
	WITH (fillfactor = 50);
INSERT INTO state VALUES ('list', 1), ('written back', 0);
CREATE FUNCTION add_one() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	UPDATE state SET alpha = alpha + 1 WHERE arm = 'list';
	RETURN NULL;
END $$;
CREATE TRIGGER add_one AFTER INSERT ON one_row
	FOR EACH ROW EXECUTE FUNCTION add_one();
SELECT bandit.watch('hot', 'slots', 'click');
VACUUM ANALYZE;
