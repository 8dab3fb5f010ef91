-- An application as it might have been before it met bandit: films, ratings,
-- clicks, each with the indexes that a sensible application has anyway.
SET lock_timeout = '10s';	-- somebody's open transaction: say so, do not hang
DROP EXTENSION IF EXISTS bandit CASCADE;
DROP SCHEMA IF EXISTS app, demo CASCADE;
CREATE SCHEMA app;
CREATE SCHEMA demo;		-- what only the demonstration knows

CREATE TABLE app.movies (
	movie_id int PRIMARY KEY,
	title text NOT NULL,
	genres text[] NOT NULL
);
CREATE TABLE app.ratings (
	user_id int NOT NULL,
	movie_id int NOT NULL REFERENCES app.movies,
	rating numeric(2, 1) NOT NULL,
	rated_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (user_id, movie_id)
);
CREATE TABLE app.clicks (
	click_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	user_id int NOT NULL,
	movie_id int NOT NULL REFERENCES app.movies,
	clicked_at timestamptz NOT NULL DEFAULT now()
);

-- all ratings arrive here; the last fifth of each user's is held out
CREATE UNLOGGED TABLE demo.ratings (
	user_id int,
	movie_id int,
	rating numeric(2, 1),
	seconds bigint
);
CREATE TABLE demo.held_out (
	user_id int,
	movie_id int,
	rating numeric(2, 1),
	PRIMARY KEY (user_id, movie_id)
);
CREATE TABLE demo.visits (
	day int,
	user_id int,
	variant text,
	shown int,
	clicked int,
	arms text[]			-- who was credited with the films shown
);
