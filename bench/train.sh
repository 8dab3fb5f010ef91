# Training: time and memory of each arm as ratings grow, and svd against the
# same factorisation in NumPy.
. "$ROOT/bench/lib.sh"
export PGOPTIONS='-c client_min_messages=error -c maintenance_work_mem=1GB'
DATA=${DATA:-$ROOT/../shared/data/movielens-latest-small}
sizes=(100000 300000 1000000)
[ "$FULL" != 1 ] || sizes+=(10000000)
[ -z "${SIZES:-}" ] || read -ra sizes <<< "$SIZES"

# train SIZE ARM: seconds, as the report says, and the most memory of its own
# that a fresh session had meanwhile
train() {
	local peak=0 pid now job
	PGAPPNAME=bench psql -X -At -c "SELECT sum(seconds) FROM bandit.train('r', '$2')" > "$WORK/seconds" &
	job=$!
	pid=''
	while kill -0 $job 2>/dev/null; do
		[ -n "$pid" ] || pid=$(value "SELECT pid FROM pg_stat_activity WHERE application_name = 'bench' AND backend_type = 'client backend'")
		now=$(awk '/^RssAnon:/ { print $2 }' "/proc/$pid/status" 2>/dev/null || true)
		[ "${now:-0}" -le "$peak" ] || peak=$now
		sleep 0.02
	done
	wait $job
	echo "$1 $(cat "$WORK/seconds")" >> "$WORK/train.$2"
	awk -v k="$peak" 'BEGIN { print k / 1024 }' > "$WORK/peak.$2.$1"
}
arms=(svd item_cf graph embeddings)
for size in "${sizes[@]}"; do
	fresh bandit_bench
	say "  $size ratings of 10,000 items"
	file recommenders/generate.sql -v items=10000 -v users=$((size / 50)) -v ratings="$size"
	for arm in "${arms[@]}"; do
		train "$size" "$arm"
		say "    $arm $(cat "$WORK/seconds") s, $(cat "$WORK/peak.$arm.$size") MB"
	done
done
for arm in "${arms[@]}"; do
	while read -r size seconds; do
		record "\`train\` $arm, $(thousands "$size") ratings, time" "$seconds" s
		record "\`train\` $arm, $(thousands "$size") ratings, peak memory" "$(cat "$WORK/peak.$arm.$size")" MB
	done < "$WORK/train.$arm"
	record "\`train\` $arm: exponent of time by ratings" "$(exponent < "$WORK/train.$arm")" ''
done

if [ ! -r "$DATA/movies.csv" ]; then
	say "  no $DATA/movies.csv: svd is not held against NumPy"
	exit 0
fi
fresh bandit_bench
DATA=$DATA file recommenders/load.sql
quietly -c "\\copy ratings (user_id, movie_id, rating) TO '$WORK/train.csv' CSV" \
	-c "\\copy kept_back (user_id, movie_id, rating) TO '$WORK/test.csv' CSV"
for ((i = 0; i < (ROUNDS < 3 ? ROUNDS : 3); i++)); do
	value "SELECT seconds FROM bandit.train('ml', 'svd') WHERE arm = 'svd'" >> "$WORK/ours"
	/usr/bin/python3 "$ROOT/bench/recommenders/twin.py" "$WORK/train.csv" "$WORK/test.csv" >> "$WORK/twin"
done
read -r als twin_rmse pure < <(sort -g "$WORK/twin" | awk '{ v[NR] = $0 } END { print v[int((NR + 1) / 2)] }')
rmse=$(value "SELECT sqrt(avg((p.value - k.rating) ^ 2)) FROM (SELECT user_id, array_agg(movie_id::bigint) AS items FROM kept_back GROUP BY 1) u,
	LATERAL bandit.predict('ml', 'svd', u.user_id::bigint, u.items) AS p (item, value)
	JOIN kept_back k ON k.movie_id = p.item WHERE k.user_id = u.user_id")
record '`train` svd, rank 32, MovieLens small' "$(median "$WORK/ours")" s '' '' '<= 1'
record '`train` svd, rank 32, MovieLens small, RMSE' "$rmse" stars '' '' '<= 0.890'
record '`train` svd, rank 32, MovieLens small' "$(median "$WORK/ours")" s "the same in NumPy and SciPy, RMSE $twin_rmse" \
	"$(awk -v o="$(median "$WORK/ours")" -v a="$als" -v p="$pure" 'BEGIN { print o / (a + p) }')"
dropdb --force bandit_bench
