# select_arms of 3 in 6, against what one could do instead.
. "$ROOT/bench/lib.sh"
contexts=${CONTEXTS:-1000000}
fresh bandit_bench
say "  $contexts contexts of 6 arms"
file select/setup.sql -v contexts="$contexts"
pgbench -i -q -s 1 2>/dev/null

ALONE=pinned
client() { run "$1@$2" $([ "$2" != 1 ] || echo pinned) /usr/bin/python3 "$ROOT/bench/select/client.py" "$1" "$2" "$SECONDS_EACH"; }
levels=$(printf '%s\n' 1 "$CORES" | sort -nu)
for n in $levels; do
	for work in one primary_key six_rows plpgsql select_arms; do
		bench $work "$n" "$ROOT/bench/select/$work.sql"
	done
	client orm "$n"
	client careful "$n"
done
if [ "$CORES" != 4 ]; then
	bench select_arms 4 "$ROOT/bench/select/select_arms.sql"
	client careful 4
fi
for work in select_borrowed select_aged select_many many_rows select_50 rows_50 select_1000 rows_1000; do
	bench $work 1 "$ROOT/bench/select/$work.sql" -D contexts="$contexts"
done
rounds

for ((i = 0; i < ROUNDS; i++)); do
	# or the planner would keep the rows of a context and not call again
	timed lateral 'SET enable_memoize = off' "SELECT count(*) FROM visits v, LATERAL bandit.select_arms('six', v.context, 3)"
	timed lateral_rows 'SET enable_memoize = off' "SELECT count(*) FROM visits v, LATERAL (SELECT arm, successes, failures
		FROM bandit.evidence e WHERE e.bandit = 'six' AND e.context_hash = v.hash OFFSET 0) six"
	timed apart 'SET enable_memoize = off' "SELECT count(*) FROM apart v, LATERAL bandit.select_arms('many', v.context, 3)"
	timed apart_rows 'SET enable_memoize = off' "SELECT count(*) FROM apart v, LATERAL (SELECT arm, successes, failures
		FROM bandit.evidence e WHERE e.bandit = 'many' AND e.context_hash = v.hash OFFSET 0) six"
done

names() {
	case $1 in
	one) echo '`SELECT 1`' ;;
	primary_key) echo 'primary-key lookup' ;;
	six_rows) echo 'plain SELECT of the six rows' ;;
	plpgsql) echo 'Thompson sampling in PL/pgSQL' ;;
	orm) echo 'SQLAlchemy and NumPy, a query per arm' ;;
	careful) echo 'psycopg2 and NumPy, one prepared query' ;;
	esac
}
for n in $levels; do
	for work in one primary_key six_rows plpgsql orm careful; do
		target=''
		case $work.$n in
		primary_key.1) target='>= 0.75' ;;
		orm.1) target='>= 50' ;;
		careful.1) target='>= 1.5' ;;
		careful.4) target='>= 3' ;;
		esac
		record "\`select_arms\`, $(sessions "$n")" "$(rate "select_arms@$n")" /s "$(names $work)" \
			"$(over "$(rate "select_arms@$n")" "$(rate "$work@$n")")" "$target"
	done
done
[ "$CORES" = 4 ] || record '`select_arms`, 4 sessions' "$(rate select_arms@4)" /s "$(names careful)" \
	"$(over "$(rate select_arms@4)" "$(rate careful@4)")" '>= 3'
record '100,000 calls in one statement (LATERAL)' "$(ms lateral)" ms 'the six-row SELECT in the same place' \
	"$(over "$(ms lateral)" "$(ms lateral_rows)")" '<= 2'
record '100,000 calls in one statement, of 100,000 contexts' "$(ms apart)" ms 'the six-row SELECT in the same place' \
	"$(over "$(ms apart)" "$(ms apart_rows)")"
record "one of $(thousands "$contexts") contexts" "$(rate select_many@1)" /s 'plain SELECT of its six rows' \
	"$(over "$(rate select_many@1)" "$(rate many_rows@1)")"
record '216 contexts' "$(rate select_arms@1)" /s "the same among $(thousands "$contexts")" \
	"$(over "$(rate select_arms@1)" "$(rate select_many@1)")"
record '3 of 50 arms' "$(rate select_50@1)" /s 'plain SELECT of the 50 rows' \
	"$(over "$(rate select_50@1)" "$(rate rows_50@1)")"
record '3 of 1,000 arms' "$(rate select_1000@1)" /s 'plain SELECT of the 1,000 rows' \
	"$(over "$(rate select_1000@1)" "$(rate rows_1000@1)")"
record 'with priors borrowed from wider contexts' "$(rate select_borrowed@1)" /s 'without' \
	"$(over "$(rate select_borrowed@1)" "$(rate select_arms@1)")"
record 'with a half-life' "$(rate select_aged@1)" /s 'without' \
	"$(over "$(rate select_aged@1)" "$(rate select_arms@1)")"
dropdb --force bandit_bench
