-- Bandits of which every series has a value: one trained and in an experiment
-- with open alerts, and a plain one whose name no label would like.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
CREATE EXTENSION bandit;
SELECT bandit.set_seed(1);
CREATE TABLE films (film_id int PRIMARY KEY, title text, genres text[]);
CREATE TABLE stars (user_id int, film_id int REFERENCES films, rating int, rated_at timestamptz DEFAULT now());
INSERT INTO films SELECT f, 'film ' || f, ARRAY['genre ' || f % 4] FROM generate_series(1, 60) f;
INSERT INTO stars (user_id, film_id, rating)
SELECT u, f, 1 + (u * f) % 5 FROM generate_series(1, 40) u, generate_series(1, 60) f WHERE (u + f) % 4 = 0;
SELECT bandit.create_recommender('films', 'stars', items => 'films');
SELECT count(*) FROM bandit.train('films');
SELECT bandit.start_experiment('films', 0.75);
SELECT count(*) FROM generate_series(1, 30) u, bandit.recommend('films', u, 5);
SELECT count(bandit.feedback('films', u, (d.items)[1 + u % 2], CASE WHEN u % 3 = 0 THEN 'thumbs_down' ELSE 'click' END))
FROM generate_series(1, 30) u JOIN bandit.decisions d ON d.subject = u::text;
-- two alerts that stay open: one critical, one a warning
SELECT bandit.set_threshold('films', 'untrained_arms', -1),
	bandit.set_threshold('films', 'hours_since_training', -1);
SELECT count(*) FROM bandit.check_health('films');

SELECT bandit.create_bandit(E'the "odd" \\ one’s', '{a,b,never}');
SELECT bandit.set_arm(E'the "odd" \\ one’s', 'never', false);
SELECT bandit.update_bandit(E'the "odd" \\ one’s', '{}', 'a', 'success');

SELECT bandit.create_roles();
DROP ROLE IF EXISTS bandit_exporter_test;
CREATE ROLE bandit_exporter_test LOGIN;
GRANT bandit_monitor TO bandit_exporter_test;
