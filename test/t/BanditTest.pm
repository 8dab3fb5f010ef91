# What the tests with servers of their own share: a node with a bandit and a
# watched table, and pgbench scripts that use them.
package BanditTest;

use strict;
use warnings;
use Exporter 'import';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;

our @EXPORT = qw(make_node make_bandit make_library load_scripts is_sound forgotten make_history fingerprint);

sub make_node
{
	my ($name, %options) = @_;
	my $place = delete $options{install_path};
	my $node = PostgreSQL::Test::Cluster->new($name,
		$place ? (install_path => $place) : ());

	$node->init(%options);
	$node->append_conf('postgresql.conf',
		"max_connections = 60\nmax_prepared_transactions = 4\nlog_min_messages = error\n");
	$node->start;
	return $node;
}

# A plain bandit, and a recommender with a watched table of clicks; with the
# newest version of the extension, or a given one.
sub make_bandit
{
	my ($node, $version) = @_;

	$node->safe_psql('postgres', 'CREATE EXTENSION bandit' . ($version ? " VERSION '$version'" : ''));
	$node->safe_psql('postgres', q{
		SET client_min_messages = error;
		SELECT bandit.create_bandit('plain', ARRAY['a', 'b', 'c'], ARRAY['n']);
		CREATE TABLE films (id int PRIMARY KEY, title text);
		INSERT INTO films SELECT g, 'film ' || g FROM generate_series(1, 50) g;
		CREATE TABLE stars (user_id int, film_id int, rating int, rated_at timestamptz DEFAULT now());
		CREATE INDEX ON stars (user_id);
		CREATE TABLE clicks (user_id int, film_id int);
		CREATE TABLE told (what text, reward float8);
		CREATE FUNCTION any_film(user_id bigint, n int) RETURNS TABLE (item_id bigint, score float8)
			LANGUAGE sql STABLE AS 'SELECT id, id FROM public.films ORDER BY id DESC LIMIT n';
		SELECT bandit.create_recommender('films', 'stars', items => 'films',
			arms => '{}', features => '{}');
		SELECT bandit.add_arm('films', 'any', 'any_film(bigint,int)');
		SELECT bandit.watch('films', 'clicks', 'click');
		SELECT bandit.watch('films', 'stars', 'rating');
	});
	return;
}

# After make_bandit: built-in arms, trained, in an experiment and guarded; a
# recommender whose keys are texts; decisions of both, and responses.
sub make_library
{
	my ($node) = @_;

	$node->safe_psql('postgres', q{
		SET client_min_messages = error;
		SELECT bandit.set_seed(1);
		INSERT INTO stars SELECT u, f, 1 + (u * f) % 5, '2026-01-01'::timestamptz + u * interval '1 hour'
			FROM generate_series(1, 30) u, generate_series(1, 40) f WHERE (u + f) % 3 > 0;
		SELECT bandit.add_arm('films', 'svd');
		SELECT bandit.add_arm('films', 'item_cf');
		CREATE TABLE loans (reader text, book text, at timestamptz);
		INSERT INTO loans SELECT user_id::text, film_id::text, rated_at FROM stars;
		SELECT bandit.create_recommender('books', 'loans', arms => '{item_cf}');
		SELECT count(*) FROM bandit.train('films');
		SELECT count(*) FROM bandit.train('books');
		SELECT bandit.start_experiment('films', 0.5);
		SELECT bandit.set_guard('films', 'arm_error_rate', 0.5);
		SELECT count(*) FROM generate_series(1, 40) u, bandit.recommend('films', u, 3);
		SELECT count(*) FROM generate_series(1, 40) u, bandit.recommend('books', u::text, 3);
		INSERT INTO clicks SELECT subject::int, items[1] FROM bandit.decisions
			WHERE bandit = 'films' AND random() < 0.5;
		SELECT count(*) FROM bandit.update_bandit('plain', '{"n": 1}', 'b', 'success');
		SELECT count(bandit.shadow_recommend('films', u, '{1,2,3}')) FROM generate_series(1, 5) u;
		CREATE ROLE reader;
	});
	return;
}

# Mixed load: decisions, rewards, watched rows, aborts and savepoints.  What an
# application tells the bandit it also writes to a table of its own.
sub load_scripts
{
	my ($dir) = @_;
	my %scripts = (
		'reward.sql' => q{
\set end random(1, 10)
\set context random(1, 3)
\set reward random(0, 1048576)
BEGIN;
SELECT decision_id FROM bandit.choose('plain', jsonb_build_object('n', :context)) \gset
SELECT bandit.reward(':decision_id', :reward / 1048576.0);
INSERT INTO told VALUES (':decision_id', :reward / 1048576.0);
SAVEPOINT s;
SELECT bandit.update_bandit('plain', '{"n": 1}', 'a', 'success');
INSERT INTO told VALUES ('success', 1);
\if :end <= 3
ROLLBACK TO s;
\endif
\if :end = 10
ROLLBACK;
\else
COMMIT;
\endif
},
		'watch.sql' => q{
\set who random(1, 20)
\set end random(1, 10)
SELECT count(*) FROM bandit.recommend('films', :who, 5);
BEGIN;
INSERT INTO clicks SELECT :who, items[1 + :end % 5] FROM bandit.decisions
	WHERE bandit = 'films' AND subject = :who::text ORDER BY decision_id DESC LIMIT 1;
\if :end <= 2
ROLLBACK;
\else
COMMIT;
\endif
},
		# ratings that come, change and go, of one user per client
		'rate.sql' => q{
\set who 1000 + :client_id
\set stars random(1, 5)
\set again random(1, 5)
\set end random(1, 10)
SELECT count(*) FROM bandit.recommend('films', :who, 5);
BEGIN;
INSERT INTO stars (user_id, film_id, rating)
	SELECT :who, item, :stars FROM (
		SELECT items[1 + :end % 5] AS item FROM bandit.decisions
		WHERE bandit = 'films' AND subject = :who::text
		ORDER BY decision_id DESC LIMIT 1) d WHERE item IS NOT NULL;
SAVEPOINT s;
UPDATE stars SET rating = :again WHERE user_id = :who AND film_id % 3 = :end % 3;
DELETE FROM stars WHERE user_id = :who AND rating = 3;
\if :end <= 3
ROLLBACK TO s;
\endif
\if :end = 10
ROLLBACK;
\else
COMMIT;
\endif
},
		'hot.sql' => q{
BEGIN;
SELECT bandit.update_bandit('plain', '{"n": 1}', 'a', 'failure');
INSERT INTO told VALUES ('failure', 0);
COMMIT;
});

	foreach my $name (keys %scripts)
	{
		PostgreSQL::Test::Utils::append_to_file("$dir/$name", $scripts{$name});
	}
	return map { ('-f', "$dir/$_") } sort keys %scripts;
}

# What the application told and the ledger lacks, or has twice; none if all is
# well.  Outcomes have no key, so their numbers are compared.
sub forgotten
{
	my ($node) = @_;

	return $node->safe_psql('postgres', q{
		WITH told AS (
			SELECT what, reward, count(*) FROM told GROUP BY 1, 2
			UNION ALL
			SELECT concat_ws(' ', user_id, film_id), rating, count(*) FROM stars
			GROUP BY 1, 2
		), kept AS (
			SELECT CASE f.kind WHEN 'reward' THEN f.decision_id::text
					WHEN 'rating' THEN concat_ws(' ', d.subject, f.item_id)
					ELSE CASE f.reward WHEN 1 THEN 'success' ELSE 'failure' END
				END COLLATE "default" AS what,
				CASE f.kind WHEN 'rating' THEN f.value ELSE f.reward END, count(*)
			FROM bandit.feedback f
			LEFT JOIN bandit.decisions d USING (decision_id, bandit)
			WHERE f.kind <> 'click' GROUP BY 1, 2
		)
		(SELECT 'told', * FROM told EXCEPT ALL SELECT 'told', * FROM kept)
		UNION ALL
		(SELECT 'kept', * FROM kept EXCEPT ALL SELECT 'kept', * FROM told)});
}

# The ledger's proof, as one value.
sub is_sound
{
	my ($node) = @_;

	return $node->safe_psql('postgres',
		"SELECT count(*) FROM bandit.verify('plain')") eq '0'
	  && $node->safe_psql('postgres',
		"SELECT count(*) FROM bandit.verify('films')") eq '0';
}

# Something of everything the extension keeps: partitions in use, detached and
# summed up, models, an experiment, guards and thresholds, alerts, priors that
# were borrowed, forgetting, keys of text, roles.  Returns the first decision's
# time: days are counted from it, whatever midnight comes between.
sub make_history
{
	my ($node) = @_;

	make_bandit($node);
	$node->safe_psql('postgres', q{
		SET client_min_messages = warning;
		UPDATE bandit.bandits SET prior_beta = 9 WHERE name = 'plain';
		SELECT bandit.reward(decision_id, 0.3) FROM bandit.choose('plain', '{"n": 1}');
		SELECT count(*) FROM bandit.recommend('films', 1, 5);
		INSERT INTO clicks SELECT 1, items[2] FROM bandit.decisions WHERE bandit = 'films';
		SELECT bandit.settle('films', now() + interval '2 days');
		SELECT count(*) FROM bandit.train('films');
	});
	my $at = $node->safe_psql('postgres', 'SELECT min(decided_at) FROM bandit.decisions');
	my $partitions = q{
		SET client_min_messages = warning;
		-- partitions: one that was summed up, one that is detached, one in use
		SELECT count(*) FROM bandit.make_partitions('0', at => now() - interval '200 days');
		SELECT count(*) FROM bandit.make_partitions('0', at => now() - interval '100 days');
		INSERT INTO bandit.feedback (decision_id, bandit, item_id, kind, arm,
			context_hash, priority, successes, failures, pulls, received_at)
		SELECT bandit.first_decision_id(now() - days * interval '1 day'), 'plain',
			item, 'click', 'b', bandit.context_hash('{"n": 1}'), 0,
			(item + days) / 1048576.0, 0, 1, now()
		FROM generate_series(1, 3) item, unnest('{100,200}'::int[]) days;
		SELECT bandit_internal.add_evidence('plain', context_hash, arm, successes, failures, pulls)
		FROM bandit.feedback WHERE kind = 'click' AND bandit = 'plain';
		SELECT count(*) FROM bandit.drop_partitions('150 days');
		SELECT count(*) FROM bandit.drop_partitions('90 days');
		-- today's rows are in the default partitions, tomorrow's in their own
		SELECT count(*) FROM bandit.make_partitions('1 day', at => '_AT_');
		INSERT INTO bandit.decisions (decision_id, bandit, context_hash, subject,
			variant, decided_at, arms, alphas, betas, picks)
		SELECT bandit.first_decision_id('_AT_'::timestamptz + interval '1 day'), 'plain',
			bandit.context_hash('{"n": 1}'), 'tomorrow', 'treatment', now(),
			'{a,b,c}', '{1,1,1}', '{1,1,1}', '{a}';
		SELECT bandit.reward(decision_id, 0.625) FROM bandit.decisions WHERE subject = 'tomorrow';
	};
	$node->safe_psql('postgres', $partitions =~ s/_AT_/$at/gr);
	$node->safe_psql('postgres', q{
		SET client_min_messages = error;
		CREATE TABLE sold (who text, what text, stars int);
		INSERT INTO sold SELECT 'user ' || u, 'thing ' || (u * p) % 30, 1 + (u + p) % 5
			FROM generate_series(1, 40) u, generate_series(1, 8) p;
		CREATE TABLE things (thing text PRIMARY KEY, label text, tags text[]);
		INSERT INTO things SELECT DISTINCT what, 'the ' || what, ARRAY['t' || length(what)] FROM sold;
		SELECT bandit.create_recommender('shop', 'sold', user_column => 'who', item_column => 'what',
			value_column => 'stars', items => 'things', title_column => 'label');
		SELECT count(*) FROM bandit.train('shop');
		CREATE TABLE liked (who text, what text);
		SELECT bandit.watch('shop', 'liked', 'thumbs_up', user_column => 'who', item_column => 'what');
		SELECT count(*) FROM generate_series(1, 10) u,
			LATERAL bandit.recommend('shop', user_key => 'user ' || u, n => 5);
		INSERT INTO liked SELECT 'user ' || u, r.item_key FROM generate_series(11, 20) u,
			LATERAL bandit.recommend('shop', user_key => 'user ' || u, n => 2) r;
		SELECT bandit.start_experiment('shop', 0.5);
		SELECT count(*) FROM generate_series(21, 30) u,
			LATERAL bandit.recommend('shop', user_key => 'user ' || u, n => 5);
		SELECT bandit.set_guard('shop', 'reward_drop', 0.1, 'control');
		SELECT bandit.set_threshold('shop', 'ctr', 0.9, min_sample => 1);
		SELECT bandit.create_recommender('new', 'sold', user_column => 'who', item_column => 'what', arms => '{svd}');
		SELECT count(*) FROM bandit.check_health('new');
		SELECT bandit.create_bandit('offers', '{a,b}', '{country,device}', base_rate => 0.02,
			half_life => '30 days', exploration_floor => 0.01);
		SELECT count(bandit.update_bandit('offers', jsonb_build_object('country', 'x' || g % 3, 'device', 'y' || g % 2),
			CASE WHEN g % 2 = 0 THEN 'a' ELSE 'b' END, CASE WHEN g % 7 = 0 THEN 'success' ELSE 'failure' END))
			FROM generate_series(1, 40) g;
		SELECT bandit.refresh_priors('offers');
		SELECT bandit.create_roles();
		CREATE ROLE web LOGIN IN ROLE bandit_serve;
	});
	return $at;
}

# Of every table, the extension's and the application's: how many rows, and a
# checksum of them by columns' names, whose order a restored dump may change.
sub fingerprint
{
	my ($node, $database) = @_;
	my $query = $node->safe_psql($database // 'postgres', q{
		SELECT string_agg(format('SELECT %L, count(*), md5(string_agg(to_jsonb(t)::text, E''\n'' ORDER BY to_jsonb(t)::text COLLATE "C")) FROM ONLY %s t',
			n.nspname || '.' || c.relname, c.oid::regclass), ' UNION ALL ') || ' ORDER BY 1'
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relkind = 'r' AND n.nspname IN ('bandit', 'bandit_internal', 'public')});

	return $node->safe_psql($database // 'postgres', $query);
}

1;
