# What the tests with servers of their own share: a node with a bandit and a
# watched table, and pgbench scripts that use them.
package BanditTest;

use strict;
use warnings;
use Exporter 'import';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;

our @EXPORT = qw(make_node make_bandit load_scripts is_sound);

sub make_node
{
	my ($name, %options) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);

	$node->init(%options);
	$node->append_conf('postgresql.conf',
		"max_connections = 60\nmax_prepared_transactions = 4\nlog_min_messages = error\n");
	$node->start;
	return $node;
}

# A plain bandit, and a recommender with a watched table of clicks.
sub make_bandit
{
	my ($node) = @_;

	$node->safe_psql('postgres', q{
		SET client_min_messages = warning;
		CREATE EXTENSION bandit;
		SELECT bandit.create_bandit('plain', ARRAY['a', 'b', 'c'], ARRAY['n']);
		CREATE TABLE films (id int PRIMARY KEY, title text);
		INSERT INTO films SELECT g, 'film ' || g FROM generate_series(1, 50) g;
		CREATE TABLE stars (user_id int, film_id int, rating int, rated_at timestamptz DEFAULT now());
		CREATE INDEX ON stars (user_id);
		CREATE TABLE clicks (user_id int, film_id int);
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

# Mixed load: decisions, rewards, watched rows, aborts and savepoints.
sub load_scripts
{
	my ($dir) = @_;
	my %scripts = (
		'reward.sql' => q{
\set end random(1, 10)
\set context random(1, 3)
BEGIN;
SELECT bandit.reward(decision_id, random())
	FROM bandit.choose('plain', jsonb_build_object('n', :context));
SAVEPOINT s;
SELECT bandit.update_bandit('plain', '{"n": 1}', 'a', 'success');
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
		'hot.sql' => q{
SELECT bandit.update_bandit('plain', '{"n": 1}', 'a', 'failure');
});

	foreach my $name (keys %scripts)
	{
		PostgreSQL::Test::Utils::append_to_file("$dir/$name", $scripts{$name});
	}
	return map { ('-f', "$dir/$_") } sort keys %scripts;
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

1;
