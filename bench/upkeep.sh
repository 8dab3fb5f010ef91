# Upkeep of a large log: settle, verify, rebuild, and a partition dropped.
. "$ROOT/bench/lib.sh"
most=${DECISIONS:-$([ "$FULL" = 1 ] && echo 10000000 || echo 400000)}
what=(settle verify rebuild partition)
for size in $((most / 4)) "$most"; do
	fresh bandit_bench
	say "  $size decisions, half of them rewarded"
	file upkeep/setup.sql -v decisions="$size"
	# in batches, each a transaction, as a job would; the rest is silence
	timed "settle.$size" "SELECT bandit.settle('many', batch => 10000)"
	quietly -c 'VACUUM (ANALYZE) bandit.decisions, bandit.feedback'
	timed "verify.$size" "SELECT * FROM bandit.verify('many')"
	quietly -c "DELETE FROM bandit.evidence WHERE bandit = 'many'"
	timed "rebuild.$size" "SELECT bandit.rebuild('many')"
	timed "partition.$size" "SELECT count(*) FROM bandit.drop_partitions('8 hours 30 minutes')"
	[ -z "$(value "SELECT * FROM bandit.verify('many')")" ]
	for work in "${what[@]}"; do
		say "    $work $(ms "$work.$size") ms"
		echo "$size $(ms "$work.$size")" >> "$WORK/growth.$work"
	done
	if [ "$size" = "$most" ]; then
		timed delete "DELETE FROM bandit.decisions WHERE decision_id < bandit.first_decision_id(now() - interval '7 hours 30 minutes')"
		timed count "SELECT bandit, context_hash, arm, sum(successes), sum(failures), sum(pulls) FROM bandit.feedback GROUP BY 1, 2, 3"
	fi
done
decisions="$(thousands "$most") decisions"
per_second() { awk -v n="$1" -v t="$2" 'BEGIN { print n / t * 1000 }'; }
record "\`settle\`, $decisions" "$(per_second "$most" "$(ms "settle.$most")")" decisions/s
record '`settle`: exponent of time by decisions' "$(exponent < "$WORK/growth.settle")" ''
record "\`verify\` of their ledger" "$(ms "verify.$most")" ms 'the same sums by GROUP BY' "$(over "$(ms "verify.$most")" "$(ms count)")"
record '`verify`: exponent' "$(exponent < "$WORK/growth.verify")" ''
record "\`rebuild\` of all evidence" "$(ms "rebuild.$most")" ms '`verify`' "$(over "$(ms "rebuild.$most")" "$(ms "verify.$most")")"
record '`rebuild`: exponent' "$(exponent < "$WORK/growth.rebuild")" ''
record 'an eighth of them dropped, by partition' "$(ms "partition.$most")" ms 'DELETE of as many decisions' "$(over "$(ms "partition.$most")" "$(ms delete)")"
record 'a partition dropped: exponent' "$(exponent < "$WORK/growth.partition")" ''
dropdb --force bandit_bench
