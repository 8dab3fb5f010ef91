# However the session that installs it is set, and whoever owns it then.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use BanditTest;

my $node = make_node('installing');
my $catalog = slurp_file('test/upgrade/catalog.sql');
my $old = -e $node->config_data('--sharedir') . '/extension/bandit--0.1.0.sql';

# what backslashes in a literal mean is a setting, that of the script too
$node->safe_psql('postgres', 'CREATE DATABASE usual');
$node->safe_psql('usual', 'CREATE EXTENSION bandit');
foreach my $way ('CREATE EXTENSION bandit', "CREATE EXTENSION bandit VERSION '0.1.0'; SET standard_conforming_strings = off; ALTER EXTENSION bandit UPDATE")
{
  SKIP:
	{
		skip 'the first version is not there', 1 if $way =~ /0\.1\.0/ && !$old;
		my $before = $way =~ /0\.1\.0/ ? '' : 'SET standard_conforming_strings = off;';
		$node->safe_psql('postgres', 'DROP DATABASE IF EXISTS unusual; CREATE DATABASE unusual');
		$node->psql('unusual', "SET escape_string_warning = off; $before $way");
		ok($node->safe_psql('unusual', $catalog) eq $node->safe_psql('usual', $catalog),
			'the same objects without standard_conforming_strings');
	}
}

# an owner who is no superuser, or no longer
$node->safe_psql('postgres', 'CREATE ROLE boss SUPERUSER LOGIN; CREATE ROLE heir LOGIN; CREATE DATABASE owned');
my @boss = (extra_params => [ '-U', 'boss' ]);
my @heir = (extra_params => [ '-U', 'heir' ]);
$node->safe_psql('owned', q{CREATE EXTENSION bandit; SELECT bandit.create_bandit('ab', '{a,b}')}, @boss);
$node->safe_psql('owned', 'ALTER ROLE boss NOSUPERUSER; REASSIGN OWNED BY boss TO heir');
is($node->safe_psql('owned', q{SELECT bandit.reward(decision_id, 1) FROM bandit.choose('ab')}), 't', 'learns as its new owner');
foreach my $who ('anybody', 'the owner')
{
	my ($ret, $out, $err) = $node->psql('owned', q{
		SET client_min_messages = warning;
		SELECT count(*) > 2 FROM bandit.make_partitions('3 days', '1 day', now() + interval '1 day' * (SELECT count(*) FROM pg_inherits));
		SELECT count(*) FROM bandit.drop_partitions('1 day', now() + interval '1 year') WHERE action = 'dropped';
		SHOW deadlock_timeout}, $who eq 'the owner' ? @heir : ());
	like($out, qr/^t\n\d+\n1s$/, "$who makes partitions and drops them") or diag($err);
}
is(($node->psql('owned', q{SELECT bandit.set_node('here')}, @heir))[0], 0, 'the owner names the node');
is($node->safe_psql('usual', q{BEGIN; SET deadlock_timeout = '2s'; SELECT count(*) > 2 FROM bandit.make_partitions(); SHOW deadlock_timeout}),
	"t\n2s", 'a session keeps its deadlock_timeout');

$node->stop;
done_testing();
