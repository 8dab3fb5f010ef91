// The contract of PostgREST, as far as it can be tried without it: functions of
// an exposed schema at /rpc/NAME, found by the names of their arguments, called
// with named arguments under the role of the request; GET in a read-only
// transaction.  This shim does that and no more.
const assert = require('node:assert/strict');
const http = require('node:http');
const { once } = require('node:events');
const { after, before, test } = require('node:test');
const { get, pool, post, sql } = require('./server.js');

// the functions of that name which these arguments can call
const FIND = `
	SELECT p.oid, p.proretset OR p.prorettype = 'record'::regtype AS rows,
		p.prorettype = 'void'::regtype AS void, a.names, a.types
	FROM pg_proc p
	CROSS JOIN LATERAL (
		SELECT array_agg(n.name ORDER BY n.place) AS names,
			array_agg(format_type(p.proargtypes[n.place - 1], NULL) ORDER BY n.place) AS types
		FROM unnest(p.proargnames) WITH ORDINALITY AS n (name, place)
		WHERE n.place <= p.pronargs
	) AS a
	WHERE p.pronamespace = 'bandit'::regnamespace AND p.proname = $1 AND p.prokind = 'f'
		AND $2::text[] <@ a.names
		AND a.names[:p.pronargs - p.pronargdefaults] <@ $2::text[]`;
const quoted = (name) => `"${name.replaceAll('"', '""')}"`;
const STATUS = { 42501: 403, 42704: 404, 25006: 405 };

async function call(client, name, given, role, readOnly) {
	await client.query(`BEGIN ${readOnly ? 'READ ONLY' : ''}`);
	await client.query(`SET LOCAL ROLE ${quoted(role)}`);
	const found = (await client.query(FIND, [name, Object.keys(given)])).rows;
	if (found.length !== 1) return [found.length ? 300 : 404, { found: found.length }];
	const [{ names, types, rows, void: nothing }] = found;
	const values = Object.entries(given);
	const list = values.map(([key], i) => `${quoted(key)} => $${i + 1}::${types[names.indexOf(key)]}`);
	const { rows: result } = await client.query(
		`SELECT ${rows ? '*' : 'f'} FROM bandit.${quoted(name)}(${list}) AS f`,
		// a JSON array is a PostgreSQL array, a JSON object a jsonb
		values.map(([, value]) => (value?.constructor === Object ? JSON.stringify(value) : value)));
	if (nothing) return [204];
	return [200, rows ? result : result[0].f];
}

async function serve(request, response) {
	const url = new URL(request.url, 'http://x');
	const pieces = [];
	for await (const piece of request) pieces.push(piece);
	const given = request.method === 'GET' ? Object.fromEntries(url.searchParams) : JSON.parse(Buffer.concat(pieces));
	const client = await pool.connect();
	let status;
	let body;
	try {
		[status, body] = await call(client, url.pathname.slice('/rpc/'.length), given,
			request.headers['x-role'], request.method === 'GET');
		await client.query('COMMIT');
	} catch (error) {
		await client.query('ROLLBACK');
		[status, body] = [STATUS[error.code] ?? 400, { code: error.code, message: error.message }];
	} finally {
		client.release();
	}
	response.writeHead(status).end(body === undefined ? '' : JSON.stringify(body));
}

const shim = http.createServer(serve);
const server = {};
before(async () => {
	shim.listen(0, '127.0.0.1');
	await once(shim, 'listening');
	server.url = `http://127.0.0.1:${shim.address().port}`;
	await sql(`SELECT bandit.create_bandit('mail', '{a,b}', '{segment}');
		DROP ROLE IF EXISTS example_both;
		CREATE ROLE example_both; GRANT example_web TO example_both`);
});
after(async () => {
	shim.close();
	await sql('DROP ROLE example_both');
	await pool.end();
});
const rpc = (name, given, role = 'example_web') => post(server, `/rpc/${name}`, given, { 'X-Role': role });

test('recommend', async () => {
	const { status, body } = await rpc('recommend', { name: 'movies', user_id: 42, n: 3 });
	assert.equal(status, 200);
	assert.equal(body.length, 3);
	assert.deepEqual(Object.keys(body[0]), ['position', 'item_id', 'arm', 'score', 'weight', 'variant', 'decision_id']);
	assert.equal((await sql('SELECT FROM bandit.decisions WHERE decision_id = $1', [body[0].decision_id])).length, 1);
	const all = await rpc('recommend', { name: 'movies', user_id: '42', n: 2, use_bandit: false,
		context: { user_type: 'regular' } });
	assert.deepEqual([all.status, all.body[0].variant], [200, 'control'], 'every argument by name');
});

test('recommend by GET is served, and not logged', async () => {
	const { status, body } = await get(server, '/rpc/recommend?name=movies&user_id=42&n=2', { 'X-Role': 'example_web' });
	assert.equal(status, 200);
	assert.deepEqual(body.map((row) => row.decision_id), [null, null]);
});

test('choose, and reward', async () => {
	const { status, body } = await rpc('choose', { bandit: 'mail', context: { segment: 'new' }, subject: 'user 42' });
	assert.equal(status, 200);
	assert.equal(body.length, 1);
	const { decision_id, arm } = body[0];
	assert.ok(['a', 'b'].includes(arm));
	const told = await rpc('reward', { decision_id, reward: 1 });
	assert.deepEqual([told.status, told.body], [200, true]);
	assert.deepEqual(await sql(`SELECT arm FROM bandit.evidence WHERE bandit = 'mail' AND successes = 1`), [{ arm }]);
	const got = await get(server, '/rpc/choose?bandit=mail', { 'X-Role': 'example_web' });
	assert.deepEqual([got.status, got.body.code], [405, '25006'], 'choose by GET is an error');
});

test('feedback', async () => {
	const [{ item_id }] = (await rpc('recommend', { name: 'movies', user_id: 43, n: 1 })).body;
	const told = await rpc('feedback', { name: 'movies', user_id: 43, item_id, kind: 'click' });
	assert.deepEqual([told.status, told.body], [200, true]);
	assert.deepEqual(await sql(`SELECT * FROM bandit.verify('movies')`), []);
});

test('select_arms, by GET too', async () => {
	for (const got of [await rpc('select_arms', { bandit: 'mail', context: { segment: 'new' }, k: 2 }),
		await get(server, '/rpc/select_arms?bandit=mail&k=2', { 'X-Role': 'example_web' })]) {
		assert.equal(got.status, 200);
		assert.deepEqual(got.body.map((row) => row.arm).sort(), ['a', 'b']);
	}
});

test('health and explain, by GET too', async () => {
	const [{ decision_id }] = (await rpc('choose', { bandit: 'mail' })).body;
	for (const got of [await rpc('health', { name: 'mail', window: '1 day' }, 'example_stats'),
		await get(server, '/rpc/health?name=mail', { 'X-Role': 'example_stats' })]) {
		assert.equal(got.status, 200);
		assert.equal(got.body[0].metric, 'overall');
	}
	for (const got of [await rpc('explain', { decision_id }, 'example_stats'),
		await get(server, `/rpc/explain?decision_id=${decision_id}`, { 'X-Role': 'example_stats' })]) {
		assert.equal(got.status, 200);
		assert.deepEqual(got.body.map((row) => row.arm).sort(), ['a', 'b']);
	}
});

test('the role of the request decides', async () => {
	for (const [name, given, role] of [
		['health', { name: 'mail' }, 'example_web'],
		['recommend', { name: 'movies', user_id: 1 }, 'example_stats'],
		['feedback', { name: 'movies', user_id: 1, item_id: 1, kind: 'click' }, 'example_stats'],
		['drop_bandit', { name: 'mail' }, 'example_both']]) {
		const got = await rpc(name, given, role);
		assert.deepEqual([got.status, got.body.code], [403, '42501'], `${name} as ${role}`);
	}
});

test('a mistake keeps its SQLSTATE', async () => {
	assert.equal((await rpc('recommend', { name: 'nobody', user_id: 1 })).body.code, '42704');
	assert.equal((await rpc('recommend', { name: 'movies', user_id: 1, n: 0 })).body.code, '22023');
	assert.equal((await rpc('recommend', { name: 'movies', user: 1 })).status, 404, 'no such arguments');
});

test('the names of the arguments tell every function that applications call from its namesakes', async () => {
	const pairs = await sql(`
		WITH f AS (
			SELECT p.oid, p.proname, a.names, a.names[:p.pronargs - p.pronargdefaults] AS required
			FROM pg_proc p
			CROSS JOIN LATERAL (SELECT p.proargnames[:p.pronargs] AS names) AS a
			WHERE p.pronamespace = 'bandit'::regnamespace AND p.prokind = 'f'
		)
		SELECT f.oid::regprocedure::text AS one, g.oid::regprocedure::text AS other
		FROM f JOIN f g ON g.proname = f.proname AND g.oid > f.oid
		WHERE f.proname IN ('recommend', 'choose', 'reward', 'feedback', 'select_arms', 'health', 'explain')
			-- some set of arguments calls either
			AND f.required <@ g.names AND g.required <@ f.names`);
	assert.deepEqual(pairs, []);
	const unnamed = await sql(`SELECT p.oid::regprocedure::text FROM pg_proc p
		WHERE p.pronamespace = 'bandit'::regnamespace AND p.pronargs > 0 AND p.proname IN
			('recommend', 'choose', 'reward', 'feedback', 'select_arms', 'health', 'explain')
		AND (p.proargnames IS NULL OR '' = ANY (p.proargnames[:p.pronargs]))`);
	assert.deepEqual(unnamed, []);
});
