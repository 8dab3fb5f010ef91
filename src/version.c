/*-------------------------------------------------------------------------
 *
 * version.c
 *		Are the loaded library and the installed SQL of one version?
 *
 * New files serve the SQL of every older version, so that applications go on
 * between "make install" and ALTER EXTENSION UPDATE.  A session that loaded
 * the library before the files were replaced keeps the old one.  Either is
 * told once a session, when settings are read.
 *
 * src/version.c
 *
 *-------------------------------------------------------------------------
 */
#include "bandit.h"

#include "utils/builtins.h"

#define LIBRARY_VERSION CppAsString2(BANDIT_VERSION)

static bool is_older(const char *version, const char *than);

PG_FUNCTION_INFO_V1(bandit_library_version);

/*
 * library_version() -> text
 */
Datum
bandit_library_version(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(LIBRARY_VERSION));
}

/*
 * bd_version_check
 *		Warn, once a session, if the extension has another version.
 *
 * The caller is connected to SPI and has a snapshot.
 */
void
bd_version_check(void)
{
	static KeptPlan plan = {
		"SELECT extversion FROM pg_catalog.pg_extension"
		" WHERE extname OPERATOR(pg_catalog.=) 'bandit'",
		0
	};
	static bool told = false;
	const char *installed;

	if (told)
		return;
	bd_plan_run(&plan, NULL, NULL, true, 1);
	if (SPI_processed != 1)
		return;
	installed = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
	if (strcmp(installed, LIBRARY_VERSION) == 0)
		return;
	told = true;
	ereport(WARNING,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("extension \"bandit\" has version %s, but this session's library has version %s",
					installed, LIBRARY_VERSION),
			 is_older(installed, LIBRARY_VERSION) ?
			 errhint("ALTER EXTENSION bandit UPDATE; as the extension's owner.") :
			 errhint("The library was loaded before the update. Connect again.")));
}

/*
 * is_older
 *		Compare "1.2.3" number by number.
 */
static bool
is_older(const char *version, const char *than)
{
	int			a[3] = {0, 0, 0};
	int			b[3] = {0, 0, 0};

	sscanf(version, "%d.%d.%d", &a[0], &a[1], &a[2]);
	sscanf(than, "%d.%d.%d", &b[0], &b[1], &b[2]);
	for (int i = 0; i < 3; i++)
		if (a[i] != b[i])
			return a[i] < b[i];
	return false;
}
