SELECT arm, weight FROM bandit.select_arms('six', '{"time_period": "night", "day_of_week": "weekend", "user_type": "regular", "genre_saturation": "low", "session_position": "start"}', 3);
