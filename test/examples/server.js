// Starts and stops the example that EXAMPLE names, and talks to it.
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const net = require('node:net');
const path = require('node:path');
const readline = require('node:readline');

const root = path.join(__dirname, '../..');
const { Pool } = require(path.join(root, 'examples/node/node_modules/pg'));

const COMMANDS = {
	node: [process.execPath, path.join(root, 'examples/node/server.js')],
	python: ['/usr/bin/python3', path.join(root, 'examples/python/server.py')],
};

const started = [];

// An example with the environment given besides; resolves when it listens.
async function start(env = {}) {
	const [command, file] = COMMANDS[process.env.EXAMPLE];
	const child = spawn(command, [file], {
		env: { ...process.env, PGUSER: 'example_web', PORT: '0', STATS_TOKEN: 'secret', ...env },
		stdio: ['ignore', 'pipe', 'pipe'],
	});
	started.push(child);
	const server = { child, log: '' };
	child.stderr.on('data', (data) => { server.log += data; });
	server.ended = once(child, 'exit').then(([code, signal]) => code ?? signal);
	const line = await Promise.race([
		once(readline.createInterface({ input: child.stdout }), 'line').then(([text]) => text),
		server.ended.then((code) => { throw new Error(`it ended with ${code}: ${server.log}`); }),
	]);
	server.url = /^listening on (http:\S+)$/.exec(line)[1];
	server.port = Number(new URL(server.url).port);
	return server;
}

process.on('exit', () => started.forEach((child) => child.kill('SIGKILL')));

// get(server, path, headers), post(server, path, body, headers): {status, body, headers}
async function request(server, target, options) {
	const response = await fetch(server.url + target, {
		...options, signal: AbortSignal.timeout(30000),
	});
	const text = await response.text();
	let body;
	try {
		body = JSON.parse(text);
	} catch {
		body = undefined;
	}
	return { status: response.status, body, text, headers: response.headers };
}
const get = (server, target, headers = {}) => request(server, target, { headers });
const post = (server, target, body, headers = {}) => request(server, target, {
	method: 'POST',
	headers: { 'Content-Type': 'application/json', ...headers },
	body: typeof body === 'string' ? body : JSON.stringify(body),
});
const asUser = (id) => ({ 'X-User-Id': String(id) });
const withToken = (token = 'secret') => ({ Authorization: `Bearer ${token}` });

// the superuser's view
const pool = new Pool({ max: 4 });
pool.on('error', () => {});
const sql = async (text, values) => (await pool.query(text, values)).rows;

// asks until it is so; a test that waits for ever is ended by its time limit
async function until(condition) {
	while (!(await condition())) await new Promise((done) => { setTimeout(done, 20); });
}

// a connection that says something and then hangs
async function hang(server, text) {
	const socket = net.connect(server.port, '127.0.0.1');
	socket.on('error', () => {});
	await once(socket, 'connect');
	socket.write(text);
	return socket;
}

module.exports = { root, pool, start, get, post, request, asUser, withToken, sql, until, hang };
