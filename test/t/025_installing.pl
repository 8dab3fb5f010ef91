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

$node->stop;
done_testing();
