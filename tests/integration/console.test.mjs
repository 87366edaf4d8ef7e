// The admin console of a running kolabmeetd: its socket, and kolabmeetctl in all its ways.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import dgram from 'node:dgram';
import { once } from 'node:events';
import { chmodSync, existsSync, readFileSync, statSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, assertServes } from './lib/client.mjs';
import { Person, recordedData } from './lib/person.mjs';
import { Server, TOKEN, binDir, eventually, makeRuntimeDir, removeDir } from './lib/server.mjs';

const FAILED = 1;
const USAGE = 2;
const NO_DAEMON = 3;
const DENIED = 4;
const kolabmeetctlPath = path.join(binDir, 'kolabmeetctl');
const isRoot = process.getuid() === 0;

// Runs a program to its end: { status, stdout, stderr }.
async function run(program, args, { input = '', env = {} } = {}) {
    const child = spawn(program, args, { env: { ...process.env, HOME: '/nonexistent', ...env }, timeout: 20000 });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
    child.stdin.on('error', () => {});
    child.stdin.end(input);
    const [status] = await once(child, 'close');
    assert.doesNotMatch(stderr, /Sanitizer|runtime error:/);
    return { status, stdout, stderr };
}

function kolabmeetctl(server, args, options) {
    return run(kolabmeetctlPath, ['--runtime-dir', server.runtimeDir, ...args], options);
}

// The result of a command that works.
async function result(server, ...words) {
    const { status, stdout, stderr } = await kolabmeetctl(server, ['--json', ...words]);
    assert.equal(status, 0, stderr);
    assert.equal(stderr, '');
    return JSON.parse(stdout);
}

async function refused(server, words, status, about) {
    const given = await kolabmeetctl(server, words);
    assert.equal(given.status, status, given.stderr);
    assert.match(given.stderr, about);
    assert.equal(given.stderr.trim().split('\n').length, 1);
    assert.equal(given.stdout, '');
}

// kolabmeetctl at a terminal of its own.
class Terminal {
    static async open(server, home) {
        const terminal = new Terminal();
        const command = `${kolabmeetctlPath} --runtime-dir ${server.runtimeDir}`;
        terminal.child = spawn('script', ['-qefc', command, '/dev/null'], {
            env: { ...process.env, HOME: home, TERM: 'xterm' },
            timeout: 60000,
        });
        terminal.shown = '';
        terminal.child.stdout.setEncoding('utf8').on('data', (text) => (terminal.shown += text));
        await eventually('the prompt', () => terminal.shown.includes('kolabmeet> '), 30000);
        return terminal;
    }

    // Presses keys and waits for what is shown then.
    async type(keys, expected) {
        const from = this.shown.length;
        this.child.stdin.write(keys);
        await eventually('the terminal answers', () => expected.test(this.shown.slice(from)), 30000).catch(() =>
            assert.fail(`no ${expected} after ${JSON.stringify(keys)} in\n${this.shown}`));
    }

    async quit() {
        this.child.stdin.write('quit\r');
        const [status] = await once(this.child, 'close');
        assert.equal(status, 0, this.shown);
    }
}

function socketOf(server) {
    return path.join(server.runtimeDir, 'console');
}

// A raw connection: say(text), and next() for the next line, or null at the end.
async function dial(server) {
    const socket = net.connect(socketOf(server));
    await once(socket, 'connect');
    socket.setEncoding('utf8');
    const lines = (async function* () {
        let rest = '';
        try {
            for await (const text of socket) {
                const parts = (rest + text).split('\n');
                rest = parts.pop();
                yield* parts;
            }
        } catch (error) {
            if (error.code !== 'ECONNRESET' && error.code !== 'EPIPE') throw error;
        }
    })();
    return {
        socket,
        say: (text) => socket.write(text),
        next: async () => (await lines.next()).value ?? null,
        close: () => socket.destroy(),
    };
}

function request(command, ...words) {
    return `${JSON.stringify({ command, arguments: words })}\n`;
}

describe('console', () => {
    const secrets = [TOKEN, 'the-secret-of-the-turn-server', 'the-token-of-the-webhook'];
    let server;

    before(async () => {
        server = await Server.start({
            LOG_LEVEL: 'debug',
            TURN_SERVER: 'turn:127.0.0.1:3478',
            TURN_STATIC_SECRET: secrets[1],
            WEBHOOK_URL: 'http://127.0.0.1:9/',
            WEBHOOK_TOKEN: secrets[2],
        });
    });
    // What a failed test left open is not the next one's.
    afterEach(async () => {
        for (const { roomId } of (await server.request('GET', '/sessions')).json())
            await kolabmeetctl(server, ['close', roomId]);
    });
    after(async () => {
        for (const secret of secrets) assert.ok(!server.stderr.includes(secret), `the log has ${secret}`);
        await server.stop();
        assert.ok(!existsSync(socketOf(server)), 'the socket is left behind');
    });

    test('the socket is for its owner', () => {
        const status = statSync(socketOf(server));
        assert.ok(status.isSocket());
        assert.equal(status.mode & 0o7777, 0o600);
    });

    test('counts, as the old server printed them', async () => {
        const client = await Client.connect(server);
        for (const args of [['--stats'], ['--json', '--stats']]) {
            const { status, stdout } = await kolabmeetctl(server, args);
            assert.equal(status, 0);
            if (args.length === 1) assert.equal(stdout, 'rooms:1\npeers:1\n');
            else assert.deepEqual(JSON.parse(stdout), { rooms: 1, peers: 1 });
        }
        assert.deepEqual(await result(server, 'close', client.room), { roomId: client.room });
        assert.equal((await kolabmeetctl(server, ['--stats'])).stdout, 'rooms:0\npeers:0\n');
    });

    test('every command of the help answers, as text and as JSON', async () => {
        const help = await result(server, 'help');
        const { stdout } = await kolabmeetctl(server, ['help']);
        for (const { command } of help) assert.match(stdout, new RegExp(`^${command} `, 'm'));
        const usage = await result(server, 'usage');
        assert.equal(usage.control.pid, server.pid);
        assert.equal(usage.forwarder.pid, (await server.forwarder()).pid);
        assert.ok(usage.forwarder.residentBytes > 100000);
        assert.equal((await result(server, 'stats', 'worker', '0')).worker, 0);
        assert.equal((await result(server, 'dump', 'worker', '0')).forwarderPid, usage.forwarder.pid);
        assert.equal((await kolabmeetctl(server, ['rooms'])).stdout, 'none\n');
    });

    test('things are found by the beginning of their id, and shown without secrets', async () => {
        const client = await Client.connect(server, undefined, 31);
        secrets.push(client.peer.authToken);
        const nickname = 'Jürgen\u001b[2J\nroot';
        await client.request('join', { nickname, rtpCapabilities: { codecs: [], headerExtensions: [] } });
        const [, transport] = await client.request('createWebRtcTransport', { producing: true });
        secrets.push(transport.iceParameters.password);
        const [, plain] = await client.request('createPlainTransport', { producing: true });

        const outputs = [];
        for (const words of [
            ['rooms'],
            ['peers'],
            ['peers', client.room.slice(0, 8)],
            ['dump', 'peer', client.peer.id.slice(0, 8)],
            ['dump', client.peer.id],
            ['dump', 'room', client.room.slice(0, 8)],
            ['dump', 'transport', transport.id.slice(0, 8)],
            ['dump', 'transport', plain.id],
            ['stats', 'room', client.room],
            ['stats', 'peer', client.peer.id],
            ['stats', transport.id],
        ]) {
            for (const args of [words, ['--json', ...words]]) {
                const { status, stdout, stderr } = await kolabmeetctl(server, args);
                assert.equal(status, 0, stderr);
                assert.ok(stdout.length > 20);
                outputs.push(stdout);
            }
        }
        const all = outputs.join('');
        for (const secret of secrets) assert.ok(!all.includes(secret), `the console says ${secret}`);
        assert.ok(!/authToken|password/i.test(all));
        assert.ok(!all.includes('\u001b'), 'a nickname reaches the terminal');
        assert.ok(all.includes('Jürgen\\x1b[2J\\x0aroot'));
        const dump = await result(server, 'dump', 'peer', client.peer.id);
        assert.equal(dump.nickname, nickname);
        assert.equal(dump.state, 'joined');
        assert.equal(dump.transports[0].transportId, transport.id);
        assert.equal((await result(server, 'stats', transport.id)).transportId, transport.id);
        const { type, comedia, connected, local } = await result(server, 'dump', plain.id);
        assert.deepEqual({ type, comedia, connected }, { type: 'plain-rtp-transport', comedia: true, connected: false });
        assert.deepEqual(local, { ip: plain.ip, port: plain.port, rtcpPort: plain.rtcpPort });

        assert.equal((await result(server, 'kick', client.peer.id.slice(0, 12))).peerId, client.peer.id);
        await client.receive((frame) => frame.includes('moderator:kickPeer'));
        await client.receive((frame) => frame === '41');
        await refused(server, ['kick', client.peer.id], FAILED, /no peer begins with/);
        await result(server, 'close', client.room);
    });

    test('what the forwarder has counted of a transport, a producer and a consumer', async () => {
        const room = await server.createRoom();
        const alice = await Person.join(server, room, 31, 'Alice');
        const bob = await Person.join(server, room, 31, 'Bob');
        const produce = { ...recordedData('ws-25-produce-mic', 'produce'), transportId: alice.sending };
        const { id: producer } = await alice.must('produce', { ...produce, appData: { source: 'mic', '\u001b[2J': 'x' } });
        const [, { id: consumer }] = (await bob.hear()).find(([method]) => method === 'newConsumer');

        const wanted = { [alice.sending]: 'packetsReceived', [consumer]: 'packetsDropped' };
        for (const [id, key] of Object.entries(wanted))
            await eventually(`${key} of ${id}`, async () => (await result(server, 'stats', id))[key] === 0);
        assert.equal((await result(server, 'stats', 'producer', producer)).kind, 'audio');
        const dump = await result(server, 'dump', 'producer', producer);
        assert.equal(dump.peerId, alice.id);
        assert.deepEqual(dump.consumers, [consumer]);
        assert.equal((await result(server, 'dump', consumer)).producerId, producer);
        const { stdout } = await kolabmeetctl(server, ['dump', producer]);
        assert.ok(stdout.includes('\\x1b[2J') && !stdout.includes('\u001b'));
        assert.ok((await result(server, 'stats', 'worker', '0')).rounds > 0);
        assert.equal((await result(server, 'stats', 'room', room)).packetsReceived, 0);
        await result(server, 'close', room);
    });

    test('log levels and tags at run time', async () => {
        assert.deepEqual(await result(server, 'logLevel', 'warn'), { level: 'warn' });
        assert.equal((await result(server, 'logTags', 'room=info')).room, 'info');
        let before = server.stderr.length;
        let room = await server.createRoom();
        await result(server, 'close', room);
        await eventually('the room is heard', () => server.stderr.slice(before).includes(`room ${room} closes`));
        assert.ok(!server.stderr.slice(before).includes('console: closes'));

        await result(server, 'logLevel', 'info');
        await result(server, 'logTags', 'room=off');
        before = server.stderr.length;
        room = await server.createRoom();
        await result(server, 'close', room);
        await eventually('the console is heard', () => server.stderr.slice(before).includes('console: closes'));
        assert.ok(!server.stderr.slice(before).includes(`room ${room} closes`));
        await refused(server, ['logTags', 'cellar=on'], FAILED, /no tag in "cellar=on"/);
        await result(server, 'logTags', 'room=on');
        await result(server, 'logLevel', 'debug');
    });

    test('those of the forwarder too', async () => {
        await result(server, 'logLevel', 'error');
        assert.equal((await result(server, 'logTags', 'drops=debug')).drops, 'debug');
        const before = server.stderr.length;
        const stranger = dgram.createSocket('udp4');
        await eventually('what a stranger sends is told of', () => {
            stranger.send('x', server.mediaPort, '127.0.0.1');
            return / DEBUG drops: worker \d dropped \d+ unknown_class/.test(server.stderr.slice(before));
        }, 60000, 100);
        stranger.close();
        await result(server, 'logTags', 'drops=on');
        await result(server, 'logLevel', 'debug');
    });

    test('wrong words: one line and a status', async () => {
        await refused(server, ['reboot'], USAGE, /no command "reboot"/);
        await refused(server, ['kick'], USAGE, /usage: kick PEER/);
        await refused(server, ['dump', 'peer', 'zz'], FAILED, /no peer begins with "zz"/);
        await refused(server, ['dump', 'cellar', 'zz'], FAILED, /"cellar" is none of/);
        await refused(server, ['kick', 'x'.repeat(70000)], FAILED, /the line is too long/);
        const { status, stderr } = await kolabmeetctl(server, ['--stats', 'rooms']);
        assert.equal(status, USAGE);
        assert.match(stderr, /usage: kolabmeetctl/);
    });

    test('lines of standard input', async () => {
        const input = 'stats\n\n  logLevel   debug \nreboot\nrooms\nquit\ndrain\n';
        const { status, stdout, stderr } = await kolabmeetctl(server, [], { input });
        assert.equal(stdout, 'rooms:0\npeers:0\nlevel  debug\nnone\n');
        assert.match(stderr, /no command "reboot"/);
        assert.equal(status, USAGE);
        assert.equal((await kolabmeetctl(server, [], { input: 'rooms' })).stdout, 'none\n');
        await server.createRoom(); // 200: it does not drain
        await result(server, 'close', (await result(server, 'rooms'))[0].id);
    });

    test('on a terminal: a prompt, completion, history', async () => {
        const home = makeRuntimeDir();
        const room = await server.createRoom();
        try {
            const terminal = await Terminal.open(server, home);
            const type = (keys, expected) => terminal.type(keys, expected);
            await type('stats\r', /rooms:1\s+peers:0\s+kolabmeet> /);
            await type(`dump room ${room.slice(0, 6)}\t`, new RegExp(room.slice(-12)));
            await type('\r', /createdAt[^]*kolabmeet> /);
            await type('logL\t', /evel/);
            await type('\r', /level +debug[^]*kolabmeet> /);
            await type('top\r', /control runs, forwarder runs[^]*worker transp[^]*receive to send[^]*stream codec/);
            await type('q', /kolabmeet> /);
            await terminal.quit();
            const history = path.join(home, '.kolabmeetctl_history');
            assert.match(readFileSync(history, 'utf8'), /stats\n(.*\n)*dump/);
            assert.equal(statSync(history).mode & 0o777, 0o600);
        } finally {
            removeDir(home);
            await result(server, 'close', room);
        }
    });

    test('on a terminal: arrow keys recall lines, also those of the last time, and edit them', async () => {
        const [UP, DOWN, LEFT] = ['\x1b[A', '\x1b[B', '\x1b[D'];
        const STATS = /rooms:0\s+peers:0\s+kolabmeet> /;
        const ROOMS = /none\s+kolabmeet> /;
        const home = makeRuntimeDir();
        try {
            const first = await Terminal.open(server, home);
            await first.type('stats\r', STATS);
            await first.type('rooms\r', ROOMS);
            await first.type(`${UP}${UP}\r`, STATS);
            await first.type(`${UP}${UP}\r`, ROOMS);
            await first.type(`${UP}${UP}${DOWN}\r`, ROOMS);
            await first.type(`roms${LEFT}${LEFT}o\r`, ROOMS);
            await first.quit();
            const second = await Terminal.open(server, home);
            await second.type(`${UP}${UP}\r`, ROOMS); // before quit
            await second.quit();
        } finally {
            removeDir(home);
        }
    });

    test('two clients at once', async () => {
        const [first, second] = await Promise.all([dial(server), dial(server)]);
        first.say('{"command":"st');
        second.say(request('stats'));
        assert.deepEqual(JSON.parse(await second.next()), { ok: true, result: { rooms: 0, peers: 0 } });
        first.say(`ats"}\n${request('logLevel')}`);
        assert.deepEqual(JSON.parse(await first.next()), { ok: true, result: { rooms: 0, peers: 0 } });
        assert.deepEqual(JSON.parse(await first.next()), { ok: true, result: { level: 'debug' } });
        first.close();
        second.close();
        const answers = await Promise.all(Array.from({ length: 8 }, () => result(server, 'stats', 'worker', '0')));
        for (const answer of answers) assert.equal(answer.worker, 0);
    });

    test('garbage is refused; who never reads is dropped; the others are served', async () => {
        const garbage = await dial(server);
        garbage.say(Buffer.from([0, 255, 10]));
        assert.equal(JSON.parse(await garbage.next()).code, 'request');
        for (const line of ['[]\n', '{"command":5}\n', `${'['.repeat(60000)}\n`, '\xff\xfe\n']) {
            garbage.say(line);
            assert.equal(JSON.parse(await garbage.next()).ok, false);
        }
        garbage.say(request('stats'));
        assert.equal(JSON.parse(await garbage.next()).ok, true);
        garbage.say('x'.repeat(200000));
        assert.equal(JSON.parse(await garbage.next()).error, 'the line is too long');
        assert.equal(await garbage.next(), null);

        const rooms = [];
        for (let i = 0; i < 200; i++) rooms.push(await server.createRoom());
        const deaf = net.connect(socketOf(server));
        deaf.on('error', () => {});
        deaf.pause();
        await once(deaf, 'connect');
        const before = (await result(server, 'usage')).control.residentBytes;
        for (let i = 0; i < 500; i++) deaf.write(request('peers') + request('rooms'));
        await sleep(300);
        assert.deepEqual(await result(server, '--stats'), { rooms: 200, peers: 0 });
        const grown = (await result(server, 'usage')).control.residentBytes - before;
        assert.ok(grown < 16e6, `${grown} bytes for who never reads`);
        await assertServes(server);
        deaf.destroy();
        for (const { id } of await result(server, 'rooms')) await result(server, 'close', id);
    });

    test('no more than 16 clients', async () => {
        const clients = await Promise.all(Array.from({ length: 16 }, () => dial(server)));
        await refused(server, ['rooms'], FAILED, /too many clients/);
        clients.pop().close();
        await eventually('one may come again', async () => (await kolabmeetctl(server, ['rooms'])).status === 0);
        for (const client of clients) client.close();
    });

    test('another user is refused, by the mode and by who it is', { skip: !isRoot && 'only root' }, async () => {
        const nobody = (...words) =>
            run('setpriv', ['--reuid=65534', '--regid=65534', '--clear-groups', kolabmeetctlPath, ...words]);
        // Where nobody cannot even run the program, there is nothing to see.
        if ((await nobody('--version')).status !== 0) return;
        const words = ['--runtime-dir', server.runtimeDir, 'drain'];
        const byFolder = await nobody(...words);
        assert.equal(byFolder.status, DENIED, byFolder.stderr);
        chmodSync(server.runtimeDir, 0o755);
        const byMode = await nobody(...words);
        assert.equal(byMode.status, DENIED, byMode.stderr);
        assert.match(byMode.stderr, /no permission/);
        chmodSync(socketOf(server), 0o666);
        const byUser = await nobody(...words);
        assert.equal(byUser.status, DENIED, byUser.stderr);
        assert.match(byUser.stderr, /permission denied/);
        assert.equal(byUser.stdout, '');
        chmodSync(socketOf(server), 0o600);
        const room = await server.createRoom();
        await result(server, 'close', room);
    });
});

describe('drain', () => {
    test('nothing new comes, and the last room ends the server', async () => {
        const server = await Server.start();
        try {
            const client = await Client.connect(server);
            assert.deepEqual(await result(server, 'drain'), { draining: true, rooms: 1, peers: 1 });
            for (const target of ['/sessions', `/sessions/${client.room}/connection`]) {
                const response = await server.request('POST', target, { role: 3 });
                assert.equal(response.status, 503);
                assert.match(response.json().error, /drained/);
            }
            assert.equal((await server.request('GET', `/sessions/${client.room}`)).status, 200);
            assert.deepEqual(await client.request('ping'), [null]);

            await result(server, 'undrain');
            await result(server, 'close', await server.createRoom());
            await result(server, 'drain');
            await sleep(500);
            assert.deepEqual(await client.request('ping'), [null]);
            await result(server, 'close', client.room);
            await client.receive((frame) => frame === '41');
            const end = await Promise.race([server.exited, sleep(30000, null, { ref: false })]);
            assert.deepEqual(end, { status: 0, signal: null }, server.stderr);
            assert.deepEqual(await server.processes(), []);
        } finally {
            await server.kill();
        }
    });

    test('an empty server ends at once', async () => {
        const server = await Server.start();
        try {
            assert.equal((await kolabmeetctl(server, ['drain'])).status, 0);
            const end = await Promise.race([server.exited, sleep(30000, null, { ref: false })]);
            assert.deepEqual(end, { status: 0, signal: null }, server.stderr);
        } finally {
            await server.kill();
        }
    });
});

describe('kolabmeetctl without a daemon', () => {
    test('says so, before and after there was one', async () => {
        const dir = makeRuntimeDir();
        try {
            await refused({ runtimeDir: dir }, ['rooms'], NO_DAEMON, /kolabmeetd is not running/);
            await refused({ runtimeDir: dir }, ['--stats'], NO_DAEMON, /kolabmeetd is not running/);
            for (const words of [['stats'], ['--json', 'stats'], ['--json', 'top']])
                await refused({ runtimeDir: dir }, words, NO_DAEMON, /kolabmeetd has not run: there is no /);
            await refused({ runtimeDir: path.join(dir, 'x'.repeat(120)) }, ['rooms'], NO_DAEMON, /too long/);
        } finally {
            removeDir(dir);
        }
        const server = await Server.start();
        try {
            for (const { pid } of await server.processes()) process.kill(pid, 'SIGKILL');
            await server.exited;
            assert.ok(existsSync(socketOf(server)));
            await refused(server, ['rooms'], NO_DAEMON, /kolabmeetd is not running/);
            assert.equal((await kolabmeetctl(server, ['stats'])).status, 0); // the file is there
        } finally {
            await server.kill();
        }
    });

    test('a runtime directory that another kolabmeetd has, or that is too long for a socket', async () => {
        const server = await Server.start();
        try {
            const second = await Server.launch({ RUNTIME_DIR: server.runtimeDir });
            const { status } = await second.exited;
            assert.equal(status, 1, second.stderr);
            assert.match(second.stderr, /another kolabmeetd/);
            assert.equal((await result(server, 'stats')).control.pid, server.pid); // of the file, which is still its
            await second.kill();
            await result(server, 'rooms');
            const long = await Server.launch({ RUNTIME_DIR: path.join(server.runtimeDir, 'x'.repeat(120)) });
            assert.equal((await long.exited).status, 78, long.stderr);
            assert.match(long.stderr, /RUNTIME_DIR is too long/);
            await long.kill();
        } finally {
            await server.kill();
        }
    });
});
