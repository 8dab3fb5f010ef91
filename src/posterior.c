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

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"

static void spread_epsilon(const Bandit *bandit, Draw *draws, int ndraws);
static void add_evidence_row(const Bandit *bandit, Draw *draws, int ndraws,
							 HeapTuple tuple, TupleDesc desc);

/*
 * bd_posteriors
 *		Fill "draws" with the posteriors of the arms that can be drawn.
 *
 * Enabled arms in registration order, without the control; returns their
 * number.  "draws" has room for bandit->narms.
 */
int
bd_posteriors(const Bandit *bandit, int64 context_hash, Draw *draws)
{
	static KeptPlan plan = {
		"SELECT arm, successes, failures FROM bandit.evidence"
		" WHERE bandit OPERATOR(pg_catalog.=) $1"
		" AND context_hash OPERATOR(pg_catalog.=) $2",
		2, {TEXTOID, INT8OID}
	};
	Datum		values[2];
	int			n = 0;

	for (int i = 0; i < bandit->narms; i++)
	{
		const Arm  *arm = &bandit->arms[i];

		if (!arm->enabled || arm->control)
			continue;
		draws[n].arm = i;
		draws[n].alpha = arm->prior_alpha;
		draws[n].beta = arm->prior_beta;
		draws[n].floor = arm->floor;
		draws[n].weight = 0;
		n++;
	}
	if (n == 0)
		return 0;
	spread_epsilon(bandit, draws, n);

	SPI_connect();
	values[0] = CStringGetTextDatum(bandit->name);
	values[1] = Int64GetDatum(context_hash);
	bd_plan_run(&plan, values, NULL, true, 0);
	for (uint64 row = 0; row < SPI_processed; row++)
		add_evidence_row(bandit, draws, n, SPI_tuptable->vals[row],
						 SPI_tuptable->tupdesc);
	SPI_finish();
	return n;
}

/* Rows of arms that are disabled or gone count for nobody. */
static void
add_evidence_row(const Bandit *bandit, Draw *draws, int ndraws,
				 HeapTuple tuple, TupleDesc desc)
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
		draws[i].alpha += DatumGetFloat8(fields[1]);
		draws[i].beta += DatumGetFloat8(fields[2]);
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
