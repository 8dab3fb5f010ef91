-- Watches: triggers on the user's own tables that learn from their rows.

CREATE FUNCTION bandit_internal.watch_triggers(source regclass, bandit text, kind text)
RETURNS TABLE (name text, inherited boolean)
LANGUAGE sql STABLE
BEGIN ATOMIC
	-- pg_trigger keeps arguments in the server's encoding, each ended by \0
	SELECT t.tgname::text, t.tgparentid <> 0
	FROM pg_catalog.pg_trigger t,
		LATERAL (SELECT
			convert_to(watch_triggers.bandit, getdatabaseencoding())
			|| E'\\x00'::bytea
			|| convert_to(watch_triggers.kind, getdatabaseencoding())
			|| E'\\x00'::bytea) AS a (opening)
	WHERE t.tgrelid = watch_triggers.source
		AND t.tgfoid = 'bandit.learn()'::regprocedure
		AND substr(t.tgargs, 1, length(a.opening)) = a.opening
	ORDER BY t.tgname;
END;

COMMENT ON FUNCTION bandit_internal.watch_triggers(regclass, text, text) IS
'Names of the triggers by which a bandit learns responses of a kind from a table, and whether a partition has them from its parent. Found by what they call, not by their names.';

CREATE FUNCTION bandit_internal.new_trigger_name(source regclass, bandit text,
	kind text, suffix text DEFAULT '')
RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	fresh text := format('bandit_%s_%s%s', new_trigger_name.kind,
						 new_trigger_name.bandit, new_trigger_name.suffix);
BEGIN
	-- names joined by _ may meet: a_b of c, and a of b_c
	IF octet_length(fresh) > 63
		OR EXISTS (SELECT FROM pg_trigger t
				   WHERE t.tgrelid = new_trigger_name.source
						AND t.tgname = fresh) THEN
		WHILE octet_length(fresh) > 54 LOOP
			fresh := left(fresh, -1);
		END LOOP;
		fresh := fresh || '_' || left(md5(concat_ws(chr(1),
			new_trigger_name.kind, new_trigger_name.bandit,
			new_trigger_name.suffix)), 8);
	END IF;
	RETURN fresh;
END;
$$;

COMMENT ON FUNCTION bandit_internal.new_trigger_name(regclass, text, text, text) IS
'A name for a trigger that watches a table: bandit_<kind>_<bandit><suffix>, cut and made unique by a hash where it would be longer than 63 bytes or taken.';

CREATE FUNCTION bandit_internal.drop_watch_triggers(bandit text, source regclass,
	kind text)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	one text;
BEGIN
	FOR one IN
		SELECT t.name FROM bandit_internal.watch_triggers(drop_watch_triggers.source,
			drop_watch_triggers.bandit, drop_watch_triggers.kind) t
		WHERE NOT t.inherited
	LOOP
		EXECUTE format('DROP TRIGGER %I ON %s', one, drop_watch_triggers.source);
	END LOOP;
END;
$$;

COMMENT ON FUNCTION bandit_internal.drop_watch_triggers(text, regclass, text) IS
'Drops the triggers of a watch; triggers or a table that are gone already are no error. Errors: insufficient_privilege unless the caller owns the table.';

CREATE FUNCTION bandit_internal.create_watch_triggers(w bandit.watches)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	plain boolean;
	call text := format('FOR EACH ROW EXECUTE FUNCTION bandit.learn(%L, %L, %L, %L, %L)',
		w.bandit, w.kind, w.user_column, w.item_column,
		coalesce(w.value_column, ''));
BEGIN
	-- where a row trigger may see all rows of its statement, it reads ahead
	SELECT c.relkind = 'r' AND NOT c.relispartition
		AND NOT EXISTS (SELECT FROM pg_inherits i WHERE i.inhrelid = c.oid)
	INTO plain FROM pg_class c WHERE c.oid = w.source;
	IF plain THEN
		EXECUTE format('CREATE TRIGGER %I AFTER INSERT ON %s'
			' REFERENCING NEW TABLE AS bandit_new_rows %s',
			bandit_internal.new_trigger_name(w.source, w.bandit, w.kind), w.source,
			call);
		EXECUTE format('CREATE TRIGGER %I AFTER UPDATE OR DELETE ON %s %s',
			bandit_internal.new_trigger_name(w.source, w.bandit, w.kind, '_changed'),
			w.source, call);
	ELSE
		EXECUTE format('CREATE TRIGGER %I AFTER INSERT OR UPDATE OR DELETE ON %s %s',
			bandit_internal.new_trigger_name(w.source, w.bandit, w.kind), w.source,
			call);
	END IF;
END;
$$;

COMMENT ON FUNCTION bandit_internal.create_watch_triggers(bandit.watches) IS
'Makes the triggers of a watch. An ordinary table gets two, one of them with a transition table, in which bulk loads are looked at together; a partition, a partitioned table and an inheritance child, which may not have such a trigger, get one.';

CREATE FUNCTION bandit_internal.require_rule(bandit text, kind text)
RETURNS bandit.outcome_rules
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	rule bandit.outcome_rules;
BEGIN
	PERFORM bandit_internal.check_name('kind', require_rule.kind);
	SELECT o.* INTO rule FROM bandit.outcome_rules o
	WHERE o.bandit = require_rule.bandit AND o.kind = require_rule.kind;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'bandit "%" has no outcome rule for "%"', require_rule.bandit, require_rule.kind
			USING ERRCODE = 'undefined_object',
				HINT = format('Say what such a response means, for example: INSERT INTO bandit.outcome_rules (bandit, kind, outcome) VALUES (%L, %L, ''success'').',
					require_rule.bandit, require_rule.kind);
	END IF;
	RETURN rule;
END;
$$;

COMMENT ON FUNCTION bandit_internal.require_rule(text, text) IS
'The outcome rule of a bandit for a kind of response. Errors: undefined_object when there is none; null_value_not_allowed.';

CREATE FUNCTION bandit_internal.same_column(source regclass, use text, name text)
RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT f.name
	FROM bandit_internal.fitting_columns(same_column.source, same_column.use) f
	WHERE f.name = same_column.name;
END;

COMMENT ON FUNCTION bandit_internal.same_column(regclass, text, text) IS
'The name, if the table has a column of that name whose type suits the use; else NULL.';

CREATE FUNCTION bandit_internal.find_watch_columns(wanted bandit.watches)
RETURNS bandit.watches
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	r bandit.recommenders;
	rule bandit.outcome_rules;
	keys record;
BEGIN
	SELECT o.* INTO r FROM bandit.recommenders o
	WHERE o.bandit = wanted.bandit;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'bandit "%" is not a recommender', wanted.bandit
			USING ERRCODE = 'wrong_object_type',
				HINT = 'A row leads to its decision by user and item. For any other bandit call bandit.reward with the decision_id.';
	END IF;
	rule := bandit_internal.require_rule(wanted.bandit, wanted.kind);

	-- a column named as in the ratings means the same, then a foreign key
	SELECT min(k.source_column) AS item INTO keys
	FROM bandit_internal.foreign_keys(wanted.source, r.items) k HAVING count(*) = 1;
	wanted.user_column := bandit_internal.find_column(wanted.source, 'user',
		coalesce(wanted.user_column,
				 bandit_internal.same_column(wanted.source, 'user', r.user_column)),
		'user_column', required => true);
	wanted.item_column := bandit_internal.find_column(wanted.source, 'item',
		coalesce(wanted.item_column,
				 bandit_internal.same_column(wanted.source, 'item', r.item_column),
				 keys.item),
		'item_column', bandit_internal.item_names(r.items), true);
	IF rule.outcome IS NULL THEN
		wanted.value_column := bandit_internal.find_column(wanted.source, 'value',
			coalesce(wanted.value_column,
					 bandit_internal.same_column(wanted.source, 'value', r.value_column)),
			'value_column', ARRAY[bandit_internal.plain_name(wanted.kind)], true);
	ELSE
		-- what such a rule says does not depend on a value
		wanted.value_column := bandit_internal.find_column(wanted.source, 'value',
			coalesce(wanted.value_column, ''), 'value_column');
	END IF;

	PERFORM bandit_internal.check_key_type(wanted.source, c, r.key_type)
	FROM unnest(ARRAY[wanted.user_column, wanted.item_column]) AS c;
	RETURN wanted;
END;
$$;

COMMENT ON FUNCTION bandit_internal.find_watch_columns(bandit.watches) IS
'A watch''s row with every column that was not named found: by the recommender''s own names, by a foreign key to its items, by name and type. Errors: wrong_object_type for a bandit that is no recommender, undefined_object without an outcome rule, and those of bandit_internal.find_column and bandit_internal.check_key_type.';

CREATE FUNCTION bandit.watch(name text, source regclass, kind text,
	user_column text DEFAULT NULL, item_column text DEFAULT NULL,
	value_column text DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	w bandit.watches;
BEGIN
	PERFORM bandit_internal.lock_bandit(watch.name);
	PERFORM bandit_internal.check_relation('source', watch.source, 'rp');
	w.bandit := watch.name;
	w.source := watch.source;
	w.kind := watch.kind;
	w.user_column := watch.user_column;
	w.item_column := watch.item_column;
	w.value_column := watch.value_column;
	w := bandit_internal.find_watch_columns(w);

	INSERT INTO bandit.watches SELECT w.* ON CONFLICT DO NOTHING;
	IF NOT FOUND OR EXISTS (SELECT
		FROM bandit_internal.watch_triggers(w.source, w.bandit, w.kind) t
		WHERE t.inherited)
	THEN
		RAISE EXCEPTION 'bandit "%" already learns "%" from %', w.bandit, w.kind, w.source
			USING ERRCODE = 'duplicate_object',
				HINT = 'To change the columns call bandit.unwatch first.';
	END IF;
	-- those that a bandit of that name left behind when it was dropped
	PERFORM bandit_internal.drop_watch_triggers(w.bandit, w.source, w.kind);
	PERFORM bandit_internal.create_watch_triggers(w);
	RAISE NOTICE 'bandit "%" learns "%" from % (%)', w.bandit, w.kind,
		w.source, concat_ws(', ', format('user %I', w.user_column),
			format('item %I', w.item_column),
			format('value %s', coalesce(quote_ident(w.value_column), 'none')));
END;
$$;

COMMENT ON FUNCTION bandit.watch(text, regclass, text, text, text, text) IS
'Makes a recommender learn from the rows of a table: a row inserted, changed or deleted there is a response of that kind learnt, changed or un-learned. Installs row triggers, so it takes the right to do so, and says in a notice which columns it reads. A bulk load is looked at in pieces, not row by row; an ordinary table''s trigger on INSERT has a transition table for that, so the table can become a partition or an inheritance child only after bandit.unwatch; watch the parent then. TRUNCATE teaches nothing and takes nothing back. Columns that are not named are found as bandit.create_recommender does, and first of all by the names that the ratings have. kind: one that has a row in bandit.outcome_rules; value_column is needed, and looked for, only where that rule looks at values.
Errors: undefined_object, duplicate_object, wrong_object_type (not a table of this database, or no recommender), ambiguous_column, undefined_column, datatype_mismatch, insufficient_privilege.';

CREATE FUNCTION bandit.unwatch(name text, source regclass,
	kind text DEFAULT NULL)
RETURNS int
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	one text;
	removed int := 0;
BEGIN
	PERFORM bandit_internal.lock_bandit(unwatch.name);
	FOR one IN
		DELETE FROM bandit.watches w
		WHERE w.bandit = unwatch.name AND w.source = unwatch.source
			AND (unwatch.kind IS NULL OR w.kind = unwatch.kind)
		RETURNING w.kind
	LOOP
		PERFORM bandit_internal.drop_watch_triggers(unwatch.name, unwatch.source, one);
		removed := removed + 1;
	END LOOP;
	RETURN removed;
END;
$$;

COMMENT ON FUNCTION bandit.unwatch(text, regclass, text) IS
'Stops learning from a table, for one kind of response or for all, and drops the triggers. A table that is not watched teaches nothing, even where a trigger stayed behind. Returns the number of watches removed, 0 when there were none. What was learnt stays. Errors: undefined_object, insufficient_privilege.';
