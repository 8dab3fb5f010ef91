SELECT bandit.create_recommender('movies', 'app.ratings', items => 'app.movies',
	features => '{user_type,genre_saturation}', blend_arms => 2);
SELECT bandit.add_arm('movies', 'favourite_genre', 'app.favourite_genre(bigint,int)');
SELECT bandit.watch('movies', 'app.clicks', 'click');
SELECT bandit.watch('movies', 'app.ratings', 'rating');
