/*-------------------------------------------------------------------------
 *
 * plans.c
 *		SPI with kept plans, and acting with the extension's own rights.
 *
 * Every statement on the extension's tables is prepared once per backend and
 * kept; the plan cache watches for changes of the tables.  Texts are fully
 * qualified, since they are parsed under the caller's search_path.
 *
 * The readers of an application's tables lend their rights to nobody
 * (bd_reader_begin).  The writers of decisions and feedback act as the owner of the extension's
 * tables for the length of one statement of ours.  No statement of a user
 * ever runs between bd_owner_begin and bd_owner_end.  An error in between
 * needs no care: the end of the (sub)transaction restores the user.
 *
 * src/plans.c
 *
 *-------------------------------------------------------------------------
 */
#include "bandit.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "optimizer/cost.h"
#include "utils/acl.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

/* Statements of ours that are running, each called by the one before. */
static int	depth = 0;

static void prepare(KeptPlan *kept);
static int	run_by_index(SPIPlanPtr plan, Datum *values, const char *nulls,
						 bool read_only, long limit);

/*
 * bd_plan_keep
 *		Prepare a statement and keep its plan for the backend's life.
 *
 * The caller is connected to SPI.  Raises what parsing raises.
 */
SPIPlanPtr
bd_plan_keep(const char *sql, int nargs, Oid *argtypes)
{
	SPIPlanPtr	plan = SPI_prepare(sql, nargs, argtypes);

	if (plan == NULL)
		elog(ERROR, "could not prepare \"%s\": %s", sql,
			 SPI_result_code_string(SPI_result));
	if (SPI_keepplan(plan) != 0)
		elog(ERROR, "could not keep the plan of \"%s\"", sql);
	return plan;
}

static void
prepare(KeptPlan *kept)
{
	if (kept->plan == NULL)
		kept->plan = bd_plan_keep(kept->sql, kept->nargs, kept->argtypes);
}

/*
 * bd_plan_runs
 *		Is a kept statement running, so that somebody's code in it has called
 *		us?
 */
bool
bd_plan_runs(void)
{
	return depth > 0;
}

/*
 * bd_plan_run
 *		Run a kept statement; returns the SPI code.
 *
 * "read_only" takes the snapshot of the calling query and no command
 * counter increment.  The caller is connected to SPI; rows are in
 * SPI_tuptable.  Unlike SPI itself, this keeps CurrentMemoryContext.
 */
int
bd_plan_run(KeptPlan *kept, Datum *values, const char *nulls,
			bool read_only, long limit)
{
	MemoryContext context = CurrentMemoryContext;
	int			code;

	prepare(kept);
	depth++;
	PG_TRY();
	{
		code = (kept->by_index ? run_by_index : SPI_execute_plan)
			(kept->plan, values, nulls, read_only, limit);
	}
	PG_FINALLY();
	{
		depth--;
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context); /* SPI leaves us in its own */
	if (code < 0)
		elog(ERROR, "could not run \"%s\": %s", kept->sql,
			 SPI_result_code_string(code));
	return code;
}

/*
 * bd_plan_each
 *		Run a kept statement that reads, row by row as the executor finds them.
 *
 * Nothing is copied; "receiver" sees each row, in a memory context that lives
 * no longer than the row.  Values are not null.
 */
void
bd_plan_each(KeptPlan *kept, Datum *values, DestReceiver * receiver)
{
	MemoryContext context = CurrentMemoryContext;
	SPIExecuteOptions options = {.read_only = true, .dest = receiver};
	int			code;

	prepare(kept);
	options.params = makeParamList(kept->nargs);
	for (int i = 0; i < kept->nargs; i++)
	{
		options.params->params[i].value = values[i];
		options.params->params[i].isnull = false;
		options.params->params[i].pflags = PARAM_FLAG_CONST;
		options.params->params[i].ptype = kept->argtypes[i];
	}
	depth++;
	PG_TRY();
	{
		code = SPI_execute_plan_extended(kept->plan, &options);
	}
	PG_FINALLY();
	{
		depth--;
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	if (code < 0)
		elog(ERROR, "could not run \"%s\": %s", kept->sql,
			 SPI_result_code_string(code));
}

/*
 * bd_push_latest
 *		Read what is committed now, until PopActiveSnapshot.
 *
 * As catalogs are read; GetLatestSnapshot raises in the leader of a parallel
 * plan, where a function that is parallel restricted may be called.
 */
void
bd_push_latest(void)
{
	PushActiveSnapshot(GetCatalogSnapshot(InvalidOid));
}

/*
 * bd_plan_run_latest
 *		Run a kept statement on what is committed now, whatever the snapshot
 *		of the transaction.
 */
void
bd_plan_run_latest(KeptPlan *kept, Datum *values, const char *nulls,
				   long limit)
{
	MemoryContext context = CurrentMemoryContext;
	int			code;

	if (!IsolationUsesXactSnapshot())
	{
		bd_plan_run(kept, values, nulls, false, limit);
		return;
	}
	prepare(kept);
	depth++;
	PG_TRY();
	{
		code = SPI_execute_snapshot(kept->plan, values, nulls, GetLatestSnapshot(),
									InvalidSnapshot, false, true, limit);
	}
	PG_FINALLY();
	{
		depth--;
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	if (code < 0)
		elog(ERROR, "could not run \"%s\": %s", kept->sql,
			 SPI_result_code_string(code));
}

/*
 * run_by_index
 *		Run a statement that is planned, if it has to be, without scans of
 *		whole tables.
 *
 * A plan that was kept when a partition was empty would scan it for as long
 * as nobody analyzes it, however many rows it has by then.
 */
static int
run_by_index(SPIPlanPtr plan, Datum *values, const char *nulls,
			 bool read_only, long limit)
{
	bool		seqscan = enable_seqscan;
	int			code;

	enable_seqscan = false;
	PG_TRY();
	{
		code = SPI_execute_plan(plan, values, nulls, read_only, limit);
	}
	PG_FINALLY();
	{
		enable_seqscan = seqscan;
	}
	PG_END_TRY();
	return code;
}

/*
 * bd_relation
 *		OID of one of the extension's own tables.
 */
Oid
bd_relation(const char *name)
{
	Oid			relation = get_relname_relid(name,
											 get_namespace_oid("bandit", false));

	if (!OidIsValid(relation))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation \"bandit.%s\" does not exist", name),
				 errhint("Is the extension's installed version the one of the loaded library?")));
	return relation;
}

/*
 * bd_relation_owner
 *		Who owns a table.
 */
Oid
bd_relation_owner(Oid relation)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
	Oid			owner;

	if (!HeapTupleIsValid(tuple))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", relation)));
	owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	return owner;
}

/*
 * bd_owner_begin
 *		Act as the extension's owner, who owns the ledger, until bd_owner_end.
 */
void
bd_owner_begin(OwnerScope *scope)
{
	GetUserIdAndSecContext(&scope->userid, &scope->sec_context);
	SetUserIdAndSecContext(bd_relation_owner(bd_relation("decisions")),
						   scope->sec_context | SECURITY_LOCAL_USERID_CHANGE);
}

/*
 * bd_owner_end
 *		Be the caller again.
 */
void
bd_owner_end(const OwnerScope *scope)
{
	SetUserIdAndSecContext(scope->userid, scope->sec_context);
}

/*
 * bd_reader_begin
 *		Run what "owner" has made with no more than his rights, until
 *		bd_reader_end.
 *
 * A query over an application's table may run code of its owner: of a view,
 * a policy, or a cast of a type of his; a function of his, too.  Where the
 * caller has all of the owner's rights, as a superuser has, he lends none of
 * his own: the owner is the user, nothing that outlives the query can be
 * made, and settings that are changed are put back, as in REINDEX.  Any other
 * caller is himself.  Cheap, and never more rights than before.
 */
void
bd_reader_begin(Oid owner, OwnerScope *scope)
{
	GetUserIdAndSecContext(&scope->userid, &scope->sec_context);
	scope->guc_level = 0;
	if (owner == scope->userid ||
		!has_privs_of_role(scope->userid, owner) ||
		has_privs_of_role(owner, scope->userid))
		return;
	SetUserIdAndSecContext(owner, scope->sec_context |
						   SECURITY_RESTRICTED_OPERATION);
	scope->guc_level = NewGUCNestLevel();
}

/*
 * bd_reader_end
 *		Be the caller again.
 */
void
bd_reader_end(const OwnerScope *scope)
{
	if (scope->guc_level == 0)
		return;
	AtEOXact_GUC(false, scope->guc_level);
	SetUserIdAndSecContext(scope->userid, scope->sec_context);
}

/*
 * bd_can_write
 *		May this transaction write?  Not on a standby, not when read only.
 */
bool
bd_can_write(void)
{
	return !RecoveryInProgress() && !XactReadOnly;
}
