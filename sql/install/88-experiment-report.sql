-- What an experiment says: each side by each measure, and the verdict.
--
-- Users were randomised, so users are the unit: a rate is a ratio of sums over
-- users, and its variance that of the jackknife over users (Efron 1982),
-- because the items shown to one user are alike.

CREATE FUNCTION bandit_internal.catalogue(name text, OUT item_id bigint,
	OUT head boolean, OUT attributes int[])
RETURNS SETOF record
LANGUAGE c STABLE STRICT PARALLEL RESTRICTED ROWS 10000
AS 'MODULE_PATHNAME', 'bandit_catalogue';
COMMENT ON FUNCTION bandit_internal.catalogue(text) IS
'The items of a recommender as of the last training: the number that stands for each in bandit.decisions, whether it is in the popular head, and its attributes, numbered from 0 without gaps. Errors: undefined_object, wrong_object_type for a bandit that is no recommender.';

CREATE FUNCTION bandit_internal.treats(experiment uuid, allocation float8, subject text)
RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT ((bandit.key_id(experiment || '/' || subject) >> 11) & 9007199254740991)::float8
		/ 9007199254740992 < allocation;
END;
COMMENT ON FUNCTION bandit_internal.treats(uuid, float8, text) IS
'Whether a user is on the bandit''s side at that allocation, as bandit.experiment_side has it; also for experiments that have ended.';

CREATE FUNCTION bandit_internal.newest_period(name text)
RETURNS bandit.experiments
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	found_period bandit.experiments;
BEGIN
	PERFORM bandit_internal.require_bandit(newest_period.name);
	SELECT * INTO found_period FROM bandit.experiments e
	WHERE e.bandit = newest_period.name ORDER BY e.began_at DESC, e.period DESC LIMIT 1;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'bandit "%" has had no experiment', newest_period.name
			USING ERRCODE = 'object_not_in_prerequisite_state',
				HINT = 'bandit.start_experiment starts one.';
	END IF;
	RETURN found_period;
END;
$$;
COMMENT ON FUNCTION bandit_internal.newest_period(text) IS
'The newest period of the newest experiment of a bandit. Errors: undefined_object; object_not_in_prerequisite_state without one.';

CREATE FUNCTION bandit_internal.experiment_end(period bandit.experiments,
	at timestamptz)
RETURNS timestamptz
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT least((period).ended_at, at - b.attribution_window)
	FROM bandit.bandits b WHERE b.name = (period).bandit;
END;
COMMENT ON FUNCTION bandit_internal.experiment_end(bandit.experiments, timestamptz) IS
'Up to when a period''s decisions count: those whose attribution window had passed at that time.';

CREATE FUNCTION bandit_internal.experiment_decisions(period bandit.experiments,
	until timestamptz, OUT decision_id uuid, OUT variant text, OUT subject text,
	OUT items bigint[])
RETURNS SETOF record
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT d.decision_id, d.variant, d.subject, d.items
	FROM (
		SELECT x.decision_id, x.variant, x.subject, x.items,
			bool_or((x.variant = 'treatment') <> bandit_internal.treats(
				(period).experiment, (period).allocation, x.subject))
				OVER (PARTITION BY x.subject) AS forced
		FROM bandit.decisions x
		WHERE x.bandit = (period).bandit AND x.subject IS NOT NULL
			AND x.variant <> 'shadow'
			AND x.items IS NOT NULL
			AND x.decision_id >= bandit.first_decision_id((period).began_at)
			AND x.decision_id < bandit.first_decision_id(until)
	) AS d
	WHERE NOT d.forced;
END;
COMMENT ON FUNCTION bandit_internal.experiment_decisions(bandit.experiments, timestamptz) IS
'The decisions of a period that count, made before "until": lists for known users, without any user who was served against his side (use_bandit) in it.';

CREATE FUNCTION bandit_internal.experiment_subjects(period bandit.experiments,
	at timestamptz,
	OUT variant text, OUT subject text, OUT lists float8, OUT items float8,
	OUT reward float8, OUT clicked float8, OUT ratings float8, OUT stars float8,
	OUT thumbs float8, OUT thumbs_up float8, OUT known float8, OUT tail float8)
RETURNS SETOF record
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	WITH served AS MATERIALIZED (
		SELECT * FROM bandit_internal.experiment_decisions(period,
			bandit_internal.experiment_end(period, at))
	), answered AS (
		SELECT s.variant, s.subject,
			bandit_internal.combined(b.combine, array_agg(f.reward ORDER BY
				bandit_internal.response_order(b.combine, f.priority, f.reward, f.received_at, f.changed_at) DESC, f.kind)) AS reward,
			bool_or(f.kind = 'click') AS clicked,
			max(f.value) FILTER (WHERE f.kind = 'rating' AND f.value BETWEEN -1e12 AND 1e12) AS stars,
			(array_agg(f.kind = 'thumbs_up' ORDER BY coalesce(f.changed_at, f.received_at) DESC, f.kind)
				FILTER (WHERE f.kind IN ('thumbs_up', 'thumbs_down')))[1] AS up,
			bool_or(f.kind IN ('thumbs_up', 'thumbs_down')) AS thumb
		FROM served s
		JOIN bandit.feedback f USING (decision_id)
		JOIN bandit.bandits b ON b.name = f.bandit
		WHERE f.bandit = (period).bandit AND f.item_id IS NOT NULL
			AND NOT f.retracted AND f.kind NOT IN ('silence', 'correction')
		GROUP BY s.variant, s.subject, s.decision_id, f.item_id, b.combine
	), responses AS (
		SELECT a.variant, a.subject, sum(a.reward) AS reward,
			count(*) FILTER (WHERE a.clicked) AS clicked,
			count(a.stars) AS ratings, sum(a.stars) AS stars,
			count(*) FILTER (WHERE a.thumb) AS thumbs,
			count(*) FILTER (WHERE a.up) AS thumbs_up
		FROM answered a GROUP BY a.variant, a.subject
	), shown AS (
		SELECT s.variant, s.subject, count(DISTINCT s.decision_id) AS lists,
			count(i.item) AS items, count(c.item_id) AS known,
			count(*) FILTER (WHERE NOT c.head) AS tail
		FROM served s
		LEFT JOIN LATERAL unnest(s.items) AS i (item) ON true
		LEFT JOIN bandit_internal.catalogue((period).bandit) c ON c.item_id = i.item
		GROUP BY s.variant, s.subject
	)
	SELECT s.variant, s.subject, s.lists, s.items, coalesce(r.reward, 0),
		coalesce(r.clicked, 0), coalesce(r.ratings, 0), coalesce(r.stars, 0),
		coalesce(r.thumbs, 0), coalesce(r.thumbs_up, 0), s.known, s.tail
	FROM shown s LEFT JOIN responses r USING (variant, subject);
END;
COMMENT ON FUNCTION bandit_internal.experiment_subjects(bandit.experiments, timestamptz) IS
'Per user of a period: lists and items shown by decisions that have matured, and what came of them; reward is what an item''s responses are worth together (bandits.combine), summed; known and tail count the items that the catalogue knows and those outside its head.';

CREATE FUNCTION bandit_internal.experiment_rates(period bandit.experiments,
	at timestamptz,
	OUT place int, OUT metric text, OUT is_share boolean, OUT variant text,
	OUT users bigint, OUT y float8, OUT n float8, OUT rate float8,
	OUT variance float8, OUT design_effect float8)
RETURNS SETOF record
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	WITH each AS (
		SELECT m.place, m.metric, m.is_share, s.variant, m.y, m.n,
			sum(m.y) OVER side / sum(m.n) OVER side AS rate, sum(m.n) OVER side AS all_n
		FROM bandit_internal.experiment_subjects(period, at) s
		CROSS JOIN LATERAL (VALUES
			(1, 'reward', true, s.reward, s.items),
			(2, 'ctr', true, s.clicked, s.items),
			(3, 'mean rating', false, s.stars, s.ratings),
			(4, 'thumbs-up rate', true, s.thumbs_up, s.thumbs),
			(5, 'long-tail rate', true, s.tail, s.known)
		) AS m (place, metric, is_share, y, n)
		WHERE m.n > 0
		WINDOW side AS (PARTITION BY m.place, s.variant)
	), pooled AS (
		SELECT e.place, e.metric, e.is_share, e.variant, count(*) AS users,
			sum(e.y) AS y, sum(e.n) AS n, e.rate,
			sum(((e.y - e.rate * e.n) / nullif(e.all_n - e.n, 0)) ^ 2)
				* (count(*) - 1) / count(*) AS variance
		FROM each e GROUP BY e.place, e.metric, e.is_share, e.variant, e.rate
	)
	SELECT p.place, p.metric, p.is_share, p.variant, p.users, p.y, p.n, p.rate,
		p.variance, CASE WHEN p.is_share THEN greatest(1, coalesce(
			p.variance / nullif(p.rate * (1 - p.rate) / p.n, 0), p.n / p.users)) END
	FROM pooled p;
END;
COMMENT ON FUNCTION bandit_internal.experiment_rates(bandit.experiments, timestamptz) IS
'Per measure and side: users, rate = sum of y / sum of n over users, its variance by the jackknife (a user left out, each in turn; Efron 1982), which is that of the delta method where all have as many items, and does not trust one who has most of them; NULL for one user; and the design effect of a share: variance over that of as many independent trials, at least 1; where there is one user, or nothing or everything was a success, n / users, for then each user is as good as one trial.';

CREATE FUNCTION bandit_internal.cautious_variance(users bigint, n float8, rate float8,
	variance float8, design_effect float8, other_effect float8)
RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT CASE WHEN rate BETWEEN 0 AND 1 AND design_effect IS NOT NULL THEN
		greatest(variance * users, users * (variance * users * (users - 1)
			+ 2 * (rate ^ 2 + (1 - rate) ^ 2) * least(1, e.effect * users / n) ^ 2)
			/ ((users + 3.0::float8) * (users + 4)))
		ELSE variance * users END
	FROM (SELECT CASE WHEN variance > 0 THEN design_effect
		ELSE least(design_effect, other_effect) END) AS e (effect);
END;
COMMENT ON FUNCTION bandit_internal.cautious_variance(bigint, float8, float8, float8, float8, float8) IS
'The variance of one user of a side, for bandit.confidence_sequence_difference: that of a share as if two more successes and two more failures had been seen (Agresti and Coull 1998), each worth as many items as the design effect says, of the other side where this one does not vary. Never less than without them. Without them a small side that has been rewarded once or never looks certain. A mean of any other kind (design_effect null) has users * variance.';

CREATE FUNCTION bandit_internal.entropy(weights float8[], categories int)
RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT CASE WHEN sum(w) > 0 THEN
		CASE WHEN categories > 1 THEN
			(ln(sum(w)) - coalesce(sum(w * ln(w)) FILTER (WHERE w > 0), 0) / sum(w))
				/ ln(categories)
		ELSE 0 END END
	FROM unnest(weights) w;
END;
COMMENT ON FUNCTION bandit_internal.entropy(float8[], int) IS
'Shannon entropy of shares, over that of as many categories used alike: 0 for one category, 1 for all alike. weights need not sum to 1; NULL for none; 0 where there is but one category.';

CREATE FUNCTION bandit_internal.experiment_diversity(period bandit.experiments,
	at timestamptz,
	OUT variant text, OUT users bigint, OUT value float8, OUT lower float8,
	OUT upper float8)
RETURNS SETOF record
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	WITH catalogue AS MATERIALIZED (
		SELECT * FROM bandit_internal.catalogue((period).bandit)
	), categories AS (
		SELECT max(a)::int + 1 AS n FROM catalogue c, unnest(c.attributes) a
	), served AS MATERIALIZED (
		SELECT d.variant, d.subject, i.item,
			abs(bandit.key_id(d.subject) % 20) AS part
		FROM bandit_internal.experiment_decisions(period,
			bandit_internal.experiment_end(period, at)) d,
			unnest(d.items) AS i (item)
	), weights AS (
		SELECT s.variant, s.part, a.attribute,
			sum(1.0::float8 / cardinality(c.attributes)) AS weight
		FROM served s
		JOIN catalogue c ON c.item_id = s.item
		CROSS JOIN LATERAL unnest(c.attributes) AS a (attribute)
		GROUP BY s.variant, s.part, a.attribute
	), sums AS (
		SELECT w.variant, w.attribute, sum(w.weight) AS weight
		FROM weights w GROUP BY w.variant, w.attribute
	), parts AS (
		-- all but one of the parts, each in turn
		SELECT p.variant, p.part, bandit_internal.entropy(
			array_agg(greatest(s.weight - coalesce(w.weight, 0), 0)),
			(SELECT n FROM categories)) AS value
		FROM (SELECT DISTINCT w.variant, w.part FROM weights w) AS p
		JOIN sums s ON s.variant = p.variant
		LEFT JOIN weights w ON w.variant = p.variant AND w.part = p.part
			AND w.attribute = s.attribute
		GROUP BY p.variant, p.part
	), errors AS (
		SELECT p.variant, CASE WHEN count(*) = 20 THEN
			2.093 * sqrt(19.0 / 20 * 19 * var_samp(p.value)) END AS error
		FROM parts p GROUP BY p.variant
	), whole AS (
		SELECT s.variant, bandit_internal.entropy(array_agg(s.weight),
			(SELECT n FROM categories)) AS value
		FROM sums s GROUP BY s.variant
	)
	SELECT w.variant, (SELECT count(DISTINCT s.subject) FROM served s
		WHERE s.variant = w.variant), w.value, CASE WHEN e.error >= 0 THEN greatest(w.value - e.error, 0) END,
		CASE WHEN e.error >= 0 THEN least(w.value + e.error, 1) END
	FROM whole w JOIN errors e USING (variant);
END;
COMMENT ON FUNCTION bandit_internal.experiment_diversity(bandit.experiments, timestamptz) IS
'Per side: the normalised entropy of the attributes of the items shown, an item spreading 1 over its attributes, with a 95 % interval by the jackknife over 20 parts of the users (Efron 1982; 2.093 is Student''s quantile for 19 degrees), NULL where a part has nobody. No rows where items have no attributes.';

CREATE FUNCTION bandit_internal.experiment_srm(name text, at timestamptz)
RETURNS float8
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT least(1, exp(-coalesce(sum(t.log_bayes_factor), 0)))
	FROM bandit.experiments e
	CROSS JOIN LATERAL (
		SELECT count(DISTINCT d.subject) FILTER (WHERE d.variant = 'treatment') AS treated,
			count(DISTINCT d.subject) FILTER (WHERE d.variant = 'control') AS others
		FROM bandit_internal.experiment_decisions(e, coalesce(e.ended_at, at)) d
	) AS c
	CROSS JOIN LATERAL bandit.srm_test(ARRAY[c.treated, c.others],
		ARRAY[e.allocation, 1 - e.allocation]) AS t
	WHERE e.allocation > 0 AND e.allocation < 1
		AND e.bandit = experiment_srm.name
		AND e.experiment = (bandit_internal.newest_period(experiment_srm.name)).experiment;
END;
COMMENT ON FUNCTION bandit_internal.experiment_srm(text, timestamptz) IS
'How far the users who came are from the allocation in force when they came, over all periods of the newest experiment: an always-valid p-value, 1 / the product of the periods'' Bayes factors, at most 1 (Lindon and Malek 2022). Below 0.001 the split is broken, and nothing else of the report may be believed.';

CREATE FUNCTION bandit.experiment_report(name text,
	at timestamptz DEFAULT now(), OUT metric text,
	OUT variant text, OUT value float8, OUT lower float8, OUT upper float8,
	OUT users bigint, OUT note text)
RETURNS SETOF record
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
BEGIN ATOMIC
	WITH period AS MATERIALIZED (
		SELECT bandit_internal.newest_period(experiment_report.name) AS p
	), rates AS MATERIALIZED (
		SELECT r.* FROM period, bandit_internal.experiment_rates(p, experiment_report.at) r
	), sides AS (
		SELECT r.place, r.metric, r.variant, r.rate AS value,
			CASE WHEN r.is_share THEN w.lower ELSE r.rate - 1.96 * sqrt(r.variance) END AS lower,
			CASE WHEN r.is_share THEN w.upper ELSE r.rate + 1.96 * sqrt(r.variance) END AS upper,
			r.users
		FROM rates r
		LEFT JOIN LATERAL bandit.wilson_interval(r.y / r.design_effect,
			r.n / r.design_effect) w ON r.variance IS NOT NULL
				AND r.y >= 0 AND r.y <= r.n
		UNION ALL
		SELECT 6, 'diversity', d.variant, d.value, d.lower, d.upper, d.users
		FROM period, bandit_internal.experiment_diversity(p, experiment_report.at) d
	), all_sides AS (
		SELECT m.place, m.metric, v.variant, s.value, s.lower, s.upper,
			coalesce(s.users, 0) AS users,
			CASE WHEN s.users IS NULL THEN 'no data' END AS note
		FROM (VALUES (1, 'reward'), (2, 'ctr'), (3, 'mean rating'),
			(4, 'thumbs-up rate'), (5, 'long-tail rate'), (6, 'diversity')) AS m (place, metric)
		CROSS JOIN (VALUES ('treatment'), ('control')) AS v (variant)
		LEFT JOIN sides s USING (place, metric, variant)
	), differences AS (
		SELECT t.place, t.metric, 'difference' AS variant, t.rate - c.rate AS value,
			d.lower, d.upper, t.users + c.users AS users,
			CASE WHEN d.lower IS NULL THEN 'no interval before 100 users a side'
				ELSE 'always-valid' END AS note
		FROM rates t
		JOIN rates c ON c.place = t.place AND c.variant = 'control'
		CROSS JOIN period
		LEFT JOIN LATERAL bandit.confidence_sequence_difference(
			c.users, c.rate, bandit_internal.cautious_variance(c.users, c.n, c.rate,
				c.variance, c.design_effect, t.design_effect),
			t.users, t.rate, bandit_internal.cautious_variance(t.users, t.n, t.rate,
				t.variance, t.design_effect, c.design_effect),
			0.05, (p).planned_users) AS d
			ON t.users >= 100 AND c.users >= 100
		WHERE t.variant = 'treatment'
	)
	SELECT r.metric, r.variant, round(r.value::numeric, 6)::float8,
		round(r.lower::numeric, 6)::float8, round(r.upper::numeric, 6)::float8,
		r.users, r.note
	FROM (SELECT * FROM all_sides UNION ALL SELECT * FROM differences) AS r
	ORDER BY r.place, r.variant = 'difference', r.variant = 'control';
END;
COMMENT ON FUNCTION bandit.experiment_report(text, timestamptz) IS
'The newest experiment of a recommender by each measure: a row per side (treatment, control), and one of the difference, treatment minus control. reward: of an item shown, 0 to 1, what its responses are worth together, as it is learnt (bandits.combine), 0 without one or where they are neutral; ctr: share of items shown that were clicked; mean rating, of items that were rated, from -1e12 to 1e12; thumbs-up rate: share of items with a thumb whose newest thumb was up; long-tail rate: share of items shown that are outside the popular head; diversity: entropy of the attributes shown, 0 to 1. lower and upper: 95 % intervals, Wilson''s with a design effect for shares, the normal one for mean ratings, the jackknife''s for diversity; of differences always-valid ones, which may be looked at every day (bandit.confidence_sequence_difference), from 100 users a side on. users: those who have any of it; they are the unit of every interval. Counted are the decisions of the newest period, within one allocation, whose attribution window had passed at the time "at", without users who were ever served against their side. Errors: undefined_object; object_not_in_prerequisite_state when there has been no experiment.';

CREATE FUNCTION bandit.experiment_verdict(name text,
	at timestamptz DEFAULT now(), OUT verdict text, OUT rule text,
	OUT users_treatment bigint, OUT users_control bigint,
	OUT treatment float8, OUT control float8, OUT difference float8, OUT lower float8, OUT upper float8,
	OUT lift float8, OUT lift_lower float8, OUT lift_upper float8,
	OUT p_better float8, OUT loss_if_kept float8, OUT loss_if_stopped float8,
	OUT srm_p float8)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
DECLARE
	period bandit.experiments := bandit_internal.newest_period(experiment_verdict.name);
	side record;
	t record;		-- treatment
	c record;		-- control
	a float8[];
	b float8[];
BEGIN
	srm_p := bandit_internal.experiment_srm(experiment_verdict.name, experiment_verdict.at);
	users_treatment := 0;
	users_control := 0;
	FOR side IN
		SELECT r.* FROM bandit_internal.experiment_rates(period, experiment_verdict.at) r
		WHERE r.metric = 'reward'
	LOOP
		IF side.variant = 'treatment' THEN
			t := side;
			users_treatment := t.users;
		ELSE
			c := side;
			users_control := c.users;
		END IF;
	END LOOP;
	IF least(users_treatment, users_control) > 0 THEN
		treatment := t.rate;
		control := c.rate;
		difference := t.rate - c.rate;
		a := ARRAY[1 + c.y / c.design_effect, 1 + greatest(c.n - c.y, 0) / c.design_effect];
		b := ARRAY[1 + t.y / t.design_effect, 1 + greatest(t.n - t.y, 0) / t.design_effect];
		p_better := bandit.beta_beats(b[1], b[2], a[1], a[2]);
		loss_if_kept := bandit.beta_expected_loss(b[1], b[2], a[1], a[2]);
		loss_if_stopped := bandit.beta_expected_loss(a[1], a[2], b[1], b[2]);
		lift := bandit.beta_lift_quantile(0.5, a[1], a[2], b[1], b[2]);
		lift_lower := bandit.beta_lift_quantile(0.025, a[1], a[2], b[1], b[2]);
		lift_upper := bandit.beta_lift_quantile(0.975, a[1], a[2], b[1], b[2]);
	END IF;
	IF least(users_treatment, users_control) >= 100 THEN
		SELECT d.lower, d.upper INTO lower, upper
		FROM bandit.confidence_sequence_difference(
			c.users, c.rate, bandit_internal.cautious_variance(c.users, c.n, c.rate,
				c.variance, c.design_effect, t.design_effect),
			t.users, t.rate, bandit_internal.cautious_variance(t.users, t.n, t.rate,
				t.variance, t.design_effect, c.design_effect),
			0.05, period.planned_users) d;
	END IF;
	SELECT v.verdict, v.rule INTO verdict, rule FROM (VALUES
		(1, srm_p < 0.001, 'check the split',
			'more users on one side than its share allows (srm_p < 0.001); nothing else counts'),
		(2, least(users_treatment, users_control) = 0, 'no data',
			'a side has no user with a matured decision'),
		(3, least(users_treatment, users_control) < 100, 'too early',
			'fewer than 100 users on a side'),
		(4, lower > 0, 'keep', 'the always-valid interval of the difference is above 0'),
		(5, upper < 0, 'stop', 'the always-valid interval of the difference is below 0'),
		(6, true, 'too early', 'the always-valid interval of the difference holds 0, or nothing varies')
	) AS v (place, applies, verdict, rule)
	WHERE v.applies ORDER BY v.place LIMIT 1;
END;
$$;
COMMENT ON FUNCTION bandit.experiment_verdict(text, timestamptz) IS
'One row: keep, stop, too early, no data, or check the split, with the rule that made it, from the reward of bandit.experiment_report. treatment, control: reward per item; difference: the one minus the other, with its always-valid 95 % interval (lower, upper), NULL before 100 users a side. By posteriors Beta(1 + s/D, 1 + f/D), D the design effect of users: lift, the median of treatment / control - 1, with its 95 % credible interval; p_better, the probability that the treatment is better; loss_if_kept and loss_if_stopped, what either choice is expected to lose, in units of reward per item. srm_p: sample-ratio mismatch over all periods, always-valid. The credible numbers are for one look, the verdict for as many as you like. Errors as bandit.experiment_report.';
