# Draws from the beta distribution, and exact propensities.
. "$ROOT/bench/lib.sh"
fresh bandit_bench
quietly -c 'CREATE EXTENSION bandit'
n=1000000
pairs="20 40 0.5 0.5 2 3 1000 3000"
quietly -c "CREATE UNLOGGED TABLE one AS SELECT g, 0::float8 AS a, 0::float8 AS b FROM generate_series(1, $n) g"
set -- $pairs
while [ $# -gt 0 ]; do
	quietly -c "CREATE UNLOGGED TABLE \"shapes $1 $2\" AS SELECT $1::float8 AS a, $2::float8 AS b FROM generate_series(1, $n)"
	shift 2
done
quietly -c 'VACUUM (FREEZE, ANALYZE)'
# differences of short times: more rounds, of their own differences the median
for ((i = 0; i < 3 * ROUNDS; i++)); do
	set -- $pairs
	while [ $# -gt 0 ]; do
		# a statement of as many rows and calls, without the draw
		alone='SET max_parallel_workers_per_gather = 0'
		timed "empty.$1.$2" "$alone" "SELECT sum(float8mi(a, b)) FROM \"shapes $1 $2\""
		timed "draw.$1.$2" "$alone" "SELECT sum(bandit.beta_sample(a, b)) FROM \"shapes $1 $2\""
		/usr/bin/python3 "$ROOT/bench/draws/draws.py" beta "$1" "$2" $n >> "$WORK/numpy.$1.$2.ms"
		shift 2
	done
	timed none "$alone" 'SELECT sum((ARRAY[21, 15, 11, 8, 31, 5 + a])[1]) FROM one WHERE g <= 20000'
	timed top "$alone" "SELECT sum((bandit.top_k_propensity(ARRAY[21, 15, 11, 8, 31, 5 + a], '{41,31,41,20,62,9}', 3))[1])
		FROM one WHERE g <= 20000"
	/usr/bin/python3 "$ROOT/bench/draws/draws.py" top 10000 200 >> "$WORK/carlo"
done
set -- $pairs
while [ $# -gt 0 ]; do
	paste "$WORK/draw.$1.$2.ms" "$WORK/empty.$1.$2.ms" | awk -v n=$n '{ print ($1 - $2) * 1e6 / n }' > "$WORK/net"
	net=$(median "$WORK/net") numpy=$(ms "numpy.$1.$2")
	record "\`beta_sample($1, $2)\`, per draw" "$net" ns 'NumPy `Generator.beta`, vectorised' \
		"$(awk -v a="$net" -v m="$numpy" -v n=$n 'BEGIN { print a / (m * 1e6 / n) }')" '<= 0.6'
	shift 2
done
each=$(awk -v t="$(ms top)" -v e="$(ms none)" 'BEGIN { print (t - e) * 1000 / 20000 }')
carlo=$(sort -g "$WORK/carlo" | awk '{ v[NR] = $0 } END { print v[int((NR + 1) / 2)] }')
read -r carlo_us carlo_error <<< "$carlo"
read -r error < <(value "SELECT bandit.top_k_propensity('{21,15,11,8,31,5}', '{41,31,41,20,62,9}', 3)" |
	/usr/bin/python3 "$ROOT/bench/draws/draws.py" error)
record "\`top_k_propensity\`, 6 arms, k = 3, largest error $error" "$each" us '' '' '<= 50'
record "\`top_k_propensity\`, 6 arms, k = 3" "$each" us \
	"10,000 draws in NumPy, error $carlo_error" "$(over "$each" "$carlo_us")"
record "\`top_k_propensity\`, 6 arms, k = 3" "$each" us \
	"as many draws as an error of 1e-6 takes" \
	"$(awk -v a="$each" -v b="$carlo_us" -v e="$carlo_error" 'BEGIN { print a / (b * (e / 1e-6) ^ 2) }')"
dropdb --force bandit_bench
