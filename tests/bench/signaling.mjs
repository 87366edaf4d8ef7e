// Measures kolabmeetd: the HTTP API, joins, notifications in a large room, memory a peer. All but one
// are without media, and so without DTLS.

import { execFile, execFileSync } from 'node:child_process';
import os from 'node:os';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Server, TOKEN, binDir, eventually } from '../integration/lib/server.mjs';
import { ApiConnection, Peer } from './signaling_client.mjs';
import { cpuSince, cpuTime, memory } from './signaling_process.mjs';

const AT_ONCE = 8; // connections or joins that are under way at a time

const ENV = {
    MAX_ADDRESS_CONNECTIONS: '0',
    MAX_CONNECTION_RATE: '0',
    MAX_ADDRESS_CONNECTION_RATE: '0',
    MAX_REQUEST_RATE: '0',
    MAX_ADDRESS_REQUEST_RATE: '0',
    POLL: 'sleep', // the forwarder has nothing to do here, and shall not take the CPU for it
};

const rows = [];

function report(what, figure) {
    rows.push([what, figure]);
    console.error(`  ${what}: ${figure}`);
}

const seconds = (ms) => (ms / 1000).toFixed(1);
const mib = (kib) => (kib / 1024).toFixed(1);
const percentile = (sorted, part) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))];

// `work(item)` for each of the items, AT_ONCE at a time.
async function each(items, work) {
    const left = items.values();
    await Promise.all(
        Array.from({ length: AT_ONCE }, async (_, lane) => {
            for (const item of left) await work(item, lane);
        }),
    );
}

// Runs `work`: { ms, cpu }, with what the server has used of the CPU meanwhile.
async function measure(server, work) {
    const began = performance.now();
    const before = cpuTime(server.pid);
    await work();
    return { ms: performance.now() - began, cpu: cpuSince(server.pid, before) };
}

async function createRooms(api, count) {
    const rooms = [];
    while (rooms.length < count) rooms.push((await api.json('POST', '/sessions', {})).id);
    return rooms;
}

async function join(port, query, nickname) {
    const peer = await Peer.connect(port, query);
    const rtpCapabilities = await peer.request('getRouterRtpCapabilities');
    await peer.request('join', { nickname, rtpCapabilities });
    return peer;
}

function reportRate(what, unit, count, { ms, cpu }) {
    const micros = (part) => ((part * 1000) / count).toFixed(0);
    report(`${what}: a second`, `${((count * 1000) / ms).toFixed(0)} (${count} in ${seconds(ms)} s)`);
    report(`${what}: CPU of one ${unit}`, `${micros(cpu.all)} µs (main ${micros(cpu.main)}, gateway ${micros(cpu.others)})`);
}

async function benchApi(server) {
    const apis = await Promise.all(Array.from({ length: AT_ONCE }, () => ApiConnection.open(server.port, TOKEN)));
    const rooms = await createRooms(apis[0], 50);
    const ask = async (what, count, method, body, path) => {
        const targets = Array.from({ length: count }, (_, i) => `/sessions/${rooms[i % rooms.length]}${path}`);
        const result = await measure(server, () =>
            each(targets, async (target, lane) => {
                const { status } = await apis[lane].request(method, target, body);
                if (status !== 200) throw new Error(`${method} ${target}: ${status}`);
            }),
        );
        reportRate(what, 'request', count, result);
    };
    await ask('GET /sessions/:id', 30000, 'GET', undefined, '');
    await ask('POST /sessions/:id/connection', 30000, 'POST', { role: 3 }, '/connection');
    for (const api of apis) api.close();
}

// Fills `roomCount` rooms with `roomPeers` each; resolves to { peers, rooms, ms, cpu }. Places are handed out before.
async function fill(server, roomCount, roomPeers) {
    const api = await ApiConnection.open(server.port, TOKEN);
    const queries = [];
    const rooms = await createRooms(api, roomCount);
    for (const room of rooms)
        for (let i = 0; i < roomPeers; i++) queries.push(await api.createPeer(room));
    api.close();
    const peers = [];
    const result = await measure(server, () =>
        each(queries, async (query) => peers.push(await join(server.port, query, `Participant ${peers.length}`))),
    );
    return { peers, rooms, ...result };
}

// Joins into a room that has many: one after another with a pause, so that each is told to all at once, or AT_ONCE at a
// time. Each brings two notifications to everybody else, changeNickname and newPeer.
async function joinLarge(server, roomId, peers, count, pauseMs) {
    const api = await ApiConnection.open(server.port, TOKEN);
    const queries = [];
    while (queries.length < count) queries.push(await api.createPeer(roomId));
    api.close();
    const joined = [];
    const answered = [];
    const heard = [];
    const joinOne = async (query) => {
        const began = performance.now();
        const last = pauseMs
            ? new Promise((resolve) => {
                  let left = 2 * peers.length;
                  const onText = () => {
                      if (--left === 0) resolve(heard.push(performance.now() - began));
                  };
                  for (const peer of peers) peer.onText = onText;
              })
            : undefined;
        joined.push(await join(server.port, query, 'Newcomer'));
        answered.push(performance.now() - began);
        await last;
        if (pauseMs) await sleep(pauseMs);
    };
    const result = await measure(server, async () => {
        if (!pauseMs) return each(queries, joinOne);
        for (const query of queries) await joinOne(query);
    });
    for (const peer of peers) peer.onText = undefined;
    const sorted = (list) => list.sort((a, b) => a - b);
    await leave(joined);
    return { ...result, answered: sorted(answered), heard: sorted(heard) };
}

async function leave(peers) {
    await Promise.all(peers.map((peer) => peer.leave()));
}

async function benchJoins(server) {
    for (const [roomCount, roomPeers] of [[100, 10], [10, 100]]) {
        const { peers, rooms, ...result } = await fill(server, roomCount, roomPeers);
        reportRate(`joins, ${rooms.length} rooms of ${roomPeers}`, 'join', peers.length, result);
        const left = await measure(server, () => leave(peers));
        report(`leaving, ${rooms.length} rooms of ${roomPeers}: CPU of one`, `${((left.cpu.all * 1000) / peers.length).toFixed(0)} µs`);
    }
}

async function benchFanout(server) {
    const size = 500;
    const messages = 200;
    const { peers, rooms, ...result } = await fill(server, 1, size);
    reportRate(`joins, one room of ${size}`, 'join', size, result);
    await sleep(500);

    const spread = (sorted) =>
        `p50 ${percentile(sorted, 0.5).toFixed(1)} ms, p99 ${percentile(sorted, 0.99).toFixed(1)} ms`;
    const alone = await joinLarge(server, rooms[0], peers, 50, 200);
    report(`one joins a room of ${size}: until it has its answer`, spread(alone.answered));
    report(`one joins a room of ${size}: until the last has heard of it`, spread(alone.heard));
    report(`one joins a room of ${size}: CPU of it and a pause`, `${(alone.cpu.all / 50).toFixed(1)} ms`);
    await sleep(500);
    const crowd = await joinLarge(server, rooms[0], peers, 200, 0);
    reportRate(`200 join a room of ${size}, ${AT_ONCE} at a time`, 'join', 200, crowd);
    report(`200 join a room of ${size}, ${AT_ONCE} at a time: until each has its answer`, spread(crowd.answered));
    await sleep(500);

    const single = [];
    const whole = [];
    const client = process.cpuUsage();
    const { cpu } = await measure(server, async () => {
        for (let i = 0; i < messages; i++) {
            await new Promise((resolve) => {
                let left = size;
                const began = performance.now();
                const onText = () => {
                    single.push(performance.now() - began);
                    if (--left === 0) {
                        whole.push(performance.now() - began);
                        resolve();
                    }
                };
                for (const peer of peers) peer.onText = onText;
                // Its sender gets the notification; the acknowledgement is not waited for, and comes after it.
                peers[0].onText = () => {
                    onText();
                    peers[0].onText = undefined;
                };
                peers[0].send(`42${i}["request",{"method":"chatMessage","data":{"message":"Good morning, everybody"}}]`);
            });
            await sleep(10);
        }
    });
    const { user, system } = process.cpuUsage(client);
    single.sort((a, b) => a - b);
    whole.sort((a, b) => a - b);
    report(`chat message to ${size}: until the last has it`, `${spread(whole)} (${messages} messages)`);
    report(`chat message to ${size}: until each has it`, spread(single));
    report(
        `chat message to ${size}: CPU of one`,
        `${(cpu.all / messages).toFixed(1)} ms (main ${(cpu.main / messages).toFixed(1)}, gateway ${(cpu.others / messages).toFixed(1)}); ` +
            `the measuring client ${((user + system) / 1000 / messages).toFixed(1)} ms`,
    );
    await leave(peers);
}

const state = ({ all, anonymous, shared, file }) =>
    `${mib(all)} MiB (heap ${mib(anonymous)}, segment ${mib(shared)}, files ${mib(file)})`;

function reportPeer(what, count, before, full) {
    const each = (kib) => (kib / count).toFixed(1);
    report(what, `${each(full.all - before.all)} KiB, ${each(full.anonymous - before.anonymous)} of them heap`);
}

async function benchMemory(server) {
    const count = 1000;
    const before = memory(server.pid);
    report('memory: before', state(before));
    for (let round = 1; round <= 3; round++) {
        const { peers } = await fill(server, count / 10, 10);
        await each(peers, (peer) =>
            peer.request('createWebRtcTransport', { forceTcp: false, producing: false, consuming: true }),
        );
        const full = memory(server.pid);
        report(`memory: ${count} peers, round ${round}`, state(full));
        if (round === 1) reportPeer('memory: one peer', count, before, full);
        await leave(peers);
        await eventually(
            'empty rooms close',
            async () => (await server.request('GET', '/sessions')).text === '[]',
            20000,
            250,
        );
        report(`memory: all have left, round ${round}`, state(memory(server.pid)));
    }
}

// Participants with all that belongs to a call: ICE, DTLS, transports, producers, consumers; a packet a second of each.
async function benchMedia(server) {
    const [rooms, publishers, subscribers] = [100, 1, 9];
    const count = rooms * (publishers + subscribers);
    const before = memory(server.pid);
    const loading = promisify(execFile)(path.join(binDir, 'kolabmeet-load'), [
        `--url=http://127.0.0.1:${server.port}`, `--token=${TOKEN}`, `--rooms=${rooms}`, `--publishers=${publishers}`,
        `--subscribers=${subscribers}`, '--audio=1', '--video=off', '--ramp=100', '--duration=6', '--json=-',
        `--control-pid=${server.pid}`,
    ]);
    let full = before;
    const sampling = setInterval(() => {
        const now = memory(server.pid);
        if (now.all > full.all) full = now;
    }, 250);
    const { failed, silent, joined, control } = JSON.parse((await loading.finally(() => clearInterval(sampling))).stdout);
    report(`calls: ${count} participants, at most`, `${state(full)}; ${failed} failed, ${silent} got nothing`);
    reportPeer('calls: one participant', count, before, full);
    report('calls: CPU of one join with its DTLS', `${((control.join_cpu_s * 1000) / joined).toFixed(1)} ms`);
}

async function withServer(bench) {
    const server = await Server.start(ENV);
    try {
        await bench(server);
    } finally {
        await server.stop();
    }
}

const benches = {
    api: () => withServer(benchApi),
    joins: () => withServer(benchJoins),
    fanout: () => withServer(benchFanout),
    memory: () => withServer(benchMemory),
    media: () => withServer(benchMedia),
};

function version() {
    try {
        return execFileSync('git', ['describe', '--always', '--dirty'], { cwd: import.meta.dirname, encoding: 'utf8' }).trim();
    } catch {
        return 'unknown';
    }
}

const names = process.argv.slice(2);
for (const name of names)
    if (!(name in benches)) {
        console.error(`no bench "${name}"; there are ${Object.keys(benches).join(', ')}`);
        process.exit(2);
    }
console.error(`kolabmeetd of ${binDir}`);
for (const name of names.length ? names : Object.keys(benches)) {
    console.error(`${name}: load average ${os.loadavg()[0].toFixed(1)}`);
    await benches[name]();
}
console.log(`${os.cpus().length} × ${os.cpus()[0].model}, Linux ${os.release()}, Node ${process.version}, commit ${version()}\n`);
console.log('| what | figure |\n| --- | --- |');
for (const row of rows) console.log(`| ${row.join(' | ')} |`);
