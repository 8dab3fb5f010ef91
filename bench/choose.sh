# Decisions with logging on: choose, and choose with reward, against what an
# application would write to a log of its own.  Commits reach the disk.
. "$ROOT/bench/lib.sh"
fresh bandit_bench
file choose/setup.sql
fsync on
levels=$(printf '%s\n' 1 "$CORES" 16 | sort -nu)
for n in $levels; do
	for work in select_one insert choose two_inserts choose_reward; do
		bench $work "$n" "$ROOT/bench/choose/$work.sql"
	done
done
rounds
for n in $levels; do
	record "\`choose\`, $(sessions "$n")" "$(rate "choose@$n")" /s 'an INSERT of the same row' \
		"$(over "$(rate "choose@$n")" "$(rate "insert@$n")")"
	record "\`choose\` and \`reward\`, $(sessions "$n")" "$(rate "choose_reward@$n")" decisions/s 'two INSERTs of the same rows' \
		"$(over "$(rate "choose_reward@$n")" "$(rate "two_inserts@$n")")"
done
dropdb --force bandit_bench
