# A streaming standby serves; what must write says so.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use BanditTest;

my $primary = make_node('primary', allows_streaming => 1);
make_bandit($primary);
$primary->safe_psql('postgres', q{
	SELECT bandit.update_bandit('plain', '{"n": 1}', 'b', 'success') FROM generate_series(1, 10)});
$primary->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->start;
$primary->wait_for_catchup($standby);

is($standby->safe_psql('postgres',
		q{SELECT alpha FROM bandit.select_arms('plain', '{"n": 1}') WHERE arm = 'b'}),
	'11', 'select_arms serves on a standby');
is($standby->safe_psql('postgres',
		q{SELECT count(*), count(decision_id) FROM bandit.recommend('films', 1, 7)}),
	'7|0', 'recommend serves, without a decision');
is($standby->safe_psql('postgres',
		q{SELECT bandit.user_context('films', 1) = '{}', count(*) FROM bandit.arm_stats}),
	't|4', 'contexts and statistics can be read');

foreach my $write (
	q{SELECT * FROM bandit.choose('plain')},
	q{SELECT bandit.update_bandit('plain', '{}', 'a', 'success')},
	q{SELECT bandit.reward(gen_random_uuid(), 1)},
	q{SELECT * FROM bandit.train('films')})
{
	my ($ret, $out, $err) = $standby->psql('postgres', "\\set VERBOSITY verbose\n$write");
	like($err, qr/25006: cannot .*\n(.*\n)*HINT: /, "$write: says what to do");
}

# a session on the standby that has the settings cached learns of a change
my $session = $standby->background_psql('postgres') if $standby->can('background_psql');
SKIP:
{
	skip 'no background psql in this version', 1 unless $session && $session->can('query');
	$session->query(q{SELECT count(*) FROM bandit.select_arms('plain')});
	$primary->safe_psql('postgres', q{SELECT bandit.set_arm('plain', 'a', false)});
	$primary->wait_for_catchup($standby);
	is($session->query(q{SELECT count(*) FROM bandit.select_arms('plain')}), '2',
		'a change of settings reaches a session on the standby');
	$session->quit;
}

$standby->promote;
$standby->poll_query_until('postgres', 'SELECT NOT pg_is_in_recovery()');
$standby->safe_psql('postgres',
	q{SELECT bandit.update_bandit('plain', '{"n": 1}', 'b', 'success')});
ok(is_sound($standby), 'after promotion it learns');

$standby->stop;
$primary->stop;
done_testing();
