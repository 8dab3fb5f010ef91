/*-------------------------------------------------------------------------
 *
 * graph.c
 *		The arm graph: what a user's likes lead to.
 *
 * Users are joined with the items they like, items with their attributes,
 * such as genres.  A walk from the user along these edges, with restarts,
 * comes by items more often the more ways lead there: an item that nobody has
 * rated is reached by its attributes, a user with two ratings by his two
 * items (methods 16.3, walk.c).  For a user who likes nothing yet the walk
 * begins at all attributes, each as often as it has items.
 *
 * The graph is that of the last training; the user's own edges are those of
 * now.  A list goes along at most 1 / (restart * precision) edges, and needs
 * 21 bytes a node.
 *
 * src/graph.c
 *
 *-------------------------------------------------------------------------
 */
#include "train.h"

#include <math.h>

#include "miscadmin.h"
#include "options.h"
#include "utils/memutils.h"
#include "walk.h"

/* Edges between looks at interrupts. */
#define STEPS 1000000

/* The image's arrays, in this order. */
enum
{
	GRAPH_FACTS,
	GRAPH_IDS,
	GRAPH_CANDIDATES,
	GRAPH_USERS,
	GRAPH_START,
	GRAPH_TO,
	GRAPH_NARRAYS
};

/* Nodes are items, then attributes, then users. */
typedef struct GraphFacts
{
	int32		nitems;
	int32		nattributes;
} GraphFacts;

typedef struct Graph
{
	const GraphFacts *facts;
	const int64 *ids;			/* of items, ascending */
	const uint8 *candidates;	/* by item: in the catalogue? */
	int			nusers;
	const int64 *users;			/* their ids, ascending */
	BanditGraph edges;
} Graph;

/* Edges on their way into an image. */
typedef struct GraphMaker
{
	int			nitems;
	int			nnodes;
	int64	   *ids;
	uint8	   *candidates;
	int32	   *start;			/* nnodes + 2 */
	int32	   *to;				/* NULL: they are counted */
} GraphMaker;

static void *decode(const ModelImage *image);
static bytea *make(const TrainInput *input);
static void merge_items(const TrainInput *input, GraphMaker *maker);
static void add_edge(GraphMaker *maker, int a, int b);
static void add_edges(const TrainInput *input, GraphMaker *maker);
static bool likes(const Bandit *bandit, double value);
static void start_walk(const ListRequest *request, const Graph *graph,
					   BanditWalk *walk);
static void put_start(const Graph *graph, BanditWalk *walk);

static const ModelKind kind = {"graph", 1, GRAPH_NARRAYS, decode};

const TrainableArm bd_graph_trainable = {"graph", &kind, make};

/* Is an item of that value one that the user likes? */
static bool
likes(const Bandit *bandit, double value)
{
	const Recommender *rec = bandit->recommender;

	return !rec->has_value ||
		value >= rec->neutral_value + bd_option(bandit, "graph", "like_margin");
}

/* ----------------------------------------------------------------
 * training
 * ----------------------------------------------------------------
 */

static void *
numbers(Size width, int64 n)
{
	return palloc_extended(width * Max(n, 1),
						   MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
}

/* See TrainableArm. */
static bytea *
make(const TrainInput *input)
{
	const RatingTable *ratings = input->ratings;
	GraphFacts	facts;
	GraphMaker	maker = {0};
	int64		nedges;

	merge_items(input, &maker);
	facts.nitems = maker.nitems;
	facts.nattributes = input->catalogue->nattributes;
	nedges = 2 * ((int64) input->catalogue->attribute_start[input->catalogue->nitems] +
				  ratings->nratings);
	if (nedges > PG_INT32_MAX ||
		(int64) maker.nitems + facts.nattributes + ratings->nusers > PG_INT32_MAX - 2)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many ratings for graph")));
	maker.nnodes = maker.nitems + facts.nattributes + ratings->nusers;
	maker.start = numbers(sizeof(int32), (int64) maker.nnodes + 2);

	/* once to count, and once to put them down */
	add_edges(input, &maker);
	for (int v = 0; v < maker.nnodes; v++)
		maker.start[v + 2] += maker.start[v + 1];
	maker.to = numbers(sizeof(int32), maker.start[maker.nnodes + 1]);
	add_edges(input, &maker);

	{
		const ImageArray arrays[GRAPH_NARRAYS] = {
			[GRAPH_FACTS] = {&facts, 1, sizeof(GraphFacts)},
			[GRAPH_IDS] = {maker.ids, maker.nitems, sizeof(int64)},
			[GRAPH_CANDIDATES] = {maker.candidates, maker.nitems, sizeof(uint8)},
			[GRAPH_USERS] = {ratings->user_ids, ratings->nusers, sizeof(int64)},
			[GRAPH_START] = {maker.start, maker.nnodes + 1, sizeof(int32)},
			[GRAPH_TO] = {maker.to, maker.start[maker.nnodes], sizeof(int32)}
		};

		return bd_image_make(&kind, arrays);
	}
}

/* All items of the catalogue, and those that only ratings know. */
static void
merge_items(const TrainInput *input, GraphMaker *maker)
{
	const Catalogue *catalogue = input->catalogue;
	const RatingTable *ratings = input->ratings;
	int64		most = (int64) catalogue->nitems + ratings->nitems;
	int			r = 0;

	maker->ids = numbers(sizeof(int64), most);
	maker->candidates = numbers(sizeof(uint8), most);
	for (int c = 0; c <= catalogue->nitems; c++)
	{
		while (r < ratings->nitems &&
			   (c == catalogue->nitems ||
				ratings->item_ids[r] < catalogue->ids[c]))
			maker->ids[maker->nitems++] = ratings->item_ids[r++];
		if (c == catalogue->nitems)
			break;
		if (r < ratings->nitems && ratings->item_ids[r] == catalogue->ids[c])
			r++;
		maker->candidates[maker->nitems] = 1;
		maker->ids[maker->nitems++] = catalogue->ids[c];
	}
}

/* Count an edge in both directions, or put it down. */
static void
add_edge(GraphMaker *maker, int a, int b)
{
	/* start[v + 1] is the place of v's next edge, and then v's end */
	if (maker->to == NULL)
	{
		maker->start[a + 2]++;
		maker->start[b + 2]++;
		return;
	}
	maker->to[maker->start[a + 1]++] = b;
	maker->to[maker->start[b + 1]++] = a;
}

static void
add_edges(const TrainInput *input, GraphMaker *maker)
{
	const Catalogue *catalogue = input->catalogue;
	const RatingTable *ratings = input->ratings;
	int			first_user = maker->nitems + catalogue->nattributes;

	for (int c = 0; c < catalogue->nitems; c++)
	{
		int			item = bd_ids_find(maker->ids, maker->nitems,
									   catalogue->ids[c]);

		for (int32 a = catalogue->attribute_start[c];
			 a < catalogue->attribute_start[c + 1]; a++)
			add_edge(maker, item, maker->nitems + catalogue->attributes[a]);
	}
	for (int u = 0; u < ratings->nusers; u++)
	{
		CHECK_FOR_INTERRUPTS();
		for (int64 r = ratings->user_start[u]; r < ratings->user_start[u + 1]; r++)
			if (likes(input->bandit, ratings->values[r]))
				add_edge(maker, first_user + u,
						 bd_ids_find(maker->ids, maker->nitems,
									 ratings->item_ids[ratings->items[r]]));
	}
}

/* See ModelKind. */
static void *
decode(const ModelImage *image)
{
	Graph	   *graph = palloc(sizeof(Graph));
	int64		one = 1;
	int64		nitems = -1;
	int64		nusers = -1;
	int64		nstarts;
	int64		nedges = -1;
	int64		nnodes;

	graph->facts = bd_image_array(image, GRAPH_FACTS, sizeof(GraphFacts), &one);
	graph->ids = bd_image_array(image, GRAPH_IDS, sizeof(int64), &nitems);
	graph->candidates = bd_image_array(image, GRAPH_CANDIDATES, sizeof(uint8),
									   &nitems);
	graph->users = bd_image_array(image, GRAPH_USERS, sizeof(int64), &nusers);
	if (graph->facts == NULL || graph->ids == NULL ||
		graph->candidates == NULL || graph->users == NULL ||
		graph->facts->nitems != nitems || graph->facts->nattributes < 0)
		return NULL;
	nnodes = nitems + graph->facts->nattributes + nusers;
	nstarts = nnodes + 1;
	graph->edges.n = (int) nnodes;
	graph->edges.start = bd_image_array(image, GRAPH_START, sizeof(int32),
										&nstarts);
	graph->edges.to = bd_image_array(image, GRAPH_TO, sizeof(int32), &nedges);
	if (graph->edges.start == NULL || graph->edges.to == NULL ||
		!bd_image_rows(graph->edges.start, nnodes, nedges) ||
		!bd_image_indexes(graph->edges.to, nedges, nnodes))
		return NULL;
	graph->nusers = (int) nusers;
	return graph;
}

/* ----------------------------------------------------------------
 * serving
 * ----------------------------------------------------------------
 */

/*
 * bd_graph_list
 *		The arm's list; raises when it has not been trained.
 */
ItemList *
bd_graph_list(const ListRequest *request)
{
	return bd_arm_require(request, "graph",
						  bd_graph_trained_list(request, ERROR));
}

/*
 * bd_graph_trained_list
 *		The arm's list, or NULL when it has not been trained.
 *
 * A trained part that cannot be used is told at "elevel".
 */
ItemList *
bd_graph_trained_list(const ListRequest *request, int elevel)
{
	const Graph *graph = bd_model_get(request->bandit->name, &kind, elevel);
	BanditWalk	walk = {0};
	TopList		best;
	int			limit;

	if (graph == NULL)
		return NULL;
	start_walk(request, graph, &walk);
	while (!bd_walk_run(&walk, STEPS))
		CHECK_FOR_INTERRUPTS();

	limit = Min(request->n, graph->facts->nitems);
	bd_top_start(&best, palloc(sizeof(TopEntry) * Max(limit, 1)), limit);
	for (int i = 0; i < graph->facts->nitems; i++)
		if (walk.reached[i] > 0 && graph->candidates[i] &&
			bd_top_admits(&best, walk.reached[i], i) &&
			!bd_history_excludes(request->history, graph->ids[i]))
			bd_top_add(&best, walk.reached[i], i);
	return bd_arm_list(request, graph->ids, &best);
}

/* The user's node, known or new, with the edges he has now. */
static void
start_walk(const ListRequest *request, const Graph *graph, BanditWalk *walk)
{
	const Bandit *bandit = request->bandit;
	int			user = bd_ids_find(graph->users, graph->nusers,
								   request->user.id);
	int64		room = (int64) graph->edges.n + 1;
	KnownItem  *known;
	int			nknown = bd_arm_history(request, graph->ids,
										graph->facts->nitems, &known);
	int32	   *liked = palloc(sizeof(int32) * Max(nknown, 1));

	walk->graph = &graph->edges;
	walk->restart = bd_option(bandit, "graph", "restart");
	walk->precision = bd_option(bandit, "graph", "precision");
	walk->reached = numbers(sizeof(double), room);
	walk->waiting = numbers(sizeof(double), room);
	walk->queue = numbers(sizeof(int32), room);
	walk->queued = numbers(sizeof(uint8), room);
	walk->own = user < 0 ? graph->edges.n :
		graph->facts->nitems + graph->facts->nattributes + user;
	walk->own_to = liked;
	for (int k = 0; k < nknown; k++)
		if (likes(bandit, known[k].value))
			liked[walk->nown++] = known[k].item;
	put_start(graph, walk);
}

/* At the user; where he likes nothing yet, at the attributes. */
static void
put_start(const Graph *graph, BanditWalk *walk)
{
	const int32 *start = graph->edges.start;
	int			first = graph->facts->nitems;
	int			end = first + graph->facts->nattributes;
	double		nedges = start[end] - start[first];

	if (walk->nown > 0)
	{
		bd_walk_put(walk, walk->own, 1);
		return;
	}
	for (int a = first; a < end; a++)
		if (start[a + 1] > start[a])
			bd_walk_put(walk, a, (start[a + 1] - start[a]) / nedges);
}
