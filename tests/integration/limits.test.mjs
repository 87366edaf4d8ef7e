// Floods, crowds, and clients that do not read: bounded, counted, and harmless to everybody else. What the log says.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { assertServes, signalingUrl } from './lib/client.mjs';
import { RawConnection } from './lib/http.mjs';
import { Person } from './lib/person.mjs';
import { Server, eventually } from './lib/server.mjs';
import { FrameSocket } from './lib/websocket.mjs';

const NOT_TRUSTED = { TRUSTED_PROXIES: 'none' };

async function withServer(env, body) {
    const server = await Server.start(env);
    try {
        await body(server, async () => (await server.request('GET', '/counters')).json());
    } finally {
        await server.stop();
    }
}

describe('floods and crowds', { concurrency: 2 }, () => {
    test('5000 requests at once are answered in their order', () =>
        withServer({}, async (server) => {
            const person = await Person.enter(server, await server.createRoom(), 3);
            for (let id = 0; id < 5000; id++) person.socket.send(`42${id}["request",{"method":"ping"}]`);
            for (let id = 0; id < 5000; id++) assert.equal(await person.next(), `43${id}[null]`);
            await person.close();
        }));

    test('1000 idle connections', () =>
        withServer({}, async (server) => {
            const room = await server.createRoom();
            const sockets = await Promise.all(
                Array.from({ length: 1000 }, async () => {
                    const socket = new FrameSocket(signalingUrl(server, 'peerId=x'));
                    await socket.opened;
                    return socket;
                }),
            );
            const person = await Person.join(server, room, 3, 'One more');
            await person.must('chatMessage', { message: 'hello' });
            assert.ok(sockets.every((socket) => !socket.closed));
            for (const socket of sockets) socket.socket.terminate();
            await person.close();
            await assertServes(server);
        }));

    test('500 connections that say nothing at all', () =>
        withServer({}, async (server) => {
            const connections = Array.from({ length: 500 }, () => new RawConnection(server.port));
            await Promise.all(connections.map((connection) => connection.opened));
            for (const connection of connections.slice(0, 250)) connection.send('GET /meet');
            await assertServes(server);
            for (const connection of connections) connection.destroy();
        }));

    test('who does not read is dropped, the others go on, and it may come back', () =>
        withServer({}, async (server, counters) => {
            const room = await server.createRoom();
            const alice = await Person.join(server, room, 3, 'Alice');
            const bob = await Person.join(server, room, 3, 'Bob');
            bob.socket.socket.pause();
            const message = 'x'.repeat(900000);
            for (let i = 0; i < 12; i++) {
                await alice.must('chatMessage', { message });
                alice.heard = [];
            }
            await eventually('the slow reader is dropped', async () => (await counters()).gatewaySlowReaders === 1);
            bob.socket.socket.terminate();
            assert.equal((await bob.connect()).method, 'roomBack');
            await alice.hear();
            await bob.must('chatMessage', { message: 'back' });
            assert.deepEqual(
                (await alice.hear()).map(([method]) => method),
                ['chatMessage'],
            );
            await Promise.all([alice.close(), bob.close()]);
        }));

    test('frames of 10 MB, and such that are no UTF-8', () =>
        withServer({}, async (server) => {
            const room = await server.createRoom();
            const alice = await Person.join(server, room, 3, 'Alice');
            const bad = [
                [(socket) => socket.send('4'.repeat(10 << 20)), 1009],
                [(socket) => socket.send(Buffer.from([0x34, 0x32, 0xff]), { binary: false }), 1007],
            ];
            for (const [send, code] of bad) {
                const bob = await Person.enter(server, room, 3);
                send(bob.socket.socket);
                assert.ok(await bob.socket.until(() => bob.socket.closed, 30000));
                // A client that is still sending may see the connection end instead of the reason.
                assert.ok([code, 1006].includes(bob.socket.closed.code), `closed with ${bob.socket.closed.code}`);
                assert.equal((await bob.connect()).method, 'roomBack');
                await bob.must('ping');
                bob.socket.send('41');
                await bob.close();
            }
            await alice.must('ping');
            await alice.close();
        }));
});

describe('limits', { concurrency: 2 }, () => {
    test('requests a second of an address', () =>
        withServer({ ...NOT_TRUSTED, MAX_ADDRESS_REQUEST_RATE: '2' }, async (server, counters) => {
            const person = await Person.enter(server, await server.createRoom(), 3);
            const start = Date.now();
            const answers = await Promise.all(
                Array.from({ length: 40 }, (_, id) => person.socket.send(`42${id}["request",{"method":"ping"}]`)),
            ).then(async () => {
                const frames = [];
                for (let i = 0; i < 40; i++) frames.push(await person.next());
                return frames;
            });
            const refused = answers.filter((frame) => frame.endsWith('[500,"request ping failed"]')).length;
            const later = (2 * (Date.now() - start)) / 1000; // those that a slow machine let in by their time
            assert.ok(refused >= 20 - later && refused <= 30, `${refused} of 40 were refused`);
            assert.equal((await counters()).requestsLimited, refused);
            await sleep(1000);
            await person.must('ping');
            await person.close();
        }));

    test('sessions and connections of an address', () =>
        withServer({ ...NOT_TRUSTED, MAX_ADDRESS_CONNECTIONS: '8' }, async (server, counters) => {
            const room = await server.createRoom();
            const sockets = [];
            for (let i = 0; i < 12; i++) {
                const socket = new FrameSocket(signalingUrl(server, 'peerId=x'));
                sockets.push(socket);
                await socket.opened.catch(() => {});
            }
            const alive = sockets.filter((socket) => socket.frames.length > 0 && !socket.closed);
            assert.ok(alive.length >= 5 && alive.length <= 8, `${alive.length} are alive`);
            for (const socket of sockets) socket.socket.terminate();
            await eventually('their place is free', () =>
                Person.enter(server, room, 3).then(
                    (person) => person.close(),
                    () => false,
                ),
            );
            assert.ok((await counters()).gatewayConnectionsRefused >= 4);
        }));

    test('rooms, peers of a room, message size, nickname, chat, depth', () =>
        withServer(
            {
                MAX_ROOMS: '2',
                MAX_ROOM_PEERS: '2',
                MAX_MESSAGE_BYTES: '20000',
                MAX_NICKNAME: '4',
                MAX_CHAT_BYTES: '10',
                MAX_JSON_DEPTH: '8',
            },
            async (server, counters) => {
                const room = await server.createRoom();
                await server.createRoom();
                assert.equal((await server.request('POST', '/sessions', {})).status, 503);
                const alice = await Person.enter(server, room, 3);
                const bob = await Person.enter(server, room, 3);
                assert.equal((await server.request('POST', `/sessions/${room}/connection`, { role: 3 })).status, 503);
                await alice.must('changeNickname', { nickname: 'Anna' });
                await alice.mustFail('changeNickname', { nickname: 'Annas' });
                await alice.must('chatMessage', { message: '12345678' });
                await alice.mustFail('chatMessage', { message: '123456789' });
                bob.socket.send('4'.repeat(20001));
                assert.ok(await bob.socket.until(() => bob.socket.closed, 30000));
                assert.equal(bob.socket.closed.code, 1009);
                await bob.connect();
                bob.socket.send('420["request",{"method":"chatMessage","data":{"message":[[[[[[1]]]]]]}}]');
                assert.ok(await bob.socket.until(() => bob.socket.closed, 30000));
                const { roomsRefused, peersRefused, nicknamesRefused, chatsRefused, jsonTooDeep } = await counters();
                assert.deepEqual(
                    [roomsRefused, peersRefused, nicknamesRefused, chatsRefused, jsonTooDeep],
                    [1, 1, 1, 1, 1],
                );
                await alice.close();
            },
        ));

    test('a place that nobody takes expires', () =>
        withServer({ PLACE_TIMEOUT: '1' }, async (server, counters) => {
            const room = await server.createRoom();
            const person = await Person.enter(server, room, 3);
            const place = await server.createPeer(room);
            await eventually('the place expires', async () => (await counters()).placesExpired === 1);
            const late = new FrameSocket(signalingUrl(server, place.query));
            await late.opened;
            late.send('40');
            assert.ok(await late.until(() => late.closed, 30000));
            assert.ok(late.frames.includes('41'));
            await person.must('ping');
            await person.close();
        }));

    test('pages of other origins, where some are named', () =>
        withServer({ ALLOWED_ORIGINS: 'https://meet.example.org, https://other.example.org' }, async (server, counters) => {
            const poll = async (headers) => (await fetch(
                `http://127.0.0.1:${server.port}/meetmedia/signaling/?EIO=4&transport=polling`, { headers })).status;
            assert.equal(await poll({ Origin: 'https://evil.example.org' }), 403);
            assert.equal(await poll({ Origin: 'https://other.example.org' }), 200);
            assert.equal(await poll({}), 200);
            const upgrade = async (headers) => {
                const socket = new FrameSocket(signalingUrl(server, 'peerId=x'), { headers });
                const opened = await socket.opened.then(() => true, () => false);
                socket.socket.terminate();
                return opened;
            };
            assert.equal(await upgrade({ Origin: 'https://evil.example.org' }), false);
            assert.equal(await upgrade({ Origin: 'https://meet.example.org' }), true);
            assert.equal((await counters()).originsRefused, 2);
        }));

    test('guessing the token of the API', () =>
        withServer({ ...NOT_TRUSTED, MAX_ADDRESS_REQUEST_RATE: '4' }, async (server, counters) => {
            const statuses = [];
            for (let i = 0; i < 30; i++)
                statuses.push(
                    (await server.request('GET', '/ping', undefined, { 'X-Auth-Token': `guess${i}` })).status,
                );
            assert.equal(statuses[0], 403);
            assert.ok(statuses.includes(429));
            assert.equal((await server.request('GET', '/ping')).status, 200);
            assert.equal((await counters()).apiTokensRefused, 30);
        }));
});

describe('the log', { concurrency: 2 }, () => {
    // Connects a peer through a proxy that says this.
    async function connectAs(server, forwarded) {
        const peer = await server.createPeer(await server.createRoom());
        const socket = new FrameSocket(signalingUrl(server, peer.query), { headers: { 'X-Forwarded-For': forwarded } });
        await socket.opened;
        socket.send('40');
        await socket.until(() => socket.frames.some((frame) => frame.includes('roomReady')), 30000);
        await socket.close();
        return new RegExp(`peer ${peer.id} of room \\S+ is connected from (\\S+)`).exec(server.stderr)[1];
    }

    test('the address behind trusted proxies, and of nobody else', () =>
        withServer({ TRUSTED_PROXIES: '127.0.0.1,10.0.0.0/8' }, async (server) => {
            assert.equal(await connectAs(server, '198.51.100.7, 203.0.113.9, 10.0.0.2'), '203.0.113.9');
            assert.equal(await connectAs(server, '2001:db8::1'), '2001:db8::1');
            assert.equal(await connectAs(server, 'nonsense'), '127.0.0.1');
        }));

    test('X-Forwarded-For of who is not trusted counts for nothing', () =>
        withServer(NOT_TRUSTED, async (server) => {
            assert.equal(await connectAs(server, '203.0.113.9'), '127.0.0.1');
        }));

    test('one line an event, without tokens, passwords and keys, whatever clients say', () =>
        withServer({ TURN_SERVER: 'turn:127.0.0.1', TURN_STATIC_SECRET: 'turn-secret-of-test' }, async (server) => {
            const room = await server.createRoom();
            const alice = await Person.join(
                server,
                room,
                31,
                'Eve\n2026-01-01T00:00:00.000Z ERROR room: forged\x1b[2J',
            );
            const { iceParameters } = await alice.must('createWebRtcTransport', { producing: true });
            server.secrets.add(iceParameters.password);
            await alice.must('dumpStats');
            await alice.produce();
            await alice.mustFail('restartIce', { transportId: alice.peer.authToken });
            await alice.request(alice.peer.authToken, {});
            const stranger = new FrameSocket(
                signalingUrl(server, alice.peer.query.replace(/peerId=[^&]*/, 'peerId=x')),
            );
            await stranger.opened;
            stranger.send('40');
            await stranger.until(() => stranger.closed, 30000);
            await server.request('GET', '/ping', undefined, { 'X-Auth-Token': 'some-wrong-token' });
            server.secrets.add('some-wrong-token');
            await alice.close();
            assert.doesNotMatch(server.stderr, /forged|\x1b/);
            for (const line of server.stderr.trimEnd().split('\n'))
                assert.match(line, /^\d{4}-\d\d-\d\dT[\d:.]+Z (ERROR|WARN|INFO|DEBUG) \S+: \S|^kolabmeet-forwarder/);
            server.assertDiscreet();
        }));

    test('what clients will be told, and what cannot work', () =>
        withServer(
            { LISTENING_HOST: '0.0.0.0', WEBRTC_LISTEN_IP: '0.0.0.0', TURN_SERVER: 'turn:turn.example.org' },
            async (server) => {
                await eventually('the warnings', () => /TURN_STATIC_SECRET is not set/.test(server.stderr));
                assert.match(
                    server.stderr,
                    new RegExp(`INFO daemon: clients get the candidates udp and tcp 0.0.0.0 port ${server.mediaPort}`),
                );
                assert.match(server.stderr, /WARN daemon: no client can send media to 0\.0\.0\.0/);
                assert.match(server.stderr, /WARN daemon: PUBLIC_DOMAIN: only clients on this machine/);
            },
        ));
});
