# A statement that is cut anywhere leaves everything as it was: the data, the
# session, the model in service.  And a cancel is never taken for a failure of
# an arm's or an attribution's, that others could make good.
#
# Where a statement is cut is exact: a trigger on every table of the extension,
# an event trigger and the tables that a recommender reads count how often they
# are passed; the one that is told raises an error, cancels or terminates the
# session.  Computations in between are cut by statement_timeout, wherever.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use BanditTest;

my $POINTS = 25;				# at which a statement is cut, at most

my $node = make_node('cancel');
$node->append_conf('postgresql.conf', "log_min_messages = warning\n");
$node->reload;
make_bandit($node);
make_library($node);
$node->safe_psql('postgres', q{
	SET client_min_messages = warning;
	CREATE SCHEMA hurdle;
	CREATE SEQUENCE hurdle.passed;
	CREATE TABLE hurdle.told (at bigint, kind text);
	INSERT INTO hurdle.told VALUES (0, '');
	CREATE FUNCTION hurdle.pass() RETURNS boolean LANGUAGE plpgsql VOLATILE SECURITY DEFINER AS $$
	DECLARE
		kind text := (SELECT t.kind FROM hurdle.told t WHERE t.at = nextval('hurdle.passed'));
	BEGIN
		IF kind = 'cancel' THEN
			PERFORM pg_cancel_backend(pg_backend_pid());
		ELSIF kind = 'terminate' THEN
			PERFORM pg_terminate_backend(pg_backend_pid());
		ELSIF kind IS NOT NULL THEN
			RAISE EXCEPTION 'told to fail' USING ERRCODE = kind;
		END IF;
		RETURN true;
	END $$;
	CREATE FUNCTION hurdle.tell(at bigint, kind text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$
	BEGIN
		UPDATE hurdle.told t SET at = tell.at, kind = tell.kind;
		PERFORM setval('hurdle.passed', 1, false);
	END $$;
	CREATE FUNCTION hurdle.row() RETURNS trigger LANGUAGE plpgsql AS $$
	BEGIN
		PERFORM hurdle.pass();
		RETURN coalesce(NEW, OLD);
	END $$;
	CREATE FUNCTION hurdle.ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$
	BEGIN
		PERFORM hurdle.pass();
	END $$;
	-- all that is stored, as one value
	CREATE FUNCTION hurdle.digest() RETURNS text LANGUAGE plpgsql SECURITY DEFINER AS $$
	DECLARE
		name text;
		one text;
		everything text := '';
	BEGIN
		FOR name IN SELECT c.oid::regclass FROM pg_class c
			WHERE relnamespace = 'bandit'::regnamespace AND relkind = 'r' ORDER BY 1
		LOOP
			EXECUTE format('SELECT md5(string_agg(t::text, '','' ORDER BY t::text)) FROM %s t', name) INTO one;
			everything := everything || name || coalesce(one, '');
		END LOOP;
		RETURN md5(everything);
	END $$;
	-- what a session must not keep of a statement that was cut
	CREATE FUNCTION hurdle.kept() RETURNS text LANGUAGE sql AS $$
		SELECT concat_ws(' ', count(*) FILTER (WHERE l.locktype IN ('advisory', 'transactionid')
				OR c.relnamespace = 'bandit'::regnamespace),
			current_user, current_setting('enable_seqscan'), current_setting('search_path'))
		FROM pg_locks l LEFT JOIN pg_class c ON c.oid = l.relation
		WHERE l.pid = pg_backend_pid()
	$$;
	CREATE VIEW read_stars AS SELECT * FROM stars WHERE hurdle.pass();
	CREATE VIEW read_films AS SELECT * FROM films WHERE hurdle.pass();
	UPDATE bandit.recommenders SET ratings = 'read_stars', items = 'read_films' WHERE bandit = 'films';
	CREATE OR REPLACE FUNCTION any_film(user_id bigint, n int)
		RETURNS TABLE (item_id bigint, score float8)
		LANGUAGE sql STABLE AS 'SELECT id, id FROM public.read_films ORDER BY id DESC LIMIT n';
	DO $$
	DECLARE name text;
	BEGIN
		FOR name IN SELECT c.oid::regclass FROM pg_class c
			WHERE relnamespace = 'bandit'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
		LOOP
			EXECUTE format('CREATE TRIGGER hurdle BEFORE INSERT OR UPDATE OR DELETE ON %s
				FOR EACH ROW EXECUTE FUNCTION hurdle.row()', name);
		END LOOP;
	END $$;
	CREATE EVENT TRIGGER hurdle ON ddl_command_end EXECUTE FUNCTION hurdle.ddl();
	CREATE EVENT TRIGGER hurdle_drop ON sql_drop EXECUTE FUNCTION hurdle.ddl();
	-- not the owner, so that rights that were lent show
	CREATE ROLE web LOGIN;
	SELECT bandit.grant_access('web', 'admin');
	GRANT USAGE ON SCHEMA hurdle TO web;
	GRANT SELECT ON hurdle.passed TO web;
	GRANT pg_read_all_stats TO web;
	GRANT ALL ON ALL TABLES IN SCHEMA public TO web;
	GRANT EXECUTE ON FUNCTION any_film TO web;
	SELECT count(*) FROM bandit.make_partitions('2 days');
	-- something to fold, to mend, to settle, to borrow, to drop
	INSERT INTO bandit.evidence SELECT bandit, context_hash, arm, -g, successes, failures, 1, updated_at
		FROM bandit.evidence, generate_series(1, 3) g WHERE bandit = 'plain';
	SELECT count(*) FROM generate_series(1, 5) g, bandit.choose('plain', jsonb_build_object('n', g % 3));
	INSERT INTO bandit.thresholds (bandit, metric, threshold, severity, min_sample)
		VALUES ('films', 'untrained_arms', -1, 'critical', 0);
});

# Statements, and how they are rid of what they did where they are not cut.
my %statements = (
	train => q{SELECT count(*) FROM bandit.train('films')},
	evaluate => q{SELECT count(*) FROM bandit.evaluate('films', '{svd,item_cf}')},
	recommend => q{SELECT count(*) FROM bandit.recommend('films', 3, 5, true)},
	shadow => q{SELECT bandit.shadow_recommend('films', 3, '{1,2,3}')},
	choose => q{SELECT count(*) FROM bandit.choose('plain', '{"n": 77}')},
	update => q{SELECT bandit.update_bandit('plain', '{"n": 78}', 'a', 'success')},
	click => q{INSERT INTO clicks SELECT subject::int, items[2] FROM bandit.decisions
		WHERE bandit = 'films' AND variant = 'treatment' AND items[2] IS NOT NULL},
	settle => q{SELECT bandit.settle('films', now() + interval '2 days', 7)},
	fold => q{SELECT bandit.fold('plain')},
	rebuild => q{SELECT bandit.rebuild('plain')},
	refresh => q{SELECT bandit.refresh_priors('plain')},
	make => q{SELECT count(*) FROM bandit.make_partitions('6 days')},
	drop => q{SELECT count(*) FROM bandit.drop_partitions('0', now() + interval '4 days')},
	check => q{SELECT count(*) FROM bandit.check_health('films')},
	report => q{SELECT length(bandit.report('films'))},
	verify => q{SELECT count(*) FROM bandit.verify('films')},
	experiment => q{SELECT count(*) FROM bandit.experiment_report('films')},
	regret => q{SELECT count(*) FROM bandit.regret('films')},
	policy => q{SELECT count(*) FROM bandit.evaluate_policy('films', 'uniform')},
	add_arm => q{SELECT bandit.add_arm('films', 'graph')},
	create => q{SELECT bandit.create_bandit('more', '{x,y,z}')},
	drop_bandit => q{SELECT bandit.drop_bandit('films')});

my $error;

# Runs a script in one session, which errors do not end; lines of output.
sub session
{
	my ($script) = @_;
	my ($ret, $out, $err) = $node->psql('postgres', "SET client_min_messages = error;\n$script",
		on_error_stop => 0, extra_params => [ '-U', 'web' ]);

	$error = $err;
	return split /\n/, $out;
}

# How often a statement passes a hurdle.
sub passes
{
	my ($statement) = @_;
	my @lines = session("SELECT FROM hurdle.tell(0, '');
		SELECT FROM bandit.set_seed(5);
		BEGIN;
		$statement;
		\\echo :SQLSTATE
		ROLLBACK;
		SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM hurdle.passed;");

	die "$statement: @lines $error" unless $lines[-2] eq '00000';
	return $lines[-1];
}

# Some of 1 .. n, the first and the last among them.
sub some
{
	my ($n) = @_;
	my %points = map { 1 + int($_ * ($n - 1) / ($POINTS - 1)) => 1 } 0 .. $POINTS - 1;

	return $n == 0 ? () : sort { $a <=> $b } keys %points;
}

# Cuts the statement at each of the points, or after each of the times; what
# came of it, point by point: SQLSTATE, whether all that is stored is as it
# was, and what the session has kept.
sub cut
{
	my ($statement, $kind, @points) = @_;
	my $script = "SELECT hurdle.digest() AS before \\gset\n";
	my $timed = $kind eq 'timeout';
	my $undone = $timed || $kind =~ s/^survive //;

	foreach my $point (@points)
	{
		$script .= $timed ? "SELECT FROM hurdle.tell(0, '');\n" :
		  "SELECT FROM hurdle.tell($point, '$kind');\n";
		$script .= "SELECT FROM bandit.set_seed(5);\n";
		$script .= "BEGIN;\n" if $undone;
		$script .= "SET LOCAL statement_timeout = $point;\n" if $timed;
		$script .= "$statement;\n\\set state :SQLSTATE\n";
		# twice: the clock may strike in the first
		$script .= "ROLLBACK;\n" x 2 if $undone;
		$script .= "SELECT hurdle.kept() AS kept \\gset\n";
		$script .= "SELECT :'state', hurdle.digest() = :'before', :'kept';\n";
	}
	return grep { /^\w{5}\|/ } session($script);
}

sub tally
{
	my %seen;
	$seen{$_}++ foreach @_;
	return join(', ', map { "$seen{$_} x $_" } sort keys %seen);
}

my $clean = 't|0 web on "$user", public';

# Who may make an error of the server's good: what learns or serves on the way.
my %tolerant = map { $_ => 1 } qw(click recommend shadow);
my $cuts = 0;

foreach my $name (sort keys %statements)
{
	my $n = passes($statements{$name});
	my @points = some($n);
	my @states = cut($statements{$name}, 'cancel', @points);

	$cuts += @states;
	is(tally(@states), @points ? @points . " x 57014|$clean" : '',
		"$name, cancelled at " . @points . " of $n points, leaves everything as it was");
	next if $tolerant{$name};
	is(tally(cut($statements{$name}, '53100', @points)),
		@points ? @points . " x 53100|$clean" : '', 'so it does where the disk is full');
}
cmp_ok($cuts, '>', 100, 'more than a hundred cancels');

# The same, by the clock, where there is nothing to pass: from the first
# millisecond to the last.
my ($timed, $finished) = (0, 0);
foreach my $name (sort keys %statements)
{
	my @states = cut($statements{$name}, 'timeout', 1 .. 8, 12, 16, 24, 32, 48, 64);

	is(tally(grep { !/^(57014|00000)\|\Q$clean\E$/ } @states), '',
		"$name, cut by the clock, leaves everything as it was");
	$timed += grep { /^57014/ } @states;
	$finished += grep { /^00000/ } @states;
}
note("by the clock: $timed were cut, $finished finished");

# What an application's statement survives: its own rows are there, nothing is
# learnt from those that could not be, and the session serves on.
foreach my $kind ('53100', '53200', 'XX000')
{
	my @points = some(passes($statements{click}));
	my @states = cut($statements{click}, "survive $kind", @points);

	is(tally(@states), @points . " x 00000|$clean", "$kind in the trigger does not fail the insert");
}
my @lines = session(qq{
	SELECT count(*) AS before FROM clicks \\gset
	SELECT hurdle.digest() AS digest \\gset
	SELECT FROM hurdle.tell(1, '53100');
	INSERT INTO clicks SELECT subject::int, items[2] FROM bandit.decisions
		WHERE bandit = 'films' AND variant = 'treatment' AND items[2] IS NOT NULL LIMIT 1;
	SELECT count(*) - :before, hurdle.digest() = :'digest' FROM clicks;
	DELETE FROM clicks WHERE ctid = (SELECT max(ctid) FROM clicks)});
is("@lines", '1|t', 'the row is there, and nothing half learnt of it');

# A session that is ended in the middle leaves nothing either.
foreach my $name (qw(train settle click drop))
{
	foreach my $point (1, passes($statements{$name}))
	{
		my $before = $node->safe_psql('postgres', 'SELECT hurdle.digest()');
		my ($ret, $out, $err) = $node->psql('postgres',
			"SELECT FROM hurdle.tell($point, 'terminate');
			SELECT FROM bandit.set_seed(5);
			$statements{$name}", extra_params => [ '-U', 'web' ]);

		like($err, qr/terminating connection due to administrator command/,
			"$name, its session ended at point $point");
		is($node->safe_psql('postgres', 'SELECT hurdle.digest()'), $before, 'nothing is left of it');
	}
}

# Two hundred cancelled statements in one session: its memory stays as it is.
# Twenty-five of each kind come first, for what a session keeps on purpose.
my @mixed = qw(train recommend click settle check report);
my $body = '';
foreach my $round (1 .. 60)
{
	foreach my $name (@mixed)
	{
		$body .= "SELECT FROM hurdle.tell(" . ($round % 8 + 1) . ", 'cancel');
			$statements{$name};\n";
	}
	$body .= "SELECT sum(total_bytes), count(*) FROM pg_backend_memory_contexts;\n"
	  if $round == 25 || $round == 60;
}
@lines = grep { /^\d+\|\d+$/ } session($body);
note("memory after 150 and after 360 statements: @lines");
my ($early, $late) = map { (split /\|/)[0] } @lines;
is(scalar @lines, 2, 'memory was measured');
cmp_ok($late - $early, '<', 65536, 'a session that is cancelled often does not grow');

# And everything goes on: the model in service is the old one, and usable.
@lines = session("SELECT FROM hurdle.tell(0, '');
	SELECT count(*) FROM bandit.predict('films', 'svd', 1, '{1,2,3}') WHERE predicted > 0;
	SELECT count(*) FROM bandit.recommend('films', 3, 5, true);
	SELECT count(*) > 2 FROM bandit.train('films');");
is("@lines", '3 5 t', 'serving and training go on');
$node->safe_psql('postgres', "SELECT bandit.rebuild('plain')");
ok(is_sound($node), 'evidence is the fold of the ledger');

# An arm that takes for ever, and one that catches everything: a cancel is no
# failure of an arm's.  None of these ends by itself; the verdict is that each
# ends at all, with the error of a cancel.
$node->safe_psql('postgres', q{
	SET client_min_messages = error;
	CREATE VIEW endless AS SELECT (g % 1000)::int AS user_id, (g % 777)::int AS film_id,
		(g % 5)::int AS rating FROM generate_series(1, 1000000000000) g;
	CREATE FUNCTION endless_arm(user_id bigint, n int) RETURNS TABLE (item_id bigint, score float8)
		LANGUAGE sql STABLE AS 'SELECT count(*), 1.0 FROM endless';
	CREATE FUNCTION deaf_arm(user_id bigint, n int) RETURNS TABLE (item_id bigint, score float8)
		LANGUAGE plpgsql STABLE AS $$ BEGIN
			RETURN QUERY SELECT count(*), 1.0::float8 FROM endless;
		EXCEPTION WHEN others THEN
			RETURN;
		END $$;
	SELECT bandit.create_recommender('slow', 'endless', arms => '{}', features => '{}');
	SELECT bandit.add_arm('slow', 'endless', 'endless_arm(bigint,int)');
	SELECT bandit.create_recommender('deaf', 'stars', arms => '{}', features => '{}');
	SELECT bandit.add_arm('deaf', 'deaf', 'deaf_arm(bigint,int)');
	CREATE TABLE large AS SELECT u AS user_id, (u * 31 + i * 7) % 4000 AS film_id, (u + i) % 5 AS rating
		FROM generate_series(1, 5000) u, generate_series(1, 40) i;
	SELECT bandit.create_recommender('large', 'large', arms => '{svd}');
	UPDATE bandit.arms SET options = '{"rank": 256, "iterations": 100}' WHERE bandit = 'large' AND arm = 'svd';
});
my $shapes = q{array(SELECT 1 + i::float8 FROM generate_series(1, %d) i),
	array(SELECT 2000 - i::float8 / %d FROM generate_series(1, %d) i)};
sub shapes { my $n = shift; return sprintf($shapes, $n, $n, $n); }
my %endless = (
	"an arm" => q{SELECT * FROM bandit.candidates('deaf', 'deaf', 1)},
	"a list with an arm that catches errors" => q{SELECT * FROM bandit.recommend('deaf', 1)},
	"a list of a slow recommender" => q{SELECT * FROM bandit.recommend('slow', 1)},
	"reading what is trained on" => q{SELECT * FROM bandit.train('slow')},
	"factorising" => q{SELECT * FROM bandit.train('large')},
	"rank_propensity" => 'SELECT bandit.rank_propensity(' . shapes(1000) . ', 1000)',
	"top_k_propensity" => 'SELECT bandit.top_k_propensity(' . shapes(100000) . ', 500)',
	"policy_propensity" => "SELECT bandit.policy_propensity('top_two', " . shapes(20000) . ', 500)',
	"expected_losses" => 'SELECT bandit.expected_losses(' . shapes(100000) . ')',
	"simulate" => q{SELECT * FROM bandit.simulate('{0.1,0.2}', 2000000000, 1)},
	"beta_sample" => q{SELECT count(*) FROM bandit.beta_sample(2, 3, 2000000000)});
foreach my $what (sort keys %endless)
{
	foreach my $after (100, 700)
	{
		my $late = 0;
		my ($ret, $out, $err) = $node->psql('postgres',
			"SET maintenance_work_mem = '2GB'; SET statement_timeout = $after;
			\\set VERBOSITY sqlstate
			$endless{$what}", timeout => 120, timed_out => \$late);

		like($late ? 'did not end' : $err, qr/ERROR:  57014/, "$what ends when it is cancelled");
	}
}

my $log = PostgreSQL::Test::Utils::slurp_file($node->logfile);
is(join("\n", $log =~ /^.*(?:leak|still referenced|PANIC|TRAP|terminated by signal).*$/mg), '',
	'nothing leaked, says the log');

$node->stop;
done_testing();
