-- What every table and column means, its unit and its range.

COMMENT ON TABLE bandit.bandits IS
'One row per decision problem, with its settings; change them with UPDATE.';
COMMENT ON COLUMN bandit.bandits.name IS
'Its name, the key everywhere: 1 to 63 bytes.';
COMMENT ON COLUMN bandit.bandits.features IS
'The only keys that a context may have, so that personal data cannot slip in.';
COMMENT ON COLUMN bandit.bandits.prior_alpha IS
'First shape of the Beta prior of every arm: successes believed in before any was seen. Finite, greater than 0.';
COMMENT ON COLUMN bandit.bandits.prior_beta IS
'Second shape of the prior: failures believed in before any was seen. Finite, greater than 0.';
COMMENT ON COLUMN bandit.bandits.policy IS
'By what the arms are put in order, best first. thompson: a draw from each posterior. top_two: the same, but when one arm is picked, every other time it is a challenger, the best of a redraw that the first did not win (Russo 2016). greedy: the posterior mean. epsilon_greedy: the same, with an exploration floor of epsilon / n for each of n arms. ucb1: mean + sqrt(2 ln N / (alpha + beta)), N the sum of alpha + beta over the arms (Auer et al. 2002, the prior counted as observations). bayes_ucb: the posterior''s quantile at 1 - 1/N (Kaufmann et al. 2012). uniform: at random. Equal scores are ordered at random.';
COMMENT ON COLUMN bandit.bandits.epsilon IS
'How often epsilon_greedy explores, 0 to 1; no other policy uses it.';
COMMENT ON COLUMN bandit.bandits.exploration_floor IS
'Each place of a list is given to each arm with at least this probability, 0 to 1, whatever the policy says: p = f + (1 - sum of f) w. Over all arms at most 1.';
COMMENT ON COLUMN bandit.bandits.half_life IS
'Evidence counts half as much when it is this old, a quarter at twice the age, and so on, towards the prior, which does not erode; longer than 0, a month counts 30 days. NULL: nothing is forgotten. A change holds for what is forgotten from then on.';
COMMENT ON COLUMN bandit.bandits.backoff_strength IS
'What a context may borrow from its parents (itself without its last feature, ... , all contexts), in observations: 10 is as much as ten responses. 0: nothing, contexts stand alone. NULL: as much as the data say, fitted to how different sibling contexts are. Takes effect through bandit.refresh_priors.';
COMMENT ON COLUMN bandit.bandits.attribution_window IS
'How long after a decision a response still counts for it; longer than 0.';
COMMENT ON COLUMN bandit.bandits.on_silence IS
'What an item (or an arm, of a decision without items) becomes that nobody responded to when its window has passed: failure; reward, see silence_reward; or nothing.';
COMMENT ON COLUMN bandit.bandits.silence_reward IS
'What silence is worth where on_silence is reward: 0 to 1, rounded to 2^-20.';
COMMENT ON COLUMN bandit.bandits.examination IS
'How probably a user who has looked at an item looks at the next one below: 0 to 1 (the persistence of rank-biased precision, Moffat and Zobel 2008). The first item was looked at, and all up to the last one responded to (cascade: Craswell et al. 2008): their silence counts fully. An item d places below counts examination ^ d. 1, the default: all were looked at.';
COMMENT ON COLUMN bandit.bandits.combine IS
'What responses of several kinds to one item are worth together, as one reward: priority, that of the kind with the highest priority, the newest among equals; first; last; max; or sum, 1 at most. A change counts for responses from then on.';
COMMENT ON COLUMN bandit.bandits.created_at IS 'When it was made.';

COMMENT ON TABLE bandit.arms IS
'One row per arm of a bandit: an alternative that may serve a request.';
COMMENT ON COLUMN bandit.arms.bandit IS 'Name of the bandit.';
COMMENT ON COLUMN bandit.arms.arm IS
'Name of the arm within its bandit: 1 to 63 bytes.';
COMMENT ON COLUMN bandit.arms.position IS
'Order of registration, from 1, with gaps where arms were removed. Arms are drawn in this order.';
COMMENT ON COLUMN bandit.arms.role IS
'arm: drawn and learnt about. control: serves the control side and fills short lists, never learns; at most one.';
COMMENT ON COLUMN bandit.arms.enabled IS
'Whether it may be drawn; evidence of what it served before still comes in.';
COMMENT ON COLUMN bandit.arms.options IS
'What a built-in arm is told: a JSON object of numbers, see bandit.arm_options. What is not told, the arm takes by itself.';
COMMENT ON COLUMN bandit.arms.source IS
'Who makes the arm''s items, in a recommender: the name of a built-in arm, or a function''s qualified signature. NULL in any other bandit.';
COMMENT ON COLUMN bandit.arms.prior_alpha IS
'The arm''s own prior, in place of the bandit''s prior_alpha; NULL: the bandit''s. Finite, greater than 0.';
COMMENT ON COLUMN bandit.arms.prior_beta IS
'The arm''s own prior, in place of the bandit''s prior_beta; NULL: the bandit''s. Finite, greater than 0.';
COMMENT ON COLUMN bandit.arms.exploration_floor IS
'The arm''s own floor, in place of the bandit''s exploration_floor; NULL: the bandit''s. 0 to 1.';
COMMENT ON COLUMN bandit.arms.created_at IS 'When it was added.';

COMMENT ON TABLE bandit.recommenders IS
'One row per bandit whose arms recommend items: where its users, items and ratings are, and how the features of a context are computed.';
COMMENT ON COLUMN bandit.recommenders.bandit IS 'Name of the bandit.';
COMMENT ON COLUMN bandit.recommenders.ratings IS
'The user''s table or view with one row per interaction of a user with an item.';
COMMENT ON COLUMN bandit.recommenders.user_column IS
'Column of ratings: the user''s key.';
COMMENT ON COLUMN bandit.recommenders.item_column IS
'Column of ratings: the item''s key.';
COMMENT ON COLUMN bandit.recommenders.value_column IS
'Column of ratings: how much, such as stars; NULL: every row counts as 1.';
COMMENT ON COLUMN bandit.recommenders.time_column IS
'Column of ratings: when, as timestamptz, timestamp, date, or Unix seconds; NULL: not known.';
COMMENT ON COLUMN bandit.recommenders.items IS
'The user''s table or view with one row per item; NULL: none.';
COMMENT ON COLUMN bandit.recommenders.items_key_column IS
'Column of items: the item''s key, as item_column has it.';
COMMENT ON COLUMN bandit.recommenders.title_column IS
'Column of items: what to call it; NULL: none.';
COMMENT ON COLUMN bandit.recommenders.attributes_column IS
'Column of items: attributes such as genres, as text[] or as text with separators; NULL: none.';
COMMENT ON COLUMN bandit.recommenders.vector_column IS
'Column of items with a vector of each, for the arm embeddings; anything that can be cast to real[]. NULL: they are made of titles and attributes.';
COMMENT ON COLUMN bandit.recommenders.attribute_separator IS
'What stands between attributes in a text; not empty.';
COMMENT ON COLUMN bandit.recommenders.key_type IS
'bigint: keys are smallint, integer or bigint. text: keys are uuid, text or varchar.';
COMMENT ON COLUMN bandit.recommenders.neutral_value IS
'The value that is neither liked nor disliked; a rating weighs value minus this.';
COMMENT ON COLUMN bandit.recommenders.exclude_seen IS
'Whether items that the user had are never recommended to him.';
COMMENT ON COLUMN bandit.recommenders.exclude_disliked IS
'Where exclude_seen is off: whether items that the user values below neutral_value are still never recommended to him.';
COMMENT ON COLUMN bandit.recommenders.blend_arms IS
'From how many arms a list is blended: 1 to 1000.';
COMMENT ON COLUMN bandit.recommenders.time_zone IS
'The time zone in which time_period and day_of_week are told.';
COMMENT ON COLUMN bandit.recommenders.period_from IS
'The hours, 0 to 24, at which morning, afternoon, evening and night begin, ascending.';
COMMENT ON COLUMN bandit.recommenders.weekend_days IS
'ISO days of the week that are weekend: 1 is Monday, 7 is Sunday.';
COMMENT ON COLUMN bandit.recommenders.user_type_from IS
'Interactions from which a user is regular, and from which a power_user; fewer is cold_start.';
COMMENT ON COLUMN bandit.recommenders.saturation_from IS
'Normalised entropies, between 0 and 1, from which genre_saturation is medium, and from which it is low; less is high.';
COMMENT ON COLUMN bandit.recommenders.session_gap IS
'A pause longer than this starts a new session.';
COMMENT ON COLUMN bandit.recommenders.session_from IS
'Requests so far in the session from which session_position is middle, and from which it is late; fewer is start.';
COMMENT ON COLUMN bandit.recommenders.attribute_count IS
'How many different attributes the items have, by which entropy is normalised; counted when the recommender was made.';

COMMENT ON TABLE bandit.contexts IS
'Leads from a hash back to the context it is of. Written once per context; equal rows in several slots mean that sessions met it at the same time.';
COMMENT ON COLUMN bandit.contexts.bandit IS 'Name of the bandit.';
COMMENT ON COLUMN bandit.contexts.context_hash IS
'First 8 bytes of SHA-256 over the context''s canonical text, see bandit.context_hash.';
COMMENT ON COLUMN bandit.contexts.slot IS
'A random number, so that no session waits for another''s row.';
COMMENT ON COLUMN bandit.contexts.context IS
'The context: an object whose keys are features of the bandit.';
COMMENT ON COLUMN bandit.contexts.node IS
'The node that met it; NULL: this one, which has no name.';

COMMENT ON TABLE bandit.evidence IS
'What an arm has earned in a context: the sum over its slots, always equal to the sum of the ledger, bandit.feedback and bandit.checkpoints. The posterior is the prior plus this. Slots are all alike; several let sessions learn about one arm at the same time.';
COMMENT ON COLUMN bandit.evidence.bandit IS 'Name of the bandit.';
COMMENT ON COLUMN bandit.evidence.context_hash IS
'Hash of the context, see bandit.context_hash.';
COMMENT ON COLUMN bandit.evidence.arm IS 'Name of the arm.';
COMMENT ON COLUMN bandit.evidence.slot IS
'Who wrote it: the number of a backend, for as long as it lives, or a random one of 62 bits, of a transaction at REPEATABLE READ or SERIALIZABLE. Only the sum over slots has a meaning; bandit.fold adds them together.';
COMMENT ON COLUMN bandit.evidence.successes IS
'Sum of rewards, multiples of 2^-20; of one slot it may be negative, over all it is not.';
COMMENT ON COLUMN bandit.evidence.failures IS
'Sum of 1 minus reward, multiples of 2^-20; of one slot it may be negative, over all it is not.';
COMMENT ON COLUMN bandit.evidence.pulls IS
'Responses counted, neutral ones included.';
COMMENT ON COLUMN bandit.evidence.updated_at IS
'When this slot was written last.';

COMMENT ON TABLE bandit.priors IS
'What each arm borrows in each context from those like it: a row per arm and node, a node being the contexts that agree in their first "level" features (in the order of bandits.features). Level 0 is all contexts together. Written by bandit.refresh_priors. An arm without evidence in a node has no row there, and takes what the nearest level above lends.';
COMMENT ON COLUMN bandit.priors.bandit IS 'Name of the bandit.';
COMMENT ON COLUMN bandit.priors.context_hash IS
'Hash of the context without all features after the first "level" ones.';
COMMENT ON COLUMN bandit.priors.level IS
'How many features the node''s contexts agree in; from 0 to all, which is one context.';
COMMENT ON COLUMN bandit.priors.arm IS 'Name of the arm.';
COMMENT ON COLUMN bandit.priors.prior_alpha IS
'First shape of the node''s own prior, without the node''s own evidence; greater than 0.';
COMMENT ON COLUMN bandit.priors.prior_beta IS
'Second shape of the same; greater than 0.';
COMMENT ON COLUMN bandit.priors.child_alpha IS
'First shape of the prior that a context one level down has, if it has no evidence; greater than 0.';
COMMENT ON COLUMN bandit.priors.child_beta IS
'Second shape of the same; greater than 0.';
COMMENT ON COLUMN bandit.priors.strength IS
'What a node of this level may borrow, in observations: set, or fitted to the spread of siblings.';
COMMENT ON COLUMN bandit.priors.successes IS
'Successes in all contexts of the node when it was refreshed, aged by then.';
COMMENT ON COLUMN bandit.priors.failures IS
'Failures, likewise.';
COMMENT ON COLUMN bandit.priors.refreshed_at IS
'When the row was last found different.';

COMMENT ON TABLE bandit.decisions IS
'What was served: one row per request, with the posteriors it was drawn from. Its keys and indexes are those of its partitions: one that is made by hand must be LIKE bandit.decisions_default INCLUDING ALL.';
COMMENT ON COLUMN bandit.decisions.decision_id IS
'UUID version 7: time, then random bits, which also seed the draws.';
COMMENT ON COLUMN bandit.decisions.bandit IS 'Name of the bandit.';
COMMENT ON COLUMN bandit.decisions.context_hash IS
'Hash of the context, see bandit.context_hash.';
COMMENT ON COLUMN bandit.decisions.subject IS
'Whom it was for: a user''s key as text; NULL: nobody in particular.';
COMMENT ON COLUMN bandit.decisions.variant IS
'treatment: the bandit chose. control: the control served. shadow: the application did, and the bandit watched.';
COMMENT ON COLUMN bandit.decisions.decided_at IS 'When it was made.';
COMMENT ON COLUMN bandit.decisions.arms IS
'The arms that could be drawn, in order of registration.';
COMMENT ON COLUMN bandit.decisions.alphas IS
'Their posteriors'' first shapes at that moment, as arms.';
COMMENT ON COLUMN bandit.decisions.betas IS
'Their posteriors'' second shapes at that moment, as arms.';
COMMENT ON COLUMN bandit.decisions.picks IS
'The arms selected, best draw first. Of a shadow: the arm that the application chose; of a list, those that the bandit would have selected.';
COMMENT ON COLUMN bandit.decisions.items IS
'The items served, by position; NULL when the decision serves no items.';
COMMENT ON COLUMN bandit.decisions.item_keys IS
'Their keys in the user''s table, by position, where keys are uuid or text; else NULL.';
COMMENT ON COLUMN bandit.decisions.item_arms IS
'The arm that each item is credited to, by position; NULL where a shadow credits it to nobody.';
COMMENT ON COLUMN bandit.decisions.policy IS
'The policy that put the arms in order, see bandits.policy.';
COMMENT ON COLUMN bandit.decisions.floors IS
'The exploration floor of each arm, as in arms, that of epsilon_greedy included; NULL: none.';
COMMENT ON COLUMN bandit.decisions.pick_ms IS
'How long the list of each pick took, in milliseconds, as picks; NULL in it: the arm failed; NULL: no lists were made.';
COMMENT ON COLUMN bandit.decisions.settled_at IS
'When its attribution window was closed and silence counted; NULL: not yet. Of another node''s decision: when it was closed here, where its silence is not counted.';
COMMENT ON COLUMN bandit.decisions.node IS
'The node that made it, and learns from it; NULL: this one, which has no name.';

COMMENT ON TABLE bandit.decisions_default IS
'Decisions for which no partition was made, see bandit.make_partitions; the model of every partition.';

COMMENT ON TABLE bandit.feedback IS
'The ledger: one row per response learnt, with what it added to bandit.evidence. Its keys are those of its partitions: one that is made by hand must be LIKE bandit.feedback_default INCLUDING ALL.';
COMMENT ON COLUMN bandit.feedback.decision_id IS
'The decision that the response is credited to.';
COMMENT ON COLUMN bandit.feedback.bandit IS 'Name of the bandit.';
COMMENT ON COLUMN bandit.feedback.item_id IS
'The item responded to; NULL: the decision as such.';
COMMENT ON COLUMN bandit.feedback.kind IS
'What the response was: click, rating and so on, as in bandit.outcome_rules; or reward, outcome, silence, correction.';
COMMENT ON COLUMN bandit.feedback.arm IS 'The arm that is credited.';
COMMENT ON COLUMN bandit.feedback.context_hash IS
'Hash of the decision''s context, see bandit.context_hash.';
COMMENT ON COLUMN bandit.feedback.value IS
'What came with it, such as stars; NULL: nothing.';
COMMENT ON COLUMN bandit.feedback.reward IS
'What it was worth, 0 to 1; NULL: neutral.';
COMMENT ON COLUMN bandit.feedback.priority IS
'Of several responses to one item the one with the highest priority counts.';
COMMENT ON COLUMN bandit.feedback.successes IS
'What this row added to the evidence''s successes, as of received_at: a multiple of 2^-20 unless the bandit forgets. Less than nothing where it replaced a response that counted more.';
COMMENT ON COLUMN bandit.feedback.failures IS
'The same for failures.';
COMMENT ON COLUMN bandit.feedback.pulls IS
'The same for pulls; 0 where another row counts the item already.';
COMMENT ON COLUMN bandit.feedback.retracted IS
'Whether the response was taken back, or is none, as a correction. The row stays for what it adds: other rows were reckoned against it.';
COMMENT ON COLUMN bandit.feedback.received_at IS
'When it was learnt; from then on it fades, where the bandit forgets.';
COMMENT ON COLUMN bandit.feedback.changed_at IS
'When it was changed or taken back last; NULL: never. Of responses that count equally the one that was received or changed last does.';
COMMENT ON COLUMN bandit.feedback.node IS
'The node that learnt it, see bandit.set_node; NULL: this one, which has no name.';

COMMENT ON TABLE bandit.feedback_default IS
'Feedback for which no partition was made, see bandit.make_partitions; the model of every partition.';

COMMENT ON TABLE bandit.checkpoints IS
'What the feedback that bandit.drop_partitions dropped had added to bandit.evidence: a row per bandit, context and arm, summed over all drops. Partitions that are detached but not summed up yet are its children (inheritance), so that reading it reads them too.';
COMMENT ON COLUMN bandit.checkpoints.bandit IS 'Name of the bandit.';
COMMENT ON COLUMN bandit.checkpoints.context_hash IS
'Hash of the context, see bandit.context_hash.';
COMMENT ON COLUMN bandit.checkpoints.arm IS 'The arm that was credited.';
COMMENT ON COLUMN bandit.checkpoints.successes IS
'What it had added to the evidence''s successes, a multiple of 2^-20; where the bandit has a half-life, aged to received_at.';
COMMENT ON COLUMN bandit.checkpoints.failures IS
'What it had added to the evidence''s failures, likewise.';
COMMENT ON COLUMN bandit.checkpoints.pulls IS
'What it had added to the evidence''s pulls.';
COMMENT ON COLUMN bandit.checkpoints.received_at IS
'The time that successes and failures are of: when they were summed up last.';

COMMENT ON TABLE bandit.outcome_rules IS
'One row per bandit and kind of response: what it is worth. Exactly one of outcome, the thresholds, or the linear map is given.';
COMMENT ON COLUMN bandit.outcome_rules.bandit IS 'Name of the bandit.';
COMMENT ON COLUMN bandit.outcome_rules.kind IS
'The kind of response: 1 to 63 bytes, not reward, outcome or silence.';
COMMENT ON COLUMN bandit.outcome_rules.outcome IS
'What it is whatever the value: success, failure or neutral; NULL: look at the value.';
COMMENT ON COLUMN bandit.outcome_rules.success_from IS
'A value of at least this is a success; NULL: none is.';
COMMENT ON COLUMN bandit.outcome_rules.failure_to IS
'A value of at most this is a failure; NULL: none is. What lies between is neutral.';
COMMENT ON COLUMN bandit.outcome_rules.zero_at IS
'The value worth a reward of 0, on a line to one_at; beyond the ends the reward stays 0 or 1.';
COMMENT ON COLUMN bandit.outcome_rules.one_at IS
'The value worth a reward of 1.';
COMMENT ON COLUMN bandit.outcome_rules.priority IS
'Of several responses to one item the one with the highest priority counts.';

COMMENT ON TABLE bandit.watches IS
'One row per table that a bandit learns from, see bandit.watch.';
COMMENT ON COLUMN bandit.watches.bandit IS 'Name of the bandit.';
COMMENT ON COLUMN bandit.watches.source IS
'The user''s table, which has a trigger that calls bandit.learn().';
COMMENT ON COLUMN bandit.watches.kind IS
'What kind of response a row is, as in bandit.outcome_rules.';
COMMENT ON COLUMN bandit.watches.user_column IS
'Column of source: the user''s key.';
COMMENT ON COLUMN bandit.watches.item_column IS
'Column of source: the item''s key.';
COMMENT ON COLUMN bandit.watches.value_column IS
'Column of source: a number for the rule to look at; NULL: none.';

COMMENT ON TABLE bandit.models IS
'What training has made of a recommender''s ratings. The newest version of an arm''s model serves.';
COMMENT ON COLUMN bandit.models.bandit IS 'Name of the bandit.';
COMMENT ON COLUMN bandit.models.arm IS 'The arm it is for.';
COMMENT ON COLUMN bandit.models.version IS
'UUID version 7: of two versions the larger is the newer.';
COMMENT ON COLUMN bandit.models.users IS 'Users it was trained on.';
COMMENT ON COLUMN bandit.models.items IS 'Items it was trained on.';
COMMENT ON COLUMN bandit.models.ratings IS 'Ratings it was trained on.';
COMMENT ON COLUMN bandit.models.seconds IS 'How long training took.';
COMMENT ON COLUMN bandit.models.trained_at IS 'When it was trained.';
COMMENT ON COLUMN bandit.models.data IS
'The trained model, in a form of its own that servers map into memory.';

COMMENT ON TABLE bandit.nodes IS
'One row per node that is known here: this one, if bandit.set_node has named it, and those from which feedback came by logical replication.';
COMMENT ON COLUMN bandit.nodes.node IS 'Name of the node, 1 to 63 bytes.';
COMMENT ON COLUMN bandit.nodes.here IS 'Whether it is this one.';
COMMENT ON COLUMN bandit.nodes.system_identifier IS
'The cluster that got the name, as pg_control_system() tells: a restored dump is not that node.';
COMMENT ON COLUMN bandit.nodes.database IS
'OID of the database that got the name.';
COMMENT ON COLUMN bandit.nodes.dropped_before IS
'Feedback of that node on decisions before this id was dropped here by bandit.drop_partitions, and is not taken again when a subscription copies; NULL: none was.';

COMMENT ON TABLE bandit.revisions IS
'Rows of feedback that were changed on this node while it had a name, as they became: how the other nodes learn of it. bandit.drop_partitions deletes them with the feedback.';
COMMENT ON TABLE bandit.forwarded IS
'Responses to decisions of other nodes, for these to learn from: those given here, and those for this node. bandit.drop_partitions deletes them with the feedback.';
COMMENT ON COLUMN bandit.forwarded.response_id IS 'UUID version 7.';
COMMENT ON COLUMN bandit.forwarded.retracted IS
'Whether the response was taken back.';
COMMENT ON COLUMN bandit.forwarded.sent_at IS
'When it was given.';
COMMENT ON COLUMN bandit.forwarded.to_node IS
'The node that made the decision.';
COMMENT ON COLUMN bandit.forwarded.node IS
'The node where the response was given.';

-- The default partitions are read as tables too, and columns of these two
-- mean what they mean in feedback: they say the same.
DO $$
DECLARE
	one record;
BEGIN
	FOR one IN
		SELECT t.copy, a.attname,
			pg_catalog.col_description(t.original, p.attnum) AS meaning
		FROM (VALUES
			('bandit.decisions_default'::pg_catalog.regclass,
			 'bandit.decisions'::pg_catalog.regclass),
			('bandit.feedback_default', 'bandit.feedback'),
			('bandit.revisions', 'bandit.feedback'),
			('bandit.forwarded', 'bandit.feedback')) AS t (copy, original)
		JOIN pg_catalog.pg_attribute a ON a.attrelid = t.copy
		JOIN pg_catalog.pg_attribute p
			ON p.attrelid = t.original AND p.attname = a.attname
		WHERE a.attnum > 0 AND NOT a.attisdropped
			AND pg_catalog.col_description(t.copy, a.attnum) IS NULL
	LOOP
		EXECUTE pg_catalog.format('COMMENT ON COLUMN %s.%I IS %L',
								  one.copy, one.attname, one.meaning);
	END LOOP;
END;
$$;
