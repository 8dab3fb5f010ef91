// The contract of the examples, the same for each: EXAMPLE says which.
const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const { once } = require('node:events');
const { after, before, test } = require('node:test');
const { asUser, get, hang, pool, post, request, sql, start, until, withToken } = require('./server.js');

const BIG = '9007199254740993'; // 2^53 + 1: no JSON number of JavaScript
const limit = { timeout: 60000 };
let server;
before(async () => {
	await sql(`INSERT INTO app.movies VALUES (${BIG}, 'Big', '{Drama}')`);
	server = await start();
});
after(async () => {
	server.child.kill('SIGTERM');
	await server.ended;
	await pool.end();
});

const verified = async () =>
	assert.deepEqual(await sql(`SELECT * FROM bandit.verify('movies')`), [], 'every reward accounted for');
// what an arm has learnt, over all contexts
const learnt = async (arm) => (await sql(
	`SELECT coalesce(sum(successes), 0)::float8 AS successes, coalesce(sum(failures), 0)::float8 AS failures
	FROM bandit.evidence WHERE bandit = 'movies' AND arm = $1`, [arm]))[0];
const served = async (user, n = 5) => (await get(server, `/recommendations?n=${n}`, asUser(user))).body;

test('recommendations are served, and logged as served', limit, async () => {
	const { status, body, headers } = await get(server, '/recommendations?n=5', asUser(7));
	assert.equal(status, 200);
	assert.match(headers.get('content-type'), /^application\/json/);
	assert.equal(headers.get('cache-control'), 'no-store');
	assert.equal(body.items.length, 5);
	const [decision] = await sql(
		'SELECT subject, items::text[] AS items, item_arms, variant FROM bandit.decisions WHERE decision_id = $1',
		[body.decision_id]);
	assert.equal(decision.subject, '7');
	assert.equal(decision.variant, body.variant);
	assert.deepEqual(decision.items, body.items.map((i) => i.item_id), 'ids as strings');
	assert.deepEqual(decision.item_arms, body.items.map((i) => i.arm));
	assert.deepEqual(body.items.map((i) => i.position), [1, 2, 3, 4, 5]);
	for (const item of body.items) assert.equal(item.title, `Film ${item.item_id}`);
	assert.equal((await get(server, '/recommendations', asUser(7))).body.items.length, 20, '20 by default');
});

for (const [path, kind, gains] of [
	['/track/click', 'click', { successes: 1, failures: 0 }],
	['/track/thumbs-up', 'thumbs_up', { successes: 1, failures: 0 }],
	['/track/thumbs-down', 'thumbs_down', { successes: 0, failures: 1 }],
])
	test(`${path} is attributed and learnt, once`, limit, async () => {
		const list = await served(11);
		const { item_id, arm } = list.items[1];
		const earlier = await learnt(arm);
		const told = await post(server, path, { item_id }, asUser(11));
		assert.deepEqual([told.status, told.body], [200, { learnt: true }]);
		const [row] = await sql(
			'SELECT kind, arm FROM bandit.feedback WHERE decision_id = $1 AND item_id = $2',
			[list.decision_id, item_id]);
		assert.deepEqual(row, { kind, arm });
		const now = await learnt(arm);
		assert.equal(now.successes - earlier.successes, gains.successes);
		assert.equal(now.failures - earlier.failures, gains.failures);
		await post(server, path, { item_id }, asUser(11));
		assert.deepEqual(await learnt(arm), now, 'again: nothing new');
		await verified();
	});

test('what was never recommended is not learnt, and no error', limit, async () => {
	const told = await post(server, '/track/click', { item_id: BIG }, asUser(BIG));
	assert.deepEqual([told.status, told.body], [200, { learnt: false }]);
});

test('a rating is stored, learnt from the table, and changed', limit, async () => {
	const list = await served(13);
	const { item_id, arm } = list.items[0];
	const earlier = await learnt(arm);
	const told = await post(server, '/track/rating', { item_id, rating: 4.5 }, asUser(13));
	assert.deepEqual([told.status, told.body], [200, { stored: true }]);
	assert.equal((await learnt(arm)).successes - earlier.successes, 1);
	await post(server, '/track/rating', { item_id, rating: 1 }, asUser(13));
	const now = await learnt(arm);
	assert.equal(now.successes - earlier.successes, 0, 'unlearnt');
	assert.equal(now.failures - earlier.failures, 1, 'learnt anew');
	assert.deepEqual(await sql('SELECT rating::float8 AS rating FROM app.ratings WHERE user_id = 13 AND movie_id = $1',
		[item_id]), [{ rating: 1 }]);
	await verified();
});

test('big integers keep their digits', limit, async () => {
	assert.equal((await post(server, '/track/rating', { item_id: BIG, rating: 3 }, asUser(BIG))).status, 200);
	assert.equal((await sql(`SELECT FROM app.ratings WHERE user_id = ${BIG} AND movie_id = ${BIG}`)).length, 1);
	const { body } = await get(server, '/recommendations', asUser(BIG));
	assert.deepEqual(await sql('SELECT subject FROM bandit.decisions WHERE decision_id = $1', [body.decision_id]),
		[{ subject: BIG }]);
	assert.equal((await post(server, '/track/click', `{"item_id": ${BIG}}`, asUser(1))).status, 400,
		'as a JSON number it is refused');
	assert.equal((await post(server, '/track/click', { item_id: 17 }, asUser(1))).status, 200, 'a small one is not');
});

test('what is wrong with a request is said, as JSON', limit, async () => {
	const bodies = ['', 'x', '[]', 'null', '"1"', '{}', '{"item_id": true}', '{"item_id": 1.5}',
		'{"item_id": "9223372036854775808"}', '{"item_id": "1; DROP TABLE app.ratings"}',
		'{"item_id": "1\\n"}', '{"item_id": {"$ne": 1}}', '['.repeat(9000)];
	const wrong = [
		[404, () => get(server, '/')],
		[404, () => get(server, '/bandit')],
		[404, () => get(server, '/__proto__', asUser(1))],
		[405, () => get(server, '/track/click', asUser(1))],
		[405, () => post(server, '/recommendations', {}, asUser(1))],
		[400, () => get(server, '/recommendations')],
		[400, () => get(server, '/recommendations', asUser('me'))],
		[400, () => get(server, '/recommendations', asUser("1' OR '1'='1"))],
		[400, () => get(server, '/recommendations', asUser('9223372036854775808'))],
		[400, () => get(server, '/recommendations?n=x', asUser(1))],
		[400, () => get(server, '/recommendations?n=100', asUser(1))],
		[400, () => get(server, '/recommendations?n=-1', asUser(1))],
		[400, () => get(server, '/performance?days=1%20day', withToken())],
		...bodies.map((body) => [400, () => post(server, '/track/click', body, asUser(1))]),
		...['', ', "rating": null', ', "rating": "4"', ', "rating": 0', ', "rating": 5.5', ', "rating": true']
			.map((more) => [400, () => post(server, '/track/rating', `{"item_id": "1"${more}}`, asUser(1))]),
		[415, () => post(server, '/track/click', '{"item_id": "1"}', { ...asUser(1), 'Content-Type': 'text/plain' })],
		[413, () => post(server, '/track/click', ' '.repeat(20000), asUser(1))],
		[413, () => request(server, '/track/click', { // in chunks, without a length
			method: 'POST', headers: { 'Content-Type': 'application/json', ...asUser(1) }, duplex: 'half',
			body: new Blob([' '.repeat(20000)]).stream(),
		})],
	];
	for (const [status, ask] of wrong) {
		const got = await ask();
		assert.equal(got.status, status, `${ask} ${got.text}`);
		assert.equal(typeof got.body?.error, 'string', `${ask} ${got.text}`);
	}
	const { headers } = await request(server, '/track/click', { method: 'DELETE' });
	assert.equal(headers.get('allow'), 'POST');
});

test('HEAD and OPTIONS log no decision', limit, async () => {
	for (const method of ['HEAD', 'OPTIONS']) {
		const { status, headers } = await request(server, '/recommendations', { method, headers: asUser(4711) });
		assert.deepEqual([method, status, headers.get('allow')], [method, 405, 'GET']);
	}
	assert.deepEqual(await sql(`SELECT FROM bandit.decisions WHERE subject = '4711'`), []);
});

test('SQLSTATEs become statuses', limit, async () => {
	const zero = await get(server, '/recommendations?n=0', asUser(1));
	assert.deepEqual([zero.status, zero.body.error], [400, 'n must be between 1 and 10000, not 0'], '22023');
	assert.equal((await get(server, '/performance?days=0', withToken())).status, 400, '22023 of statistics');
	const item = await post(server, '/track/rating', { item_id: '999999', rating: 3 }, asUser(1));
	assert.deepEqual([item.status, item.body.error], [404, 'no such item'], '23503');
	const other = await start({ BANDIT: 'no such' });
	for (const got of [await get(other, '/recommendations', asUser(1)),
		await post(other, '/track/click', { item_id: '1' }, asUser(1)), await get(other, '/performance', withToken())])
		assert.deepEqual([got.status, got.body.error], [404, 'bandit "no such" does not exist'], '42704');
	other.child.kill('SIGTERM');
	await other.ended;
	await sql('REVOKE bandit_serve FROM example_web');
	try {
		const got = await get(server, '/recommendations', asUser(1));
		assert.deepEqual([got.status, got.body], [403, { error: 'forbidden' }], '42501');
	} finally {
		await sql('GRANT bandit_serve TO example_web');
	}
	await sql('ALTER TABLE app.movies RENAME TO films');
	try {
		const got = await get(server, '/recommendations', asUser(1));
		assert.deepEqual([got.status, got.body], [500, { error: 'internal error' }], '42P01, without detail');
	} finally {
		await sql('ALTER TABLE app.films RENAME TO movies');
	}
	assert.match(server.log, /app\.movies/, 'the detail is in the log');
});

for (const state of ['40001', '40P01'])
	test(`${state} is tried again, and not for ever`, limit, async () => {
		await sql(`CREATE SEQUENCE app.tries; GRANT USAGE ON SEQUENCE app.tries TO example_web;
			CREATE FUNCTION app.lose() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
				IF nextval('app.tries') <= TG_ARGV[0]::int THEN RAISE EXCEPTION 'lost' USING ERRCODE = '${state}'; END IF;
				RETURN NEW; END $$;
			CREATE TRIGGER lose BEFORE INSERT ON app.ratings FOR EACH ROW EXECUTE FUNCTION app.lose(2)`);
		try {
			const body = { item_id: '3', rating: 2 };
			assert.equal((await post(server, '/track/rating', body, asUser(500))).status, 200, 'the third time');
			assert.deepEqual(await sql('SELECT last_value::int AS tries FROM app.tries'), [{ tries: 3 }]);
			await sql(`DROP TRIGGER lose ON app.ratings;
				CREATE TRIGGER lose BEFORE INSERT ON app.ratings FOR EACH ROW EXECUTE FUNCTION app.lose(1000)`);
			const got = await post(server, '/track/rating', body, asUser(501));
			assert.deepEqual([got.status, got.body, got.headers.get('retry-after')],
				[503, { error: 'try again later' }, '1']);
			assert.deepEqual(await sql('SELECT last_value::int AS tries FROM app.tries'), [{ tries: 6 }]);
		} finally {
			await sql('DROP FUNCTION app.lose() CASCADE; DROP SEQUENCE app.tries');
		}
	});

test('statistics want the token, and a role of their own', limit, async () => {
	for (const path of ['/bandit/stats', '/performance'])
		for (const headers of [{}, withToken('wrong'), withToken('secrets'), { Authorization: 'Basic secret' }]) {
			const got = await get(server, path, headers);
			assert.equal(got.status, 401);
			assert.equal(got.headers.get('www-authenticate'), 'Bearer');
			assert.deepEqual(Object.keys(got.body), ['error']);
		}
	const { status, body } = await get(server, '/bandit/stats', withToken());
	assert.equal(status, 200);
	const arms = await sql(`SELECT arm, enabled, pulls, successes, failures, mean, lower, upper, share
		FROM bandit.arm_stats WHERE bandit = 'movies'`);
	assert.deepEqual(body.arms, arms);
	assert.equal(typeof body.arms[0].pulls, 'string', 'a bigint');
	const health = await get(server, '/performance?days=30', withToken());
	assert.equal(health.status, 200);
	assert.equal(health.body.metrics[0].metric, 'overall');
	assert.ok(health.body.metrics.some((m) => m.metric === 'unverified_states' && m.status === 'ok' && m.value === 0));

	// the roles, each on connections of its own
	const roles = await sql(`SELECT usename, bool_and(pg_has_role(usename, 'bandit_monitor', 'MEMBER')) AS looks,
			bool_or(pg_has_role(usename, 'bandit_serve', 'MEMBER')) AS serves
		FROM pg_stat_activity WHERE application_name = 'bandit-example' AND datname = current_database()
		GROUP BY usename ORDER BY usename`);
	assert.deepEqual(roles, [{ usename: 'example_stats', looks: true, serves: false },
		{ usename: 'example_web', looks: false, serves: true }]);
});

test('without a token there are no statistics', limit, async () => {
	const other = await start({ STATS_TOKEN: '' });
	for (const path of ['/bandit/stats', '/performance'])
		for (const headers of [{}, withToken(''), withToken('undefined'), withToken('secret')])
			assert.equal((await get(other, path, headers)).status, 404);
	other.child.kill('SIGTERM');
	await other.ended;
});

test('clients that hang hold no connection of the database', limit, async () => {
	const head = 'POST /track/rating HTTP/1.1\r\nHost: x\r\nX-User-Id: 1\r\nContent-Type: application/json\r\n';
	const sockets = [];
	for (let i = 0; i < 40; i++)
		sockets.push(await hang(server, i % 2 ? head : `${head}Content-Length: 40\r\n\r\n{"item_id": "1"`));
	for (let i = 0; i < 5; i++)
		assert.equal((await get(server, '/recommendations?n=5', asUser(i + 20))).status, 200);
	const busy = await sql(`SELECT FROM pg_stat_activity WHERE application_name = 'bandit-example'
		AND datname = current_database() AND state <> 'idle'`);
	assert.equal(busy.length, 0);
	await Promise.all(sockets.map((socket) => once(socket.resume(), 'close'))); // given up by the server
	assert.equal((await get(server, '/recommendations?n=5', asUser(30))).status, 200);
});

test('a statement that takes too long is given up', limit, async () => {
	const blocker = await pool.connect();
	try {
		await blocker.query('BEGIN; LOCK TABLE app.ratings IN ACCESS EXCLUSIVE MODE');
		// more than the pool has connections: those that wait for one are told, too
		const got = await Promise.all(Array.from({ length: 14 }, (_, i) =>
			post(server, '/track/rating', { item_id: '3', rating: 2 }, asUser(600 + i))));
		for (const { status, body } of got) assert.deepEqual([status, body], [503, { error: 'try again later' }]);
	} finally {
		await blocker.query('ROLLBACK');
		blocker.release();
	}
	assert.equal((await post(server, '/track/rating', { item_id: '3', rating: 2 }, asUser(600))).status, 200);
});

test('lost connections are replaced', limit, async () => {
	await Promise.all(Array.from({ length: 10 }, (_, i) => get(server, '/recommendations?n=5', asUser(i + 1))));
	await sql(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
		WHERE application_name = 'bandit-example' AND datname = current_database()`);
	let refused = 0;
	await until(async () => {
		const { status } = await get(server, '/recommendations?n=5', asUser(1));
		if (status === 200) return true;
		assert.equal(status, 503);
		refused++;
		return false;
	});
	assert.ok(refused <= 10, `${refused} refused`);
	assert.equal((await get(server, '/bandit/stats', withToken())).status === 500, false);
	assert.equal(server.child.exitCode, null, 'and the server lives');
});

test('a connection that is lost while it works is an answer, and no end', limit, async () => {
	const blocker = await pool.connect();
	try {
		await blocker.query('BEGIN; LOCK TABLE app.ratings IN ACCESS EXCLUSIVE MODE');
		const pending = post(server, '/track/rating', { item_id: '3', rating: 2 }, asUser(800));
		await until(async () => (await sql(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
			WHERE wait_event_type = 'Lock' AND application_name = 'bandit-example'
				AND datname = current_database()`)).length > 0);
		const { status, body } = await pending;
		assert.deepEqual([status, body], [503, { error: 'try again later' }]);
	} finally {
		await blocker.query('ROLLBACK');
		blocker.release();
	}
	assert.equal((await sql('SELECT FROM app.ratings WHERE user_id = 800')).length, 0, 'nothing was stored');
	await until(async () => (await get(server, '/recommendations?n=5', asUser(1))).status === 200);
	assert.equal(server.child.exitCode, null);
});

test('it listens on the loopback address alone', limit, async () => {
	assert.match(server.url, /^http:\/\/127\.0\.0\.1:/);
	const listening = execFileSync('sh', ['-c', 'cat /proc/net/tcp /proc/net/tcp6'], { encoding: 'utf8' })
		.split('\n').map((line) => line.trim().split(/\s+/))
		.filter((fields) => fields[3] === '0A' && parseInt(fields[1]?.split(':')[1], 16) === server.port);
	assert.deepEqual(listening.map((fields) => fields[1].split(':')[0]), ['0100007F']);
});

test('told to stop, it answers what it has begun, and ends', limit, async () => {
	const other = await start();
	const blocker = await pool.connect();
	let pending;
	try {
		await blocker.query('BEGIN; LOCK TABLE app.ratings IN ACCESS EXCLUSIVE MODE');
		pending = post(other, '/track/rating', { item_id: '4', rating: 5 }, asUser(700));
		await until(async () => (await sql(`SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'
			AND application_name = 'bandit-example' AND datname = current_database()`)).length > 0);
		other.child.kill('SIGTERM');
	} finally {
		await blocker.query('ROLLBACK');
		blocker.release();
	}
	const { status, body } = await pending;
	assert.deepEqual([status, body], [200, { stored: true }]);
	assert.equal(await other.ended, 0);
	assert.equal((await sql('SELECT FROM app.ratings WHERE user_id = 700')).length, 1);
	await verified();
});
