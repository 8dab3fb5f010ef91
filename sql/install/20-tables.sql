-- The data model.  Names are keys, so that they mean the same on every node
-- and every row reads by itself.  The bandit comes first in every key.

CREATE TABLE bandit.bandits (
	name text COLLATE "C" PRIMARY KEY
		CHECK (pg_catalog.octet_length(name) BETWEEN 1 AND 63),
	features text[] COLLATE "C" NOT NULL DEFAULT '{}'
		CHECK (pg_catalog.array_position(features, NULL) IS NULL),
	prior_alpha float8 NOT NULL DEFAULT 1
		CHECK (prior_alpha > 0 AND prior_alpha < 'Infinity'),
	prior_beta float8 NOT NULL DEFAULT 1
		CHECK (prior_beta > 0 AND prior_beta < 'Infinity'),
	policy text NOT NULL DEFAULT 'thompson'
		CHECK (policy IN ('thompson', 'top_two', 'greedy', 'epsilon_greedy',
						  'ucb1', 'bayes_ucb', 'uniform')),
	epsilon float8 NOT NULL DEFAULT 0.1 CHECK (epsilon BETWEEN 0 AND 1),
	exploration_floor float8 NOT NULL DEFAULT 0
		CHECK (exploration_floor BETWEEN 0 AND 1),
	half_life interval CHECK (half_life > '0'),
	backoff_strength float8 DEFAULT 10
		CHECK (backoff_strength >= 0 AND backoff_strength < 'Infinity'),
	attribution_window interval NOT NULL DEFAULT '24 hours'
		CHECK (attribution_window > '0'),
	on_silence text NOT NULL DEFAULT 'failure'
		CHECK (on_silence IN ('failure', 'reward', 'nothing')),
	silence_reward float8 NOT NULL DEFAULT 0
		CHECK (silence_reward BETWEEN 0 AND 1),
	examination float8 NOT NULL DEFAULT 1
		CHECK (examination BETWEEN 0 AND 1),
	combine text NOT NULL DEFAULT 'priority'
		CHECK (combine IN ('priority', 'first', 'last', 'max', 'sum')),
	created_at timestamptz NOT NULL DEFAULT pg_catalog.now()
);

CREATE TABLE bandit.arms (
	bandit text COLLATE "C" NOT NULL
		REFERENCES bandit.bandits (name) ON DELETE CASCADE,
	arm text COLLATE "C" NOT NULL
		CHECK (pg_catalog.octet_length(arm) BETWEEN 1 AND 63),
	position int NOT NULL CHECK (position > 0),
	role text NOT NULL DEFAULT 'arm' CHECK (role IN ('arm', 'control')),
	enabled boolean NOT NULL DEFAULT true,
	source text,
	prior_alpha float8
		CHECK (prior_alpha > 0 AND prior_alpha < 'Infinity'),
	prior_beta float8
		CHECK (prior_beta > 0 AND prior_beta < 'Infinity'),
	exploration_floor float8 CHECK (exploration_floor BETWEEN 0 AND 1),
	options jsonb NOT NULL DEFAULT '{}',
	created_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
	PRIMARY KEY (bandit, arm),
	UNIQUE (bandit, position),
	CHECK (bandit_internal.check_options(source, options)),
	CHECK ((prior_alpha IS NULL) = (prior_beta IS NULL))
);

CREATE UNIQUE INDEX arms_one_control ON bandit.arms (bandit)
	WHERE role = 'control';

CREATE TABLE bandit.recommenders (
	bandit text COLLATE "C" PRIMARY KEY
		REFERENCES bandit.bandits (name) ON DELETE CASCADE,
	ratings regclass NOT NULL,
	user_column text NOT NULL,
	item_column text NOT NULL,
	value_column text,
	time_column text,
	items regclass,
	items_key_column text,
	title_column text,
	attributes_column text,
	vector_column text,
	attribute_separator text NOT NULL DEFAULT '|'
		CHECK (attribute_separator <> ''),
	key_type text NOT NULL CHECK (key_type IN ('bigint', 'text')),
	neutral_value float8 NOT NULL DEFAULT 2.5,
	exclude_seen boolean NOT NULL DEFAULT true,
	exclude_disliked boolean NOT NULL DEFAULT true,
	blend_arms int NOT NULL DEFAULT 3 CHECK (blend_arms BETWEEN 1 AND 1000),
	time_zone text NOT NULL DEFAULT 'UTC',
	period_from int[] NOT NULL DEFAULT '{5,12,17,22}'
		CHECK (pg_catalog.array_length(period_from, 1) = 4
			   AND 0 <= period_from[1] AND period_from[1] < period_from[2]
			   AND period_from[2] < period_from[3]
			   AND period_from[3] < period_from[4] AND period_from[4] <= 24),
	weekend_days int[] NOT NULL DEFAULT '{6,7}'
		CHECK (weekend_days OPERATOR(pg_catalog.<@) '{1,2,3,4,5,6,7}'::int[]),
	user_type_from int[] NOT NULL DEFAULT '{5,100}'
		CHECK (pg_catalog.array_length(user_type_from, 1) = 2
			   AND 0 < user_type_from[1]
			   AND user_type_from[1] < user_type_from[2]),
	saturation_from float8[] NOT NULL DEFAULT '{0.70,0.80}'
		CHECK (pg_catalog.array_length(saturation_from, 1) = 2
			   AND 0 < saturation_from[1]
			   AND saturation_from[1] < saturation_from[2]
			   AND saturation_from[2] < 1),
	session_gap interval NOT NULL DEFAULT '30 minutes'
		CHECK (session_gap > '0'),
	session_from int[] NOT NULL DEFAULT '{2,9}'
		CHECK (pg_catalog.array_length(session_from, 1) = 2
			   AND 0 < session_from[1] AND session_from[1] < session_from[2]),
	attribute_count int NOT NULL DEFAULT 0 CHECK (attribute_count >= 0),
	CHECK (items IS NULL OR items_key_column IS NOT NULL)
);

-- Rows of one context are all alike: two sessions that meet it first at the
-- same time write one each, under slots of their own, and neither waits.
CREATE TABLE bandit.contexts (
	bandit text COLLATE "C" NOT NULL,
	context_hash bigint NOT NULL,
	slot bigint NOT NULL,
	context jsonb NOT NULL CHECK (pg_catalog.jsonb_typeof(context) = 'object'),
	node text COLLATE "C" DEFAULT bandit_internal.this_node(),
	PRIMARY KEY (bandit, context_hash, slot)
);

-- Written for every response: no CHECKs, which every statement would parse
-- anew; the extension's functions write nothing that is not finite.
CREATE TABLE bandit.evidence (
	bandit text COLLATE "C" NOT NULL,
	context_hash bigint NOT NULL,
	arm text COLLATE "C" NOT NULL,
	slot bigint NOT NULL,
	successes float8 NOT NULL,
	failures float8 NOT NULL,
	pulls bigint NOT NULL,
	updated_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
	PRIMARY KEY (bandit, context_hash, arm, slot)
) WITH (fillfactor = 50);

-- What contexts borrow, as of the last bandit.refresh_priors; never written
-- by feedback.  A row is an arm in a node: the contexts that agree in their
-- first "level" features.
CREATE TABLE bandit.priors (
	bandit text COLLATE "C" NOT NULL
		REFERENCES bandit.bandits (name) ON DELETE CASCADE,
	context_hash bigint NOT NULL,
	level int NOT NULL CHECK (level >= 0),
	arm text COLLATE "C" NOT NULL,
	prior_alpha float8 NOT NULL
		CHECK (prior_alpha > 0 AND prior_alpha < 'Infinity'),
	prior_beta float8 NOT NULL
		CHECK (prior_beta > 0 AND prior_beta < 'Infinity'),
	child_alpha float8 NOT NULL
		CHECK (child_alpha > 0 AND child_alpha < 'Infinity'),
	child_beta float8 NOT NULL
		CHECK (child_beta > 0 AND child_beta < 'Infinity'),
	strength float8 NOT NULL,
	successes float8 NOT NULL,
	failures float8 NOT NULL,
	refreshed_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
	PRIMARY KEY (bandit, context_hash, level, arm)
);

CREATE TABLE bandit.decisions (
	decision_id uuid NOT NULL,
	bandit text COLLATE "C" NOT NULL,
	context_hash bigint NOT NULL,
	subject text COLLATE "C",
	variant text NOT NULL CHECK (variant IN ('treatment', 'control', 'shadow')),
	decided_at timestamptz NOT NULL,
	arms text[] COLLATE "C" NOT NULL,
	alphas float8[] NOT NULL,
	betas float8[] NOT NULL,
	picks text[] COLLATE "C" NOT NULL,
	items bigint[],
	item_keys text[],
	item_arms text[] COLLATE "C",
	policy text NOT NULL DEFAULT 'thompson',
	floors float8[],
	pick_ms real[],
	settled_at timestamptz,
	node text COLLATE "C" DEFAULT bandit_internal.this_node()
) PARTITION BY RANGE (decision_id);

-- Keys and indexes are those of the partitions, never of the parent: a dump
-- attaches a partition before it makes the partition's indexes, and would
-- find them made.  Ranges of ids are disjoint, so a key of each partition is
-- a key of the whole.
CREATE TABLE bandit.decisions_default PARTITION OF bandit.decisions (
	PRIMARY KEY (decision_id, bandit)
) DEFAULT;
CREATE INDEX decisions_subject ON bandit.decisions_default
	(bandit, subject, decision_id);
CREATE INDEX decisions_unsettled ON bandit.decisions_default
	(bandit, decision_id) WHERE settled_at IS NULL;

CREATE TABLE bandit.feedback (
	decision_id uuid NOT NULL,
	bandit text COLLATE "C" NOT NULL,
	item_id bigint,
	kind text COLLATE "C" NOT NULL,
	arm text COLLATE "C" NOT NULL,
	context_hash bigint NOT NULL,
	value float8,
	reward float8,
	priority int NOT NULL,
	successes float8 NOT NULL,
	failures float8 NOT NULL,
	pulls bigint NOT NULL,
	retracted boolean NOT NULL DEFAULT false,
	received_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
	changed_at timestamptz,
	node text COLLATE "C" DEFAULT bandit_internal.this_node()
) PARTITION BY RANGE (decision_id);

CREATE TABLE bandit.feedback_default PARTITION OF bandit.feedback (
	CONSTRAINT feedback_once
		UNIQUE NULLS NOT DISTINCT (decision_id, bandit, item_id, arm, kind)
) DEFAULT;

-- What dropped feedback had added to the evidence.  Its children are detached
-- partitions of feedback that have not been summed up yet: their columns of
-- these names mean the same, so a read of this table reads all of it.
CREATE TABLE bandit.checkpoints (
	bandit text COLLATE "C" NOT NULL,
	context_hash bigint NOT NULL,
	arm text COLLATE "C" NOT NULL,
	successes float8 NOT NULL,
	failures float8 NOT NULL,
	pulls bigint NOT NULL,
	received_at timestamptz NOT NULL,
	PRIMARY KEY (bandit, context_hash, arm)
);

CREATE TABLE bandit.outcome_rules (
	bandit text COLLATE "C" NOT NULL
		REFERENCES bandit.bandits (name) ON DELETE CASCADE,
	kind text COLLATE "C" NOT NULL
		CHECK (pg_catalog.octet_length(kind) BETWEEN 1 AND 63
			   AND kind NOT IN ('reward', 'outcome', 'silence', 'correction',
							'checkpoint')),
	outcome text CHECK (outcome IN ('success', 'failure', 'neutral')),
	success_from float8,
	failure_to float8,
	zero_at float8,
	one_at float8,
	priority int NOT NULL DEFAULT 0,
	PRIMARY KEY (bandit, kind),
	CHECK (success_from > failure_to),
	CHECK (zero_at <> one_at),
	CHECK ((zero_at IS NULL) = (one_at IS NULL)),
	CHECK ('NaN' NOT IN (success_from, failure_to, zero_at, one_at)),
	CHECK ((outcome IS NOT NULL)::int
		   + (success_from IS NOT NULL OR failure_to IS NOT NULL)::int
		   + (zero_at IS NOT NULL)::int = 1)
);

CREATE TABLE bandit.watches (
	bandit text COLLATE "C" NOT NULL
		REFERENCES bandit.bandits (name) ON DELETE CASCADE,
	source regclass NOT NULL,
	kind text COLLATE "C" NOT NULL,
	user_column text NOT NULL,
	item_column text NOT NULL,
	value_column text,
	PRIMARY KEY (bandit, source, kind)
);

-- A trained part of a recommender.  "data" is a compact image that backends
-- map into memory; the newest version of an arm is the one that serves.
CREATE TABLE bandit.models (
	bandit text COLLATE "C" NOT NULL
		REFERENCES bandit.bandits (name) ON DELETE CASCADE,
	arm text COLLATE "C" NOT NULL,
	version uuid NOT NULL,
	users int NOT NULL,
	items int NOT NULL,
	ratings bigint NOT NULL,
	seconds float8 NOT NULL,
	trained_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
	data bytea NOT NULL,
	PRIMARY KEY (bandit, arm, version)
);
ALTER TABLE bandit.models ALTER COLUMN data SET STORAGE EXTERNAL;

-- Several writable nodes learn from each other; the row of this one says
-- which database it is of, for a dump that is restored is another.
CREATE TABLE bandit.nodes (
	node text COLLATE "C" PRIMARY KEY
		CHECK (pg_catalog.octet_length(node) BETWEEN 1 AND 63),
	here boolean NOT NULL DEFAULT false,
	system_identifier bigint,
	database oid,
	dropped_before uuid,
	CHECK (NOT here OR (system_identifier IS NOT NULL AND database IS NOT NULL))
);

CREATE UNIQUE INDEX nodes_here ON bandit.nodes (here) WHERE here;

-- How other nodes learn that a row of feedback has changed: only inserts are
-- replicated, for the rows of feedback have no key without NULLs by which
-- PostgreSQL could find them.
CREATE TABLE bandit.revisions (
	decision_id uuid NOT NULL,
	bandit text COLLATE "C" NOT NULL,
	item_id bigint,
	kind text COLLATE "C" NOT NULL,
	arm text COLLATE "C" NOT NULL,
	context_hash bigint NOT NULL,
	value float8,
	reward float8,
	priority int NOT NULL,
	successes float8 NOT NULL,
	failures float8 NOT NULL,
	pulls bigint NOT NULL,
	retracted boolean NOT NULL,
	received_at timestamptz NOT NULL,
	changed_at timestamptz,
	node text COLLATE "C" NOT NULL
);

-- Responses given here to decisions of other nodes, for these to learn from:
-- a decision's rows of feedback have one writer, the node that made it.
CREATE TABLE bandit.forwarded (
	bandit text COLLATE "C" NOT NULL,
	response_id uuid NOT NULL,
	decision_id uuid NOT NULL,
	item_id bigint,
	kind text COLLATE "C" NOT NULL,
	arm text COLLATE "C" NOT NULL,
	value float8,
	reward float8,
	priority int NOT NULL,
	retracted boolean NOT NULL,
	sent_at timestamptz NOT NULL,
	to_node text COLLATE "C" NOT NULL,
	node text COLLATE "C" NOT NULL,
	PRIMARY KEY (bandit, response_id)
);

CREATE INDEX forwarded_decision ON bandit.forwarded (bandit, decision_id);
