/*-------------------------------------------------------------------------
 *
 * request.h
 *		One request for a list: what recommend.c makes and others log.
 *
 * src/request.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef BANDIT_REQUEST_H
#define BANDIT_REQUEST_H

#include "bandit.h"

#include "utils/hsearch.h"

/* One position of the list. */
typedef struct Served
{
	ScoredItem	item;
	int			arm;			/* index into bandit->arms; -1: of nobody */
	double		weight;			/* of that arm; 0 for what fills up */
} Served;

/* A request on its way. */
typedef struct Request
{
	ListRequest list;
	Jsonb	   *context;
	bool		treatment;
	bool		logged;
	Decision	decision;
	HTAB	   *placed;			/* items already in the list */
	int			nserved;
	Served	   *served;
} Request;

extern void bd_request_start(Request *request, FunctionCallInfo fcinfo,
							 bool by_key, int n, int context);
extern void bd_request_serve(Request *request);
extern void bd_request_log(Request *request, const char *variant);

#endif							/* BANDIT_REQUEST_H */
