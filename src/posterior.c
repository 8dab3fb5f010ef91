/*-------------------------------------------------------------------------
 *
 * posterior.c
 *		What is believed of each arm in a context.
 *
 * Reads only, so it runs on a standby.  One indexed read per call, through
 * SPI with a kept plan and the caller's rights; slots are summed here.  The
 * posterior of an arm is its prior plus its evidence.
 *
 * src/posterior.c
 *
 *-------------------------------------------------------------------------
 */
#include "bandit.h"

#include <float.h>
#include <math.h>

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

static void spread_epsilon(const Bandit *bandit, Draw *draws, int ndraws);
static void add_evidence(const Bandit *bandit, int64 context_hash, Draw *draws,
						 int ndraws);
static void add_evidence_row(const Bandit *bandit, Draw *draws, int ndraws,
							 HeapTuple tuple, TupleDesc desc, double weight);

/*
 * bd_posteriors
 *		Fill "draws" with the posteriors of the arms that can be drawn.
 *
 * Enabled arms in registration order, without the control; returns their
 * number.  "draws" has room for bandit->narms.
 */
int
bd_posteriors(Bandit *bandit, int64 context_hash, Jsonb *context, Draw *draws)
{
	const Prior *priors = bd_priors(bandit, context_hash, context);
	int			n = 0;

	for (int i = 0; i < bandit->narms; i++)
	{
		const Arm  *arm = &bandit->arms[i];

		if (!arm->enabled || arm->control)
			continue;
		draws[n].arm = i;
		draws[n].alpha = priors ? priors[i].alpha : arm->prior_alpha;
		draws[n].beta = priors ? priors[i].beta : arm->prior_beta;
		draws[n].floor = arm->floor;
		draws[n].weight = 0;
		n++;
	}
	if (n == 0)
		return 0;
	spread_epsilon(bandit, draws, n);
	add_evidence(bandit, context_hash, draws, n);

	/* un-learning what has decayed may leave less than nothing, by rounding */
	for (int i = 0; i < n; i++)
	{
		draws[i].alpha = Max(draws[i].alpha, DBL_MIN);
		draws[i].beta = Max(draws[i].beta, DBL_MIN);
	}
	return n;
}

/*
 * add_evidence
 *		What the arms have earned in the context, over all their slots.
 *
 * Evidence of a bandit that forgets is aged to the transaction's start.
 */
static void
add_evidence(const Bandit *bandit, int64 context_hash, Draw *draws, int ndraws)
{
	static KeptPlan plan = {
		"SELECT arm, successes, failures FROM bandit.evidence"
		" WHERE bandit OPERATOR(pg_catalog.=) $1"
		" AND context_hash OPERATOR(pg_catalog.=) $2",
		2, {TEXTOID, INT8OID}
	};
	static KeptPlan dated_plan = {
		"SELECT arm, successes, failures, updated_at FROM bandit.evidence"
		" WHERE bandit OPERATOR(pg_catalog.=) $1"
		" AND context_hash OPERATOR(pg_catalog.=) $2",
		2, {TEXTOID, INT8OID}
	};
	TimestampTz now = GetCurrentTransactionStartTimestamp();
	double		half_life = 0;
	double		weight = 1;
	Datum		values[2];

	if (bandit->forgets)
		half_life = bd_half_life(&bandit->half_life);
	SPI_connect();
	values[0] = CStringGetTextDatum(bandit->name);
	values[1] = Int64GetDatum(context_hash);
	bd_plan_run(bandit->forgets ? &dated_plan : &plan, values, NULL, true, 0);
	for (uint64 row = 0; row < SPI_processed; row++)
	{
		HeapTuple	tuple = SPI_tuptable->vals[row];
		TupleDesc	desc = SPI_tuptable->tupdesc;
		bool		isnull;

		if (bandit->forgets)
			weight = Min(bd_decay(DatumGetTimestampTz(heap_getattr(tuple, 4,
																   desc,
																   &isnull)),
								  now, half_life), 1);
		add_evidence_row(bandit, draws, ndraws, tuple, desc, weight);
	}
	SPI_finish();
}

/* Rows of arms that are disabled or gone count for nobody. */
static void
add_evidence_row(const Bandit *bandit, Draw *draws, int ndraws,
				 HeapTuple tuple, TupleDesc desc, double weight)
{
	Datum		fields[3];
	bool		nulls[3];
	text	   *name;
	int			len;

	for (int i = 0; i < 3; i++)
		fields[i] = heap_getattr(tuple, i + 1, desc, &nulls[i]);
	name = DatumGetTextPP(fields[0]);
	len = VARSIZE_ANY_EXHDR(name);

	for (int i = 0; i < ndraws; i++)
	{
		const char *arm = bandit->arms[draws[i].arm].name;

		if (strncmp(arm, VARDATA_ANY(name), len) != 0 || arm[len] != '\0')
			continue;
		/* whoever wrote such a row by hand, verify shows it */
		if (isfinite(DatumGetFloat8(fields[1])) &&
			isfinite(DatumGetFloat8(fields[2])))
		{
			draws[i].alpha += weight * DatumGetFloat8(fields[1]);
			draws[i].beta += weight * DatumGetFloat8(fields[2]);
		}
		return;
	}
}

/* epsilon_greedy explores by floors, over those that are set. */
static void
spread_epsilon(const Bandit *bandit, Draw *draws, int ndraws)
{
	double	   *floors;
	double		sum = 0;

	for (int i = 0; i < ndraws; i++)
		sum += draws[i].floor;
	if (sum == 0 && bandit->policy != BANDIT_EPSILON_GREEDY)
		return;
	floors = palloc(sizeof(double) * ndraws);
	for (int i = 0; i < ndraws; i++)
		floors[i] = draws[i].floor;
	bd_policy_floors(bandit->policy, bandit->epsilon, floors, ndraws, floors);
	for (int i = 0; i < ndraws; i++)
		draws[i].floor = floors[i];
	pfree(floors);
}
