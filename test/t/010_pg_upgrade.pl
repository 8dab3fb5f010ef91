# An older server with a history, upgraded by pg_upgrade, and dumped by either
# pg_dump: every row is there, and everything goes on.
#
# BANDIT_OLD_SERVER names the installation of the older server, with the
# extension in it; "make test-versions" sets it.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use BanditTest;

my $place = $ENV{BANDIT_OLD_SERVER};
plan skip_all => 'no older server with the extension: make test-versions has one' unless $place;

my $old = make_node('old', install_path => $place);
make_history($old);
$old->safe_psql('postgres', q{
	GRANT EXECUTE ON FUNCTION public.any_film TO web;
	GRANT SELECT ON stars, films TO web;
	SELECT bandit.set_node('berlin')});
my $before = fingerprint($old);
unlike($before, qr/^bandit\.(?!revisions|forwarded)\w+\|0\|/m, 'there is something of everything');
my %settings = (
	'the grants' => q{SELECT count(*), md5(string_agg(concat_ws(' ', p.oid::regprocedure, a.grantee::regrole::text, a.privilege_type), E'\n'
			ORDER BY p.oid::regprocedure::text COLLATE "C", a.grantee::regrole::text COLLATE "C"))
		FROM pg_proc p, aclexplode(p.proacl) a WHERE p.pronamespace IN ('bandit'::regnamespace, 'bandit_internal'::regnamespace)},
	'the triggers' => q{SELECT string_agg(concat_ws(' ', tgrelid::regclass, tgenabled, pg_get_triggerdef(oid)), E'\n'
			ORDER BY tgrelid::regclass::text COLLATE "C", tgname)
		FROM pg_trigger WHERE NOT tgisinternal},
	'the partitions' => q{SELECT string_agg(concat_ws(' ', inhparent::regclass, inhrelid::regclass, inhdetachpending), E'\n'
			ORDER BY inhparent::regclass::text COLLATE "C", inhrelid::regclass::text COLLATE "C") FROM pg_inherits},
	'the extension' => q{SELECT e.extversion, string_agg(pg_describe_object(d.classid, d.objid, d.objsubid), E'\n'
			ORDER BY pg_describe_object(d.classid, d.objid, d.objsubid) COLLATE "C")
		FROM pg_extension e, pg_depend d
		WHERE e.extname = 'bandit' AND d.refobjid = e.oid AND d.deptype = 'e'
			-- which types of rows are among them depends on the version
			AND NOT (d.classid = 'pg_type'::regclass AND EXISTS (SELECT FROM pg_type t
				WHERE t.oid = d.objid AND (t.typrelid <> 0 OR t.typelem <> 0)))
		GROUP BY 1});
my %settings_before = map { $_ => $old->safe_psql('postgres', $settings{$_}) } keys %settings;
# to the bit: what the same seed draws, and what svd recommends
my $draws = q{SELECT bandit.set_seed(5);
	SELECT string_agg(concat_ws(' ', arm, sample, alpha, beta), ',' ORDER BY rank) FROM bandit.select_arms('plain', '{"n": 1}', 3);
	SELECT string_agg(concat_ws(' ', c.item_key, c.score), ',' ORDER BY c.score DESC, c.item_key)
	FROM generate_series(1, 40) u, LATERAL bandit.candidates('shop', 'item_cf', user_key => 'user ' || u, n => 5) c};
my $draws_before = $old->safe_psql('postgres', $draws);

sub goes_on
{
	my ($node, $what) = @_;

	is(fingerprint($node), $before, "$what: every row of every table is there");
	is($node->safe_psql('postgres', $settings{$_}), $settings_before{$_}, "$what: $_ too")
	  foreach sort keys %settings;
	is($node->safe_psql('postgres', $draws), $draws_before, "$what: the same seed draws the same, the models recommend the same");
	is($node->safe_psql('postgres', q{
			SELECT name, v FROM bandit.bandits, LATERAL bandit.verify(name) v}), '',
		"$what: the evidence is the fold of the ledger");
	is($node->safe_psql('postgres', q{
			SELECT count(*) FROM bandit.recommend('films', 7, 5);
			SELECT count(*) > 0 FROM bandit.recommend('shop', user_key => 'user 35', n => 5)},
			extra_params => [ '-U', 'postgres' ]),
		"5\nt", "$what: lists are made");
	is($node->safe_psql('postgres', q{SELECT count(*) FROM bandit.recommend('films', 8, 5)},
			extra_params => [ '-U', 'web' ]), '5', "$what: for a role with the grants, too");
	is($node->safe_psql('postgres', q{
			INSERT INTO clicks SELECT 7, items[1] FROM bandit.decisions WHERE bandit = 'films' AND subject = '7';
			INSERT INTO liked SELECT 'user 35', t.thing FROM bandit.decisions d
			JOIN things t ON bandit.key_id(t.thing) = d.items[1] WHERE d.bandit = 'shop' AND d.subject = 'user 35';
			SELECT bandit.reward(decision_id, 0.75) FROM bandit.choose('plain', '{"n": 2}');
			SELECT count(*) FROM bandit.feedback f JOIN bandit.decisions d USING (decision_id, bandit)
			WHERE d.subject IN ('7', 'user 35') OR f.reward = 0.75}),
		"t\n3", "$what: watched tables and calls teach");
	is($node->safe_psql('postgres', q{
			SET client_min_messages = error;
			SELECT bandit.settle('shop', now() + interval '2 days') > 0;
			SELECT count(*) FROM bandit.train('shop');
			SELECT count(*) FROM bandit.models WHERE bandit = 'shop' AND trained_at > now() - interval '1 minute';
			SELECT string_agg(action, ' ') FROM bandit.drop_partitions();
			SELECT count(*) > 0 FROM bandit.make_partitions('3 days');
			SELECT bandit.set_node('berlin');
			SELECT bandit.update_bandit('plain', '{"n": 1}', 'a', 'success');
			SELECT node FROM bandit.feedback ORDER BY received_at DESC LIMIT 1;
			SELECT name, v FROM bandit.bandits, LATERAL bandit.verify(name) v}),
		"t\n6\n6\ndropped\nt\n\n\nberlin", "$what: settlement, training and retention go on");
	return;
}

# What the last minor release of the older server keeps, the newer one has to
# know: sid's may be of an earlier wave.
sub too_old
{
	my ($node, @texts) = @_;
	return $node->pg_version >= 18 && grep { /\bpg_attver\b/ } @texts;
}

# pg_upgrade
my $new = PostgreSQL::Test::Cluster->new('new');
$new->init($new->pg_version >= 18 ? (extra => [ '--no-data-checksums' ]) : ());
$new->append_conf('postgresql.conf', "max_connections = 60\nmax_prepared_transactions = 4\n");
$old->stop;
SKIP:
{
	local $ENV{LD_LIBRARY_PATH} = "$place/lib";
	my $dir = PostgreSQL::Test::Utils::tempdir_short();
	my @logs;

	run_log([ 'sh', '-c', 'cd "$1" && shift && exec "$@"', 'sh', $dir, 'pg_upgrade', '--no-sync',
		'--old-datadir', $old->data_dir, '--new-datadir', $new->data_dir,
		'--old-bindir', "$place/bin", '--new-bindir', $new->config_data('--bindir'),
		'--socketdir', $dir, '--old-port', $old->port, '--new-port', $new->port ])
	  or @logs = map { slurp_file($_) } glob($new->data_dir . '/pg_upgrade_output.d/*/log/*.log');

	skip 'pg_upgrade: a newer minor release of 18 is needed', 11
	  if too_old($new, @logs);
	is(join('', map { substr($_, -2000) } @logs), '', 'pg_upgrade has nothing to say against it');
	$new->start;
	goes_on($new, 'pg_upgrade');
	$new->stop;
}

# dumps, by the older pg_dump and by the newer
$old->start;
foreach my $bin ("$place/bin", $new->config_data('--bindir'))
{
	my ($what) = map { /(\d+)/ } (run_command([ "$bin/pg_dump", '--version' ]))[0];
	my $file = PostgreSQL::Test::Utils::tempdir() . '/dump';
	my @from = ('-h', $old->host, '-p', $old->port);

	command_ok([ "$bin/pg_dump", @from, '-f', $file, 'postgres' ], "pg_dump $what: dumped");
	command_ok([ 'pg_dumpall', @from, '--roles-only', '-f', "$file.roles" ], "pg_dump $what: the roles");
	SKIP:
	{
		skip "pg_dump $what: a newer minor release of it is needed", 11
		  if too_old($new, slurp_file($file));
		my $node = make_node("dumped$what");
		my @to = ('-X', '-q', '-h', $node->host, '-p', $node->port, '-d', 'postgres');

		# the superuser is there already
		run_command([ 'psql', @to, '-f', "$file.roles" ]);
		$node->command_ok([ 'psql', @to, '-v', 'ON_ERROR_STOP=1', '-f', $file ], "pg_dump $what: restored");
		goes_on($node, "pg_dump $what");
		$node->stop;
	}
}
$old->stop;
done_testing();
