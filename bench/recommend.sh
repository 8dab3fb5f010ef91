# recommend of 20, all arms trained: latency and memory of a session.
. "$ROOT/bench/lib.sh"
DATA=${DATA:-$ROOT/../shared/data/movielens-latest-small}
calls=$((SECONDS_EACH * ROUNDS * 200))
script=$WORK/recommend.sql

# serve NAME BANDIT USERS: latencies
serve() {
	printf '\\set u random(1, %s)\nSELECT count(*) FROM bandit.recommend(%s, :u::bigint, 20);\n' "$3" "'$2'" > "$script"
	latencies "$1" "$script" "$calls"
	say "  $1: p50 $(quantile "$1" 0.5) ms, p99 $(quantile "$1" 0.99) ms, $(cat "$WORK/$1.mb") MB"
}

fresh bandit_bench
if [ -r "$DATA/movies.csv" ]; then
	DATA=$DATA file recommenders/load.sql
	quietly -c 'ALTER TABLE all_ratings ADD PRIMARY KEY (user_id, movie_id)' -c "SELECT * FROM bandit.train('all')"
	films='MovieLens small' users=610 bandit=all
else
	say "  no $DATA/movies.csv: ratings are invented, as many"
	file recommenders/generate.sql -v items=9742 -v users=610 -v ratings=100836
	quietly -c "SELECT * FROM bandit.train('r')"
	films='invented ratings, as many as MovieLens small' users=610 bandit=r
fi
serve small "$bandit" $users
record "\`recommend\` of 20, $films, median" "$(quantile small 0.5)" ms '' '' '<= 5'
record "\`recommend\` of 20, $films, 99th percentile" "$(quantile small 0.99)" ms '' '' '<= 20'
record "\`recommend\` of 20, $films, memory of a session" "$(cat "$WORK/small.mb")" MB

ratings=${RATINGS:-$([ "$FULL" = 1 ] && echo 10000000 || echo 1000000)}
fresh bandit_bench
say "  $ratings ratings of 100,000 items, invented"
file recommenders/generate.sql -v items=100000 -v users=$((ratings / 50)) -v ratings="$ratings"
quietly -c "SET maintenance_work_mem = '1GB'" -c "SELECT * FROM bandit.train('r')"
serve large r $((ratings / 50))
what="$(thousands "$ratings") ratings of 100,000 items"
record "\`recommend\` of 20, $what, median" "$(quantile large 0.5)" ms "$films" "$(over "$(quantile large 0.5)" "$(quantile small 0.5)")"
record "\`recommend\` of 20, $what, 99th percentile" "$(quantile large 0.99)" ms "$films" "$(over "$(quantile large 0.99)" "$(quantile small 0.99)")"
record "\`recommend\` of 20, $what, memory of a session" "$(cat "$WORK/large.mb")" MB "$films" "$(over "$(cat "$WORK/large.mb")" "$(cat "$WORK/small.mb")")"
dropdb --force bandit_bench
