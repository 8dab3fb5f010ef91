-- Training a recommender, as a person sees it.
CREATE TABLE train_books (book_id int PRIMARY KEY, title text, genres text);
INSERT INTO train_books VALUES
	(1, 'Dune', 'space|desert'), (2, 'Solaris', 'space|sea'),
	(3, 'Ubik', 'time'), (4, 'Emma', 'village'), (5, 'Persuasion', 'village|sea');
CREATE TABLE train_ratings (user_id int, book_id int, rating float8);
INSERT INTO train_ratings VALUES
	(1, 1, 5), (1, 2, 4), (1, 3, 4), (2, 1, 4), (2, 2, 5), (2, 3, 3),
	(3, 4, 5), (3, 5, 4), (4, 4, 4), (4, 5, 5), (5, 1, 5), (6, 4, 5);
SELECT bandit.create_recommender('books', 'train_ratings', items => 'train_books', arms => '{item_cf,long_tail}');

-- before training the control serves, item_cf says what is missing
SELECT item_id FROM bandit.candidates('books', 'hybrid', 5, 3);
SELECT * FROM bandit.candidates('books', 'item_cf', 5, 3);

SELECT arm, users, items, ratings, bytes > 0 AS bytes, seconds >= 0 AS seconds
FROM bandit.train('books');
SELECT item_id, round(score::numeric, 4) AS score
FROM bandit.candidates('books', 'item_cf', 5, 3);
SELECT item_id, round(score::numeric, 4) AS score
FROM bandit.candidates('books', 'item_cf', 6, 3);
SELECT item_id, round(score::numeric, 4) AS score
FROM bandit.candidates('books', 'hybrid', 5, 5);

-- one arm, and what it needs
SELECT arm FROM bandit.train('books', 'long_tail');
SELECT arm FROM bandit.train('books', arm => 'item_cf');

-- mistakes
SELECT arm FROM bandit.train('nothing');
SELECT arm FROM bandit.train('books', 'nothing');
SELECT arm FROM bandit.train(NULL);
SELECT bandit.create_bandit('train_plain', '{a,b}');
SELECT arm FROM bandit.train('train_plain');
BEGIN READ ONLY;
SELECT arm FROM bandit.train('books');
ROLLBACK;

SELECT bandit.drop_bandit('books'), bandit.drop_bandit('train_plain');
DROP TABLE train_books, train_ratings;
