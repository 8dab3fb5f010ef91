-- Recommenders: bandits whose arms produce items, over the user's own tables.

CREATE FUNCTION bandit_internal.find_item_columns(wanted bandit.recommenders)
RETURNS bandit.recommenders
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	keys record;
	names text[] := bandit_internal.item_names(wanted.items);
BEGIN
	-- a foreign key says more than any name; two of them say nothing
	SELECT min(k.source_column) AS item, min(k.target_column) AS key INTO keys
	FROM bandit_internal.foreign_keys(wanted.ratings, wanted.items) k
	WHERE (wanted.item_column IS NULL OR k.source_column = wanted.item_column)
		AND (wanted.items_key_column IS NULL
			 OR k.target_column = wanted.items_key_column)
	HAVING count(*) = 1;

	wanted.item_column := bandit_internal.find_column(wanted.ratings, 'item',
		coalesce(wanted.item_column, keys.item), 'item_column', names, true);
	wanted.items_key_column := bandit_internal.find_column(wanted.items, 'key',
		coalesce(wanted.items_key_column, keys.key,
				 bandit_internal.primary_key(wanted.items)),
		'items_key_column',
		names || bandit_internal.plain_name(wanted.item_column)
			|| bandit_internal.column_names('item'), true);
	wanted.title_column := bandit_internal.find_column(wanted.items, 'title',
		wanted.title_column, 'title_column');
	wanted.attributes_column := bandit_internal.find_column(wanted.items, 'attributes',
		wanted.attributes_column, 'attributes_column');
	RETURN wanted;
END;
$$;

COMMENT ON FUNCTION bandit_internal.find_item_columns(bandit.recommenders) IS
'A recommender''s row with the columns about items filled in. A foreign key from ratings to items decides the item and key columns, then the primary key of items, then names. Errors: those of bandit_internal.find_column.';

CREATE FUNCTION bandit_internal.find_columns(wanted bandit.recommenders)
RETURNS bandit.recommenders
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	wanted.user_column := bandit_internal.find_column(wanted.ratings, 'user',
		wanted.user_column, 'user_column', required => true);
	IF wanted.items IS NOT NULL THEN
		wanted := bandit_internal.find_item_columns(wanted);
	ELSE
		wanted.item_column := bandit_internal.find_column(wanted.ratings, 'item',
			wanted.item_column, 'item_column', required => true);
		wanted.items_key_column := nullif(wanted.items_key_column, '');
		wanted.title_column := nullif(wanted.title_column, '');
		wanted.attributes_column := nullif(wanted.attributes_column, '');
	END IF;
	wanted.value_column := bandit_internal.find_column(wanted.ratings, 'value',
		wanted.value_column, 'value_column');
	wanted.time_column := bandit_internal.find_column(wanted.ratings, 'time',
		wanted.time_column, 'time_column');
	IF wanted.user_column = wanted.item_column THEN
		RAISE EXCEPTION 'column "%" of % cannot be both the user and the item', wanted.user_column, wanted.ratings
			USING ERRCODE = 'invalid_parameter_value';
	END IF;

	wanted.key_type := bandit_internal.key_type(wanted.ratings, wanted.user_column);
	PERFORM bandit_internal.check_key_type(wanted.ratings, wanted.item_column,
								  wanted.key_type);
	IF wanted.items IS NOT NULL THEN
		PERFORM bandit_internal.check_key_type(wanted.items, wanted.items_key_column,
									  wanted.key_type);
	END IF;
	RETURN wanted;
END;
$$;

COMMENT ON FUNCTION bandit_internal.find_columns(bandit.recommenders) IS
'A recommender''s row with every column that was not named found by name and type, and key_type. Errors: those of bandit_internal.find_column; datatype_mismatch when users and items are not keyed alike; invalid_parameter_value when they are the same column.';

CREATE FUNCTION bandit_internal.check_key_type(source regclass, name text,
	wanted text)
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF bandit_internal.key_type(source, name) <> wanted THEN
		RAISE EXCEPTION 'keys in column "%" of % are of another kind than the recommender''s', name, source
			USING ERRCODE = 'datatype_mismatch',
				DETAIL = format('The column is %s; the recommender''s keys are %s.',
					bandit_internal.fitting_list(source, 'key', ARRAY[name]),
					CASE wanted WHEN 'bigint' THEN 'whole numbers'
						ELSE 'uuid, text or varchar' END),
				HINT = 'Users and items must both be whole numbers, or both uuid, text or varchar.';
	END IF;
END;
$$;

COMMENT ON FUNCTION bandit_internal.check_key_type(regclass, text, text) IS
'Raises datatype_mismatch unless a column''s keys are of that kind, bigint or text.';

CREATE FUNCTION bandit_internal.count_as_owner(source regclass, query text)
RETURNS bigint
LANGUAGE c STRICT
AS 'MODULE_PATHNAME', 'bandit_count_as_owner';

COMMENT ON FUNCTION bandit_internal.count_as_owner(regclass, text) IS
'The one bigint that a query over a table of the application gives. Run as the table''s owner where the caller has all his rights, so that no code of his gets more; else as the caller.';

CREATE FUNCTION bandit_internal.count_attributes(wanted bandit.recommenders)
RETURNS int
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	pieces text;
BEGIN
	IF wanted.attributes_column IS NULL THEN
		RETURN 0;
	END IF;
	IF EXISTS (SELECT FROM bandit_internal.fitting_columns(wanted.items, 'attributes') f
			   WHERE f.name = wanted.attributes_column
					AND f.base = ANY ('{text[],varchar[]}'::regtype[])) THEN
		pieces := format('i.%I', wanted.attributes_column);
	ELSE
		pieces := format('string_to_array(i.%I::text, %L)',
						 wanted.attributes_column, wanted.attribute_separator);
	END IF;
	RETURN bandit_internal.count_as_owner(wanted.items,
		format('SELECT count(DISTINCT a) FROM %s i, unnest(%s) a WHERE a <> ''''',
			wanted.items, pieces));
END;
$$;

COMMENT ON FUNCTION bandit_internal.count_attributes(bandit.recommenders) IS
'How many different attributes, such as genres, the items have; 0 without an attributes column. Reads the whole table of items, with the rights of the caller, or of their owner where these are fewer.';

CREATE FUNCTION bandit_internal.tell_columns(wanted bandit.recommenders)
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	about_items text := 'no table of items';
BEGIN
	IF wanted.items IS NOT NULL THEN
		about_items := format('%s (%s)', wanted.items, concat_ws(', ',
			format('key %I', wanted.items_key_column),
			format('title %s', coalesce(quote_ident(wanted.title_column), 'none')),
			format('attributes %s', coalesce(quote_ident(wanted.attributes_column), 'none'))));
	END IF;
	RAISE NOTICE 'recommender "%" reads % (%) and %', wanted.bandit,
		wanted.ratings, concat_ws(', ',
			format('user %I', wanted.user_column),
			format('item %I', wanted.item_column),
			format('value %s', coalesce(quote_ident(wanted.value_column), 'none')),
			format('time %s', coalesce(quote_ident(wanted.time_column), 'none'))),
		about_items
		USING HINT = 'Columns that were not named were found by name and type. Name any that is wrong, or '''' for none.';
END;
$$;

COMMENT ON FUNCTION bandit_internal.tell_columns(bandit.recommenders) IS
'Says in one notice which columns a recommender reads.';

CREATE FUNCTION bandit_internal.tell_index(wanted bandit.recommenders)
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF EXISTS (SELECT FROM pg_class c
			   WHERE c.oid = wanted.ratings AND c.relkind IN ('r', 'p', 'm'))
		AND NOT EXISTS (
			SELECT FROM pg_index i JOIN pg_attribute a
				ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
			WHERE i.indrelid = wanted.ratings AND i.indpred IS NULL
				AND i.indisvalid AND a.attname = wanted.user_column)
	THEN
		RAISE NOTICE '% has no index that leads to the rows of one user', wanted.ratings
			USING DETAIL = 'Every recommendation will read the whole table.',
				HINT = format('CREATE INDEX ON %s (%s);', wanted.ratings,
					concat_ws(', ', quote_ident(wanted.user_column),
							  quote_ident(wanted.time_column)));
	END IF;
END;
$$;

COMMENT ON FUNCTION bandit_internal.tell_index(bandit.recommenders) IS
'Suggests an index, in a notice, when the ratings have none whose first column is the user.';

CREATE FUNCTION bandit_internal.check_vectors(items regclass, name text)
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM bandit_internal.count_as_owner(items, format(
		'SELECT count(v) FROM (SELECT i.%I::real[] AS v FROM %s i LIMIT 0) s', name, items));
	-- any text may be cast, at the risk of each of its rows
	IF EXISTS (SELECT FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
			WHERE a.attrelid = items AND a.attname = name AND t.typcategory = 'S') THEN
		RAISE cannot_coerce;
	END IF;
EXCEPTION WHEN cannot_coerce THEN
	RAISE EXCEPTION 'column "%" of % cannot be read as vectors', name, items
		USING ERRCODE = 'datatype_mismatch',
			HINT = 'Vectors are real[], double precision[], or pgvector''s vector.';
END;
$$;

COMMENT ON FUNCTION bandit_internal.check_vectors(regclass, text) IS
'Raises unless a column of a table of items can be cast to real[]. Errors: undefined_column, datatype_mismatch.';

CREATE FUNCTION bandit_internal.check_recommender(wanted bandit.recommenders,
	arms text[], features text[])
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	known text[] := '{time_period,day_of_week,user_type,genre_saturation,session_position}';
	one text;
BEGIN
	FOREACH one IN ARRAY features LOOP
		IF one <> ALL (known) THEN
			RAISE EXCEPTION 'there is no feature "%"', one
				USING ERRCODE = 'invalid_parameter_value',
					HINT = format('The features of a recommender are %s.',
						array_to_string(known, ', '));
		END IF;
	END LOOP;
	PERFORM bandit_internal.arm_source(wanted.key_type, a, NULL) FROM unnest(arms) a;

	IF wanted.items IS NULL AND coalesce(wanted.items_key_column,
			wanted.title_column, wanted.attributes_column,
			wanted.vector_column) IS NOT NULL THEN
		RAISE EXCEPTION 'a column of items is named, but no table of items'
			USING ERRCODE = 'invalid_parameter_value',
				HINT = 'Name the table with items => ''...''.';
	END IF;
	IF wanted.vector_column IS NOT NULL THEN
		PERFORM bandit_internal.check_vectors(wanted.items, wanted.vector_column);
	END IF;
	IF wanted.exclude_seen IS NULL THEN
		RAISE EXCEPTION 'exclude_seen must not be null'
			USING ERRCODE = 'null_value_not_allowed';
	ELSIF (wanted.blend_arms BETWEEN 1 AND 1000) IS NOT TRUE THEN
		RAISE EXCEPTION 'blend_arms must be from 1 to 1000'
			USING ERRCODE = 'invalid_parameter_value';
	ELSIF (wanted.neutral_value > '-Infinity'
		   AND wanted.neutral_value < 'Infinity') IS NOT TRUE THEN
		RAISE EXCEPTION 'neutral_value must be finite'
			USING ERRCODE = 'invalid_parameter_value';
	ELSIF (wanted.attribute_separator <> '') IS NOT TRUE THEN
		RAISE EXCEPTION 'attribute_separator must not be empty'
			USING ERRCODE = 'invalid_parameter_value';
	END IF;
	PERFORM bandit_internal.check_time_zone(wanted.time_zone);
END;
$$;

COMMENT ON FUNCTION bandit_internal.check_recommender(bandit.recommenders, text[], text[]) IS
'Raises unless the arms are built in, the features known and the settings within their ranges. Errors: undefined_object, reserved_name, null_value_not_allowed, invalid_parameter_value.';

CREATE FUNCTION bandit_internal.check_time_zone(time_zone text) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF time_zone IS NULL THEN
		RAISE EXCEPTION 'time_zone must not be null'
			USING ERRCODE = 'null_value_not_allowed';
	END IF;
	PERFORM now() AT TIME ZONE time_zone;
EXCEPTION WHEN invalid_parameter_value THEN
	RAISE EXCEPTION 'time zone "%" is not known', time_zone
		USING ERRCODE = 'invalid_parameter_value',
			HINT = 'SELECT name FROM pg_timezone_names lists them.';
END;
$$;

COMMENT ON FUNCTION bandit_internal.check_time_zone(text) IS
'Raises unless the server knows the time zone. Errors: null_value_not_allowed, invalid_parameter_value.';

CREATE FUNCTION bandit.create_recommender(name text, ratings regclass,
	user_column text DEFAULT NULL, item_column text DEFAULT NULL,
	value_column text DEFAULT NULL, time_column text DEFAULT NULL,
	items regclass DEFAULT NULL, items_key_column text DEFAULT NULL,
	title_column text DEFAULT NULL, attributes_column text DEFAULT NULL,
	arms text[] DEFAULT '{svd,item_cf,graph,embeddings,long_tail,serendipity}',
	features text[] DEFAULT
		'{time_period,day_of_week,user_type,genre_saturation,session_position}',
	blend_arms int DEFAULT 3, exclude_seen boolean DEFAULT true,
	neutral_value float8 DEFAULT 2.5, time_zone text DEFAULT 'UTC',
	prior_alpha float8 DEFAULT NULL, prior_beta float8 DEFAULT NULL,
	attribution_window interval DEFAULT '24 hours',
	on_silence text DEFAULT 'failure',
	attribute_separator text DEFAULT '|', policy text DEFAULT 'thompson',
	base_rate float8 DEFAULT NULL, base_weight float8 DEFAULT NULL,
	exploration_floor float8 DEFAULT 0, half_life interval DEFAULT NULL,
	vector_column text DEFAULT NULL)
RETURNS int
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	made int;
	r bandit.recommenders;
BEGIN
	made := bandit.create_bandit(create_recommender.name,
		create_recommender.arms, create_recommender.features,
		create_recommender.prior_alpha, create_recommender.prior_beta,
		create_recommender.attribution_window, create_recommender.on_silence,
		create_recommender.policy, create_recommender.base_rate,
		create_recommender.base_weight, create_recommender.exploration_floor,
		create_recommender.half_life);
	PERFORM bandit_internal.check_relation('ratings', create_recommender.ratings, 'rpvmf');
	IF create_recommender.items IS NOT NULL THEN
		PERFORM bandit_internal.check_relation('items', create_recommender.items, 'rpvmf');
	END IF;

	r.bandit := create_recommender.name;
	r.ratings := create_recommender.ratings;
	r.user_column := create_recommender.user_column;
	r.item_column := create_recommender.item_column;
	r.value_column := create_recommender.value_column;
	r.time_column := create_recommender.time_column;
	r.items := create_recommender.items;
	r.items_key_column := create_recommender.items_key_column;
	r.title_column := create_recommender.title_column;
	r.attributes_column := create_recommender.attributes_column;
	r.vector_column := nullif(create_recommender.vector_column, '');
	r.attribute_separator := create_recommender.attribute_separator;
	r.blend_arms := create_recommender.blend_arms;
	r.exclude_seen := create_recommender.exclude_seen;
	r.neutral_value := create_recommender.neutral_value;
	r.time_zone := create_recommender.time_zone;
	r := bandit_internal.find_columns(r);
	PERFORM bandit_internal.check_recommender(r, create_recommender.arms,
									 create_recommender.features);
	INSERT INTO bandit.recommenders (bandit, ratings, user_column, item_column,
		value_column, time_column, items, items_key_column, title_column,
		attributes_column, vector_column, attribute_separator, key_type,
		neutral_value, exclude_seen, exclude_disliked, blend_arms, time_zone,
		attribute_count)
	VALUES (r.bandit, r.ratings, r.user_column, r.item_column,
		r.value_column, r.time_column, r.items, r.items_key_column,
		r.title_column, r.attributes_column, r.vector_column,
		r.attribute_separator, r.key_type,
		r.neutral_value, r.exclude_seen, true, r.blend_arms, r.time_zone,
		bandit_internal.count_attributes(r));

	UPDATE bandit.arms a SET source = a.arm WHERE a.bandit = r.bandit;
	INSERT INTO bandit.arms (bandit, arm, position, role, source)
	VALUES (r.bandit, 'hybrid', made + 1, 'control', 'hybrid');
	PERFORM bandit_internal.tell_columns(r);
	PERFORM bandit_internal.tell_index(r);
	RETURN made;
END;
$$;

COMMENT ON FUNCTION bandit.create_recommender(text, regclass, text, text, text, text, regclass, text, text, text, text[], text[], int, boolean, float8, text, float8, float8, interval, text, text, text, float8, float8, float8, interval, text) IS
'Makes a bandit whose arms recommend items, over tables of your own. Returns the number of arms made; the control, hybrid, comes on top.
ratings: a table or view with a row per interaction of a user with an item. items: a table or view with a row per item, if there is one. Columns that are not named are found by name and type, and a notice says which; '''' means none. User and item keys are both smallint, integer or bigint, or both uuid, text or varchar. value_column: a number, such as stars. time_column: timestamptz, timestamp, date, or Unix seconds. attributes_column: text[], or text separated by attribute_separator. vector_column: vectors of the items, of your own making, for the arm embeddings: real[] or anything that can be cast to it, such as pgvector''s vector; without it they are made of titles and attributes.
arms: built-in ones; bandit.add_arm adds functions of your own. features: which of the five features of bandit.user_context make a context. blend_arms: from how many arms a list is blended, 1 to 1000. exclude_seen: never recommend what the user had; without it, still not what he values below neutral_value (column exclude_disliked of bandit.recommenders). neutral_value: the value that is neither liked nor disliked. time_zone: in which the features read the clock. The other parameters are those of bandit.create_bandit.
Errors: ambiguous_column (the detail lists the candidates), undefined_column, datatype_mismatch, wrong_object_type, undefined_object, reserved_name, and those of bandit.create_bandit.';
