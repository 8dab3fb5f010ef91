// Pools of connections, and one way to run a statement.
//
// A connection is taken when a request has been read and given back before its
// answer is written: a client that hangs holds none.
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';

const TRIES = 3;
const TRY_AGAIN = ['40001', '40P01']; // serialization failure, deadlock

// What the caller may know of an error, by its SQLSTATE.  A message is only
// handed on where it speaks of the caller's own arguments.
const ANSWERS = {
	22023: { status: 400, tell: true }, // a value that the function refuses
	22004: { status: 400, tell: true }, // a null that it refuses
	42704: { status: 404, tell: true }, // no such bandit, arm or kind
	23503: { status: 404, message: 'no such item' }, // foreign key of ratings
	42501: { status: 403, message: 'forbidden' },
	57014: { status: 503 }, // statement_timeout
	...Object.fromEntries(TRY_AGAIN.map((code) => [code, { status: 503 }])),
};

// The database could not be reached, or went away: not its word on a statement.
class Unavailable extends Error {}

export function makePool(settings, statementTimeout) {
	const pool = new pg.Pool({
		...settings,
		statement_timeout: statementTimeout, // the server gives up ...
		query_timeout: statementTimeout + 2000, // ... or is not heard of any more
		idle_in_transaction_session_timeout: 10000,
		connectionTimeoutMillis: 2000, // for one from the pool, or a new one
		idleTimeoutMillis: 30000,
		keepAlive: true,
		application_name: 'bandit-example',
	});
	// A lost connection is an event, which would end the process if nobody
	// listened.  The pool drops it.
	pool.on('error', (error) => console.error('idle connection lost:', error.message));
	pool.on('connect', (client) => client.on('error', () => {}));
	return pool;
}

async function runOnce(pool, text, values) {
	let client;
	try {
		client = await pool.connect();
	} catch (error) {
		// a DatabaseError here is the refusal of a connection
		throw new Unavailable(error.message, { cause: error });
	}
	let broken;
	try {
		return (await client.query(text, values)).rows;
	} catch (error) {
		if (error instanceof pg.DatabaseError && error.severity !== 'FATAL') throw error;
		broken = error;
		throw new Unavailable(error.message, { cause: error });
	} finally {
		client.release(broken);
	}
}

// Runs one statement, which is a transaction of its own, and returns its rows.
// One that lost against others has left nothing behind, and is tried again.
export async function query(pool, text, values) {
	for (let attempt = 1; ; attempt++) {
		try {
			return await runOnce(pool, text, values);
		} catch (error) {
			if (!TRY_AGAIN.includes(error.code) || attempt === TRIES) throw error;
			await pause(Math.random() * 50 * attempt);
		}
	}
}

// The status and message for an error of query(); undefined for any other.
export function answerFor(error) {
	if (error instanceof Unavailable) return { status: 503, message: 'try again later' };
	if (!(error instanceof pg.DatabaseError)) return undefined;
	const { status = 500, tell, message } = ANSWERS[error.code] ?? {};
	return {
		status,
		message: tell
			? error.message
			: message ?? (status === 503 ? 'try again later' : 'internal error'),
	};
}
