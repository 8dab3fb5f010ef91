-- Which columns of a user's table are meant, by name and type.
--
-- A column has a use: user, item, value, time (in ratings), key, title,
-- attributes (in items).  What is named by the caller is checked, what is not
-- is looked for, and where two would do, nobody guesses.

CREATE FUNCTION bandit_internal.base_type(type oid) RETURNS oid
LANGUAGE sql STABLE
BEGIN ATOMIC
	WITH RECURSIVE chain AS (
		SELECT t.oid, t.typtype, t.typbasetype
		FROM pg_catalog.pg_type t WHERE t.oid = base_type.type
		UNION ALL
		SELECT t.oid, t.typtype, t.typbasetype
		FROM chain c JOIN pg_catalog.pg_type t ON t.oid = c.typbasetype
		WHERE c.typtype = 'd'
	)
	SELECT c.oid FROM chain c WHERE c.typtype <> 'd';
END;

COMMENT ON FUNCTION bandit_internal.base_type(oid) IS
'The type that a domain is made of, over any number of domains; any other type is its own.';

CREATE FUNCTION bandit_internal.column_types(use text) RETURNS regtype[]
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
	SELECT CASE use
		WHEN 'value' THEN
			'{smallint,integer,bigint,real,double precision,numeric}'::regtype[]
		WHEN 'time' THEN
			'{timestamptz,timestamp,date,integer,bigint}'::regtype[]
		WHEN 'title' THEN '{text,varchar}'::regtype[]
		WHEN 'attributes' THEN '{text[],varchar[],text,varchar}'::regtype[]
		ELSE '{smallint,integer,bigint,uuid,text,varchar}'::regtype[]
	END;
END;

COMMENT ON FUNCTION bandit_internal.column_types(text) IS
'The types that a column of that use may have, domains over them included. Uses: user, item, value, time, key, title, attributes. A time that is a number is Unix seconds.';

CREATE FUNCTION bandit_internal.column_names(use text) RETURNS text[]
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
	SELECT CASE use
		WHEN 'user' THEN '{userid,user,uid,customerid,customer,memberid,member,
			accountid,account,visitorid,visitor,viewerid,viewer,readerid,reader,
			listenerid,listener,playerid,player,personid,person}'::text[]
		WHEN 'item' THEN '{itemid,item,movieid,movie,filmid,film,videoid,video,
			showid,show,productid,product,sku,articleid,article,newsid,postid,
			storyid,bookid,book,isbn,songid,song,trackid,track,albumid,album,
			artistid,artist,gameid,game,courseid,course,recipeid,recipe,
			documentid,document,contentid,listingid,placeid}'::text[]
		WHEN 'value' THEN '{rating,score,stars,value,grade,strength,preference,
			plays,playcount,listens}'::text[]
		WHEN 'time' THEN '{timestamp,time,ts,datetime,date,unixtime,epoch,
			at,createdat,created,ratedat,occurredat,happenedat,recordedat,addedat,
			watchedat,clickedat,boughtat,purchasedat,readat,playedat,
			eventtime,createdtime,ratingtime}'::text[]
		WHEN 'key' THEN '{id,key}'::text[]
		WHEN 'title' THEN '{title,name,label,headline,itemname,itemtitle,
			productname,movietitle,booktitle}'::text[]
		WHEN 'attributes' THEN '{genres,genre,tags,categories,category,
			attributes,topics,keywords,labels}'::text[]
	END;
END;

COMMENT ON FUNCTION bandit_internal.column_names(text) IS
'The names by which a column of that use is recognised, in lower case and without underscores, as bandit_internal.plain_name makes them.';

CREATE FUNCTION bandit_internal.plain_name(name text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT lower(replace(name, '_', '') COLLATE "C");
END;

COMMENT ON FUNCTION bandit_internal.plain_name(text) IS
'A column''s name as it is compared: userId, user_id and USERID are all userid.';

CREATE FUNCTION bandit_internal.fitting_columns(source regclass, use text)
RETURNS TABLE (place int, name text, type text, base regtype)
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT a.attnum::int, a.attname::text,
		format_type(a.atttypid, a.atttypmod), b.base::regtype
	FROM pg_catalog.pg_attribute a,
		LATERAL bandit_internal.base_type(a.atttypid) AS b (base)
	WHERE a.attrelid = fitting_columns.source AND a.attnum > 0
		AND NOT a.attisdropped
		AND b.base = ANY (bandit_internal.column_types(fitting_columns.use))
	ORDER BY a.attnum;
END;

COMMENT ON FUNCTION bandit_internal.fitting_columns(regclass, text) IS
'The columns of a table whose type suits a use, in the table''s order.';

CREATE FUNCTION bandit_internal.fitting_list(source regclass, use text,
	among text[] DEFAULT NULL)
RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT string_agg(format('%I (%s)', f.name, f.type), ', '
					  ORDER BY f.place)
	FROM bandit_internal.fitting_columns(fitting_list.source, fitting_list.use) f
	WHERE fitting_list.among IS NULL OR f.name = ANY (fitting_list.among);
END;

COMMENT ON FUNCTION bandit_internal.fitting_list(regclass, text, text[]) IS
'bandit_internal.fitting_columns as one line for a message, or those of them that are named; NULL when there are none.';

CREATE FUNCTION bandit_internal.check_relation(parameter text, source regclass,
	kinds text)
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	kind "char";
	persistence "char";
BEGIN
	IF source IS NULL THEN
		RAISE EXCEPTION '% must not be null', parameter
			USING ERRCODE = 'null_value_not_allowed';
	END IF;
	SELECT c.relkind, c.relpersistence INTO kind, persistence
	FROM pg_class c WHERE c.oid = source;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'relation with OID % does not exist', source::oid
			USING ERRCODE = 'undefined_table';
	ELSIF strpos(kinds, kind::text) = 0 THEN
		RAISE EXCEPTION '% cannot be used as %', source, parameter
			USING ERRCODE = 'wrong_object_type',
				DETAIL = format('It is %s.', CASE kind
					WHEN 'v' THEN 'a view' WHEN 'm' THEN 'a materialized view'
					WHEN 'f' THEN 'a foreign table' WHEN 'i' THEN 'an index'
					WHEN 'S' THEN 'a sequence' ELSE 'not a table' END),
				HINT = CASE WHEN strpos(kinds, 'v') = 0
					THEN 'Only tables of this database tell what happens to their rows.'
					ELSE 'It must be a table or a view.' END;
	ELSIF persistence = 't' THEN
		-- other sessions could not read it, and no dump could restore it
		RAISE EXCEPTION '% cannot be used as %', source, parameter
			USING ERRCODE = 'wrong_object_type',
				DETAIL = 'It is temporary.';
	END IF;
END;
$$;

COMMENT ON FUNCTION bandit_internal.check_relation(text, regclass, text) IS
'Raises unless the relation is of one of the kinds given as letters of pg_class.relkind, and not temporary. Errors: null_value_not_allowed, undefined_table, wrong_object_type.';

CREATE FUNCTION bandit_internal.check_column(source regclass, use text, given text)
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	type text;
BEGIN
	SELECT format_type(a.atttypid, a.atttypmod) INTO type
	FROM pg_attribute a
	WHERE a.attrelid = source AND a.attname = given AND a.attnum > 0
		AND NOT a.attisdropped;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'column "%" of % does not exist', given, source
			USING ERRCODE = 'undefined_column',
				HINT = coalesce('Columns of a fitting type: '
					|| bandit_internal.fitting_list(source, use) || '.',
					'The table has no column of a fitting type.');
	ELSIF bandit_internal.fitting_list(source, use, ARRAY[given]) IS NULL THEN
		RAISE EXCEPTION 'column "%" of % cannot be the % column', given, source, use
			USING ERRCODE = 'datatype_mismatch',
				DETAIL = format('Its type is %s.', type),
				HINT = format('The type must be one of %s.',
					array_to_string(bandit_internal.column_types(use), ', '));
	END IF;
END;
$$;

COMMENT ON FUNCTION bandit_internal.check_column(regclass, text, text) IS
'Raises unless the table has that column, of a type that suits the use. Errors: undefined_column, datatype_mismatch.';

CREATE FUNCTION bandit_internal.find_column(source regclass, use text, given text,
	parameter text, also text[] DEFAULT '{}', required boolean DEFAULT false)
RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	found text[];
BEGIN
	IF given = '' AND NOT required THEN
		RETURN NULL;
	ELSIF given IS NOT NULL THEN
		PERFORM bandit_internal.check_column(source, use, given);
		RETURN given;
	END IF;

	-- a number called date is more likely 20260131 than Unix seconds
	SELECT array_agg(f.name) INTO found
	FROM bandit_internal.fitting_columns(source, use) f
	WHERE (bandit_internal.plain_name(f.name) = ANY (bandit_internal.column_names(use))
		   OR bandit_internal.plain_name(f.name) = ANY (also))
		AND NOT (use = 'time' AND f.base = ANY ('{integer,bigint}'::regtype[])
				 AND bandit_internal.plain_name(f.name) = 'date');

	IF cardinality(found) > 1 THEN
		RAISE EXCEPTION 'more than one column of % could be the % column', source, use
			USING ERRCODE = 'ambiguous_column',
				DETAIL = format('Candidates: %s.',
					bandit_internal.fitting_list(source, use, found)),
				HINT = format('Say which one is meant, with %s => ''%s''%s.',
					parameter, found[1],
					CASE WHEN required THEN '' ELSE ', or '''' for none' END);
	ELSIF found IS NULL AND required THEN
		RAISE EXCEPTION 'no column of % looks like the % column', source, use
			USING ERRCODE = 'undefined_column',
				DETAIL = coalesce('Columns of a fitting type: '
					|| bandit_internal.fitting_list(source, use) || '.',
					format('It has no column of one of the types %s.',
						array_to_string(bandit_internal.column_types(use), ', '))),
				HINT = format('Name it with %s => ''...''.', parameter);
	END IF;
	RETURN found[1];
END;
$$;

COMMENT ON FUNCTION bandit_internal.find_column(regclass, text, text, text, text[], boolean) IS
'The column of a table for a use: the given one, checked, or else the only one that is recognised by name and type. "also" adds names to bandit_internal.column_names; "parameter" is what the hint tells the caller to set. An empty name stands for none where none is required. Returns NULL when there is none and none is required. Errors: ambiguous_column, undefined_column, datatype_mismatch.';

CREATE FUNCTION bandit_internal.item_names(items regclass) RETURNS text[]
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT ARRAY[one.word, one.word || 'id', plain.word || 'id']
	FROM pg_catalog.pg_class c,
		LATERAL bandit_internal.plain_name(c.relname::text) AS plain (word),
		LATERAL rtrim(plain.word, 's') AS one (word)
	WHERE c.oid = item_names.items;
END;

COMMENT ON FUNCTION bandit_internal.item_names(regclass) IS
'Names of columns that would point at a row of that table: for wines they are wine, wineid and winesid.';

CREATE FUNCTION bandit_internal.foreign_keys(source regclass, target regclass)
RETURNS TABLE (source_column text, target_column text)
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT DISTINCT s.attname::text, t.attname::text
	FROM pg_catalog.pg_constraint c
	JOIN pg_catalog.pg_attribute s
		ON s.attrelid = c.conrelid AND s.attnum = c.conkey[1]
	JOIN pg_catalog.pg_attribute t
		ON t.attrelid = c.confrelid AND t.attnum = c.confkey[1]
	WHERE c.contype = 'f' AND c.conrelid = foreign_keys.source
		AND c.confrelid = foreign_keys.target AND cardinality(c.conkey) = 1;
END;

COMMENT ON FUNCTION bandit_internal.foreign_keys(regclass, regclass) IS
'The columns of one table that point at a column of another by a foreign key of one column.';

CREATE FUNCTION bandit_internal.primary_key(source regclass) RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT f.name
	FROM pg_catalog.pg_index i
	JOIN bandit_internal.fitting_columns(primary_key.source, 'key') f
		ON f.place = i.indkey[0]
	WHERE i.indrelid = primary_key.source AND i.indisprimary
		AND i.indnkeyatts = 1;
END;

COMMENT ON FUNCTION bandit_internal.primary_key(regclass) IS
'The primary key of a table if it is one column whose type suits a key; else NULL.';

CREATE FUNCTION bandit_internal.key_type(source regclass, name text) RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT CASE WHEN f.base = ANY ('{smallint,integer,bigint}'::regtype[])
		THEN 'bigint' ELSE 'text' END
	FROM bandit_internal.fitting_columns(key_type.source, 'key') f
	WHERE f.name = key_type.name;
END;

COMMENT ON FUNCTION bandit_internal.key_type(regclass, text) IS
'How a column''s keys are treated: bigint for smallint, integer and bigint; text for uuid, text and varchar.';
