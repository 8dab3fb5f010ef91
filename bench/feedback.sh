# Feedback on one hot arm, as make bench-feedback measures it.
. "$ROOT/bench/lib.sh"
"$ROOT/scripts/bench-feedback" | tee "$WORK/feedback" | sed 's/.*\r//; s/^/  /'
while read -r n plain one_row slots to_plain to_one; do
	target='' target_one=''
	[ "$n" != 32 ] || target='>= 0.70' target_one='>= 6'
	record "feedback through a trigger, $(sessions "$n")" "$slots" /s 'the INSERT alone' "$(over "$slots" "$plain")" "$target"
	record "feedback through a trigger, $(sessions "$n")" "$slots" /s 'a trigger that updates one row' "$(over "$slots" "$one_row")" "$target_one"
done < <(tr '\r' '\n' < "$WORK/feedback" | awk '$1 ~ /^[0-9]+$/ && NF == 6')
