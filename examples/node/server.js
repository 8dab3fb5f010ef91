// bandit over HTTP.  What a real application does besides says ../README.md.
import { createHash, timingSafeEqual } from 'node:crypto';
import http from 'node:http';
import { answerFor, makePool, query } from './database.js';

const {
	HOST = '127.0.0.1',
	PORT = '8080',
	BANDIT = 'movies',
	POOL_SIZE = '10',
	STATS_TOKEN,
	STATS_PGUSER = 'example_stats',
	STATS_PGPASSWORD,
} = process.env;
const MAX_BODY = 10000;

// Serving and telling: the role of PGUSER, which reads no statistics.
const web = makePool({ max: Number(POOL_SIZE) }, 3000);
// Statistics: connections of another role, which may only read.
const stats = makePool(
	{
		user: STATS_PGUSER,
		password: STATS_PGPASSWORD,
		max: 2,
		options: '-c default_transaction_read_only=on',
	},
	10000,
);

class BadRequest extends Error {
	constructor(status, message, headers = {}) {
		super(message);
		Object.assign(this, { status, headers });
	}
}

// ---------------------------------------------------------------- validation

// A bigint, as the decimal string that JavaScript cannot round.  JSON numbers
// are taken where they are exact.
function bigint(value, name) {
	const text = Number.isSafeInteger(value) ? String(value) : value;
	if (typeof text !== 'string' || !/^-?\d{1,19}$/.test(text) ||
		BigInt.asIntN(64, BigInt(text)) !== BigInt(text))
		throw new BadRequest(400, `${name} must be an integer, as a string`);
	return text;
}

// Whether a number makes sense is for the database to say; this keeps it small.
function smallNumber(text, name) {
	if (!/^\d{1,2}$/.test(text)) throw new BadRequest(400, `${name} must be from 1 to 99`);
	return Number(text);
}

function rating(value) {
	if (typeof value !== 'number' || !(value >= 0.5 && value <= 5))
		throw new BadRequest(400, 'rating must be a number from 0.5 to 5');
	return value;
}

// Who asks.  Here it is what the client says; see ../README.md.
function userOf(request) {
	return bigint(request.headers['x-user-id'], 'header X-User-Id');
}

async function bodyOf(request) {
	if (!/^application\/json\s*(;|$)/i.test(request.headers['content-type'] ?? ''))
		throw new BadRequest(415, 'the body must be application/json');
	const pieces = [];
	let length = 0;
	for await (const piece of request) {
		length += piece.length;
		if (length > MAX_BODY)
			throw new BadRequest(413, 'the body is too large', { Connection: 'close' });
		pieces.push(piece);
	}
	let body;
	try {
		body = JSON.parse(Buffer.concat(pieces).toString('utf8'));
	} catch {
		// told below
	}
	if (body === null || typeof body !== 'object' || Array.isArray(body))
		throw new BadRequest(400, 'the body must be a JSON object');
	return body;
}

const digest = (text) => createHash('sha256').update(text).digest();

function requireToken(request) {
	if (!STATS_TOKEN) throw new BadRequest(404, 'not found');
	const given = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '');
	if (!given || !timingSafeEqual(digest(given[1]), digest(STATS_TOKEN)))
		throw new BadRequest(401, 'a bearer token is needed', { 'WWW-Authenticate': 'Bearer' });
}

// ----------------------------------------------------------------- endpoints
// One SQL call each.  Values are parameters, never part of the statement.

async function recommendations(request, url) {
	const n = smallNumber(url.searchParams.get('n') ?? '20', 'n');
	const rows = await query(
		web,
		`SELECT r.position, r.item_id, m.title, r.arm, r.score, r.variant, r.decision_id
		FROM bandit.recommend($1, $2::bigint, $3::int) r
		LEFT JOIN app.movies m ON m.movie_id = r.item_id
		ORDER BY r.position`,
		[BANDIT, userOf(request), n],
	);
	return {
		decision_id: rows[0]?.decision_id ?? null,
		variant: rows[0]?.variant ?? null,
		items: rows.map(({ position, item_id, title, arm, score }) =>
			({ position, item_id, title, arm, score })),
	};
}

const feedback = (kind) => async (request) => {
	const user = userOf(request);
	const { item_id } = await bodyOf(request);
	const [row] = await query(
		web,
		'SELECT bandit.feedback($1, $2::bigint, $3::bigint, $4) AS learnt',
		[BANDIT, user, bigint(item_id, 'item_id'), kind],
	);
	return row;
};

// A rating is the application's own data; bandit watches the table.
async function rate(request) {
	const user = userOf(request);
	const body = await bodyOf(request);
	await query(
		web,
		`INSERT INTO app.ratings (user_id, movie_id, rating) VALUES ($1, $2, $3)
		ON CONFLICT (user_id, movie_id) DO UPDATE
			SET rating = excluded.rating, rated_at = excluded.rated_at`,
		[user, bigint(body.item_id, 'item_id'), rating(body.rating)],
	);
	return { stored: true };
}

async function banditStats(request) {
	requireToken(request);
	return {
		arms: await query(
			stats,
			`SELECT arm, enabled, pulls, successes, failures, mean, lower, upper, share
			FROM bandit.arm_stats WHERE bandit = $1`,
			[BANDIT],
		),
	};
}

async function performance(request, url) {
	requireToken(request);
	const days = smallNumber(url.searchParams.get('days') ?? '7', 'days');
	return {
		metrics: await query(
			stats,
			`SELECT metric, value, lower, upper, threshold, sample, status, severity, message
			FROM bandit.health($1, make_interval(days => $2))`,
			[BANDIT, days],
		),
	};
}

const ROUTES = {
	'/recommendations': { GET: recommendations },
	'/track/click': { POST: feedback('click') },
	'/track/rating': { POST: rate },
	'/track/thumbs-up': { POST: feedback('thumbs_up') },
	'/track/thumbs-down': { POST: feedback('thumbs_down') },
	'/bandit/stats': { GET: banditStats },
	'/performance': { GET: performance },
};

// -------------------------------------------------------------------- server

function route(request, url) {
	const methods = Object.hasOwn(ROUTES, url.pathname) && ROUTES[url.pathname];
	if (!methods) throw new BadRequest(404, 'not found');
	if (!Object.hasOwn(methods, request.method))
		throw new BadRequest(405, 'method not allowed', { Allow: Object.keys(methods).join() });
	return methods[request.method](request, url);
}

function answer(response, status, body, headers = {}) {
	response.writeHead(status, {
		'Content-Type': 'application/json',
		'Cache-Control': 'no-store',
		...(status === 503 && { 'Retry-After': '1' }),
		// a server that stops keeps no connection open
		...(!server.listening && { Connection: 'close' }),
		...headers,
	});
	response.end(JSON.stringify(body) + '\n');
}

async function serve(request, response) {
	try {
		// the path as it is: not an address, which may be malformed
		const [path, search = ''] = request.url.split(/\?(.*)/s);
		const url = { pathname: path, searchParams: new URLSearchParams(search) };
		answer(response, 200, await route(request, url));
	} catch (error) {
		if (error instanceof BadRequest) {
			answer(response, error.status, { error: error.message }, error.headers);
			return;
		}
		if (response.destroyed) return; // the client went away
		const { status, message } = answerFor(error) ?? { status: 500, message: 'internal error' };
		// for the log alone
		if (status >= 500) console.error(request.method, request.url, error);
		answer(response, status, { error: message });
	}
}

const server = http.createServer(
	{
		headersTimeout: 5000,
		requestTimeout: 10000, // for all of a request, its body included
		keepAliveTimeout: 5000,
		connectionsCheckingInterval: 1000,
	},
	serve,
);
server.listen(Number(PORT), HOST, () => {
	const { address, port, family } = server.address();
	console.log(`listening on http://${family === 'IPv6' ? `[${address}]` : address}:${port}`);
});

// The requests that are there are answered, then the connections go.
let stopping = false;
for (const signal of ['SIGTERM', 'SIGINT'])
	process.on(signal, () => {
		if (stopping) return;
		stopping = true;
		setTimeout(() => process.exit(1), 15000).unref();
		server.close(async () => {
			await Promise.all([web.end(), stats.end()]);
			process.exit(0);
		});
		server.closeIdleConnections();
	});
