# The page, from what scripts/recommenders measured; sourced by it.
short() { paste -d '|' "$work/small" <(cut -d '|' -f 2- "$work/lat10000") <(cut -d '|' -f 2- "$work/lat100000") | sed 's/|/ | /g; s/  */ /g; s/^/| /; s/$/ |/'; }
cat <<TEXT
# The built-in arms, measured

Made by \`make recommenders\`, on $(nproc) cores that others may have used too. How each arm works is in
[algorithms](algorithms.md#12-built-in-arms).

## Quality

MovieLens latest-small (F. M. Harper and J. A. Konstan 2015): 100,836 ratings by 610 users of 9,742
films. The newest fifth of each user's ratings is kept back, in the order of time; of the rest
the arms learn. A list has 20 films that the user had not seen; those that he went on to rate 4
or better are relevant.

    SELECT * FROM bandit.evaluate('movies');

| arm | recall | NDCG | hit rate | coverage | novelty, bits | RMSE | MAE |
|---|---|---|---|---|---|---|---|
$(cat "$work/quality")

recall: the share of his relevant films that the list has; hit rate: the share of users whose list
has one; coverage: the share of the catalogue that is in anybody's list; RMSE and MAE: of predicted
ratings, by the two arms that predict. \`long_tail\` and \`serendipity\` show more than ten times as
much of the catalogue as popularity; the columns to their left say what that costs. Ratings kept
back are of films that people found by themselves, which is unfair to both of them, and to
\`embeddings\`, which here has nothing but the words of titles and genres: give it vectors of
your own (\`vector_column\`). Measure your own data before you believe any of this.

## The choice among them

Is the best arm found by one who is not told? Each user comes in turn, in a shuffled order, 20,000
visits; the bandit chooses one of the six arms, and earns 1 if its list has a relevant film.
Means of $runs runs, ± standard error.

| | hit rate | second half of the visits |
|---|---|---|
$(cat "$work/choice")

Any policy that learns pays for learning; who chooses the best arm of each context all the time earns
what the last but one line says. What the last line has more than that is in the users, not in the
five features.

## Training

| | seconds |
|---|---|
| \`svd\`, both factorisations, rank 32, 12 sweeps (RMSE as above) | $ours |
| NumPy and SciPy, one thread: the same sweeps (RMSE $rmse), and \`svds\` | $als + $pure |
| ratio | $(awk -v o="$ours" -v a="$als" -v p="$pure" 'BEGIN {printf "%.1f", (a + p) / o}') |

Medians of three, in one run; reading the ratings is counted for neither. With 10,000,000 invented
ratings by 70,000 users of 10,000 items a sweep over users and items does $rate million ratings a
second; training all arms takes $whole s.

One million invented ratings by 20,000 users:

| 10,000 items | seconds | MB | | 100,000 items | seconds | MB |
|---|---|---|---|---|---|---|
$(paste -d ' ' <(sed 's/$/ |/' "$work/train10000") <(sed 's/^| //' "$work/train100000"))

## Serving

Milliseconds from the client's side, prepared statements, one session, $calls calls for users at random,
lists of 20. \`recommend\` draws three of six arms, blends them and logs the decision.

| | MovieLens, 9,742: p50 | p99 | 10,000 items: p50 | p99 | 100,000 items: p50 | p99 |
|---|---|---|---|---|---|---|
$(short)
| memory of a session, MB | $small_memory | | $(cat "$work/memory10000") | | $(cat "$work/memory100000") | |
TEXT
