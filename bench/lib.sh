# What the sections of the benchmark share.  To be sourced by bench/SECTION.sh,
# which scripts/bench runs with ROOT, SECTION, RESULTS, WORK, SECONDS_EACH,
# ROUNDS and FULL in the environment and PG* set.
#
# load WORK CLIENTS COMMAND...	one run of something that prints "tps = N"
# rounds						every run that was named, in interleaved rounds
# median FILE, per FILE			of the rounds
# record						a row of the results
#
# A run is named WORK@CLIENTS.  Only ratios of one run of this script are
# compared; rounds are interleaved, so that all see the same noise.

say() { printf '%s\n' "$*"; }
value() { psql -X -At -F ' ' -v ON_ERROR_STOP=1 -c "$1"; }
quietly() { PGOPTIONS='-c client_min_messages=warning' psql -X -q -v ON_ERROR_STOP=1 "$@" >/dev/null; }
file() { quietly "${@:2}" -f "$ROOT/bench/$1"; }
fresh() {
	PGOPTIONS='-c client_min_messages=warning' dropdb --force --if-exists "$1"
	createdb "$1"
	export PGDATABASE=$1
}

# fsync VALUE: whether commits reach the disk, on the private server
fsync() {
	psql -X -q -d postgres -c "ALTER SYSTEM SET fsync = $1" -c 'SELECT pg_reload_conf()' >/dev/null
	until [ "$(value 'SHOW fsync')" = "$1" ]; do :; done
}
# thousands N: with commas, whatever the locale
thousands() { sed -E ':a; s/^([0-9]+)([0-9]{3})/\1,\2/; ta' <<< "$1"; }
sessions() { [ "$1" = 1 ] && say '1 session' || say "$1 sessions"; }

# ---------------------------------------------------------------- rates

RUNS=()
declare -A COMMANDS
# bench WORK CLIENTS SCRIPT OPTIONS...: a run of pgbench
bench() {
	local work=$1 clients=$2 script=$3
	shift 3
	run "$work@$clients" ${ALONE:+$([ "$clients" != 1 ] || echo pinned)} pgbench -n -M prepared -c "$clients" \
		-j "$((clients < CORES ? clients : CORES))" -T "$SECONDS_EACH" -f "$script" "$@"
}
# run NAME COMMAND...: a run of a command that prints "tps = N"
run() {
	RUNS+=("$1")
	printf -v COMMANDS["$1"] '%q ' "${@:2}"
}
# pinned COMMAND...: a client, and the backends that it gets, on one processor.
# Where each has one for itself, both sleep by turns, and to wake an idle virtual
# processor takes longer than a selection.
pinned() {
	local postmaster all status=0
	postmaster=$(head -n 1 "$DATA_DIR/postmaster.pid")
	all=$(taskset -pc $$ | sed 's/.*: //')
	taskset -pc "${all%%[-,]*}" "$postmaster" >/dev/null
	taskset -c "${all%%[-,]*}" "$@" || status=$?
	taskset -pc "$all" "$postmaster" >/dev/null
	return $status
}
rounds() {
	local name round
	for round in $(seq "$ROUNDS"); do
		for name in "${RUNS[@]}"; do
			eval "${COMMANDS[$name]}" 2>"$WORK/errors" |
				sed -n 's/^tps = \([0-9.]*\).*/\1/p' >> "$WORK/$name.tps" || {
				cat "$WORK/errors" >&2
				return 1
			}
		done
		say "  round $round of $ROUNDS"
	done
}
median() { sort -g "$1" | awk '{ v[NR] = $1 } END { if (!NR) exit 1; print v[int((NR + 1) / 2)] }'; }
rate() { median "$WORK/$1.tps"; }
# over A B: one number through another
over() { awk -v a="$1" -v b="$2" 'BEGIN { print a / b }'; }

# ---------------------------------------------------------------- times

# timed NAME STATEMENT...: milliseconds of the last statement, in one session
timed() {
	local name=$1 args=()
	shift
	while [ $# -gt 1 ]; do
		args+=(-c "$1")
		shift
	done
	psql -X -q -v ON_ERROR_STOP=1 "${args[@]}" -c '\timing on' -c "$1" |
		sed -n 's/^Time: \([0-9.]*\) ms.*/\1/p' | tail -n 1 >> "$WORK/$name.ms"
}
ms() { median "$WORK/$1.ms"; }

# latencies NAME SCRIPT CALLS: of one session, into NAME.us, sorted; and how much
# memory of its own the session had in the end, in MB, into NAME.mb
latencies() {
	local name=$1 script=$2 calls=$3 job pid
	rm -f "$WORK/log".*
	PGAPPNAME=bench pgbench -n -M prepared -f "$script" -t "$calls" -l --log-prefix="$WORK/log" >/dev/null 2>"$WORK/errors" &
	job=$!
	while kill -0 $job 2>/dev/null; do
		# pgbench connects for a moment before it begins
		pid=$(value "SELECT max(pid) FROM pg_stat_activity WHERE application_name = 'bench' AND backend_type = 'client backend'")
		[ -z "$pid" ] || awk '/^RssAnon:/ { print $2 / 1024 }' "/proc/$pid/status" 2>/dev/null > "$WORK/rss" || true
		[ ! -s "$WORK/rss" ] || cp "$WORK/rss" "$WORK/$name.mb"
		sleep 0.2
	done
	wait $job || { cat "$WORK/errors" >&2; return 1; }
	cut -d ' ' -f 3 "$WORK/log".* | sort -n > "$WORK/$name.us"
}
# quantile NAME P: in ms
quantile() { awk -v p="$2" '{ v[NR] = $1 } END { printf "%.2f\n", v[int((NR - 1) * p) + 1] / 1000 }' "$WORK/$1.us"; }

# exponent "SIZE TIME" lines on stdin: of a power law, by least squares of logarithms
exponent() {
	awk '{ x = log($1); y = log($2); n++; sx += x; sy += y; xx += x * x; xy += x * y }
		END { printf "%.2f\n", (xy - sx * sy / n) / (xx - sx * sx / n) }'
}

# ---------------------------------------------------------------- results

# record WORK FIGURE UNIT [AGAINST RATIO [TARGET]]
#
# FIGURE is absolute, RATIO what it is to AGAINST, TARGET "<= N" or ">= N" for
# the ratio, or for the figure where there is nothing to compare with.
record() {
	local work=$1 figure unit=$3 against=${4:-} ratio=${5:-} target=${6:-} met=''
	figure=$(awk -v f="$2" 'BEGIN { printf (f >= 100 ? "%.0f" : "%.3g"), f }')
	[ -z "$ratio" ] || ratio=$(awk -v r="$ratio" 'BEGIN { printf (r >= 100 ? "%.0f" : r >= 10 ? "%.1f" : r >= 0.1 ? "%.2f" : "%.2g"), r }')
	if [ -n "$target" ]; then
		met=$(awk -v v="${ratio:-$figure}" -v t="$target" 'BEGIN {
			split(t, p, " "); met = (p[1] == "<=" ? v <= p[2] + 0 : v >= p[2] + 0); print (met ? "met" : "missed") }')
	fi
	printf '"%s","%s",%s,"%s","%s",%s,"%s",%s,"%s"\n' "$SECTION" "$work" "$figure" "$unit" \
		"$against" "$ratio" "$target" "$met" "$RUN" >> "$RESULTS"
	printf '  %-52s %10s %-12s %8s %-30s %s %s\n' "$work" "$figure" "$unit" "$ratio" "${against:+of $against}" "$target" "$met"
}
