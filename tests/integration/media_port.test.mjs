// The media port as clients find it: both families at once, and hostile TCP (RFC 4571) beside good.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, assertServes } from './lib/client.mjs';
import { MediaSocket, MediaStream, frame } from './lib/media_socket.mjs';
import { Random } from './lib/random.mjs';
import { Server, eventually } from './lib/server.mjs';
import { bindingRequest } from './lib/stun.mjs';

async function createTransport(client, data = { producing: true }) {
    const [error, transport] = await client.request('createWebRtcTransport', data);
    assert.equal(error, null);
    const { usernameFragment: ufrag, password } = transport.iceParameters;
    return { ...transport, credentials: { ufrag, password } };
}

describe('two families', () => {
    const ADDRESSES = ['127.0.0.1', '::1'];
    let server;
    let client;

    before(async () => {
        server = await Server.start({ WEBRTC_LISTEN_IP: '::', WEBRTC_ANNOUNCED_ADDRESS: ADDRESSES.join() });
        client = await Client.connect(server);
    });

    after(async () => {
        await client?.close();
        await server?.stop();
    });

    test('candidates of both are handed out, the first preferred, UDP before TCP', async () => {
        const expected = (protocol) => ADDRESSES.map((address) => `${protocol} ${address} ${server.mediaPort}`);
        const { iceCandidates } = await createTransport(client);
        const told = (list) => list.map(({ protocol, address, port }) => `${protocol} ${address} ${port}`);
        assert.deepEqual(told(iceCandidates), [...expected('udp'), ...expected('tcp')]);
        const priorities = iceCandidates.map(({ priority }) => priority);
        assert.deepEqual(priorities, priorities.toSorted((a, b) => b - a));
        assert.equal(new Set(priorities).size, 4);
        assert.equal(new Set(iceCandidates.map(({ foundation }) => foundation)).size, 4);
        assert.deepEqual(told((await createTransport(client, { forceTcp: true })).iceCandidates), expected('tcp'));
    });

    test('the start says both', () => {
        for (const address of ADDRESSES)
            assert.ok(server.stderr.includes(`candidates udp and tcp ${address} port ${server.mediaPort}`));
    });

    for (const address of ADDRESSES)
        for (const Kind of [MediaSocket, MediaStream])
            test(`checks to ${address} are answered over ${Kind === MediaSocket ? 'UDP' : 'TCP'}`, async () => {
                const { credentials } = await createTransport(client);
                const media = await Kind.open(server, address);
                assert.ok(await media.check(credentials));
                media.close();
            });
});

test('a check cannot take the address where somebody else gets media, until that one has gone', async () => {
    const server = await Server.start();
    try {
        const [alice, eve] = await Promise.all([Client.connect(server), Client.connect(server)]);
        const { credentials: ofAlice } = await createTransport(alice);
        const { credentials: ofEve } = await createTransport(eve);
        const shared = await MediaSocket.open(server); // its source is Alice's; that Eve can use it stands for spoofing
        assert.ok(await shared.check(ofAlice));
        // The worker says where Alice is a quarter of a second later; until then the address changes hands.
        await sleep(1500);
        assert.ok(await shared.check(ofAlice));
        assert.equal(await shared.check(ofEve, 2), false);
        assert.ok(await shared.check(ofAlice));
        alice.socket.send('41');
        await eventually('Eve may have it then', () => shared.check(ofEve, 1));
        await Promise.all([alice.close(), eve.close()]);
        shared.close();
    } finally {
        await server.stop();
    }
});

describe('hostile TCP', () => {
    let server;
    let client;
    let credentials;
    let good;

    before(async () => {
        server = await Server.start();
        client = await Client.connect(server);
        ({ credentials } = await createTransport(client));
        good = await MediaStream.open(server);
        assert.ok(await good.check(credentials));
    });

    after(async () => {
        good?.close();
        await client?.close();
        await server?.stop();
    });

    const counters = async () => (await server.request('GET', '/counters')).json();

    // What a connection may begin with without ever becoming one for media.
    const beginnings = {
        'no length at all': () => Buffer.from([0]),
        'an empty frame': () => Buffer.from([0, 0]),
        'a frame of 65535 bytes': () => Buffer.concat([Buffer.from([255, 255]), new Random(3).bytes(65535)]),
        'a frame that is no STUN': () => frame(new Random(4).bytes(100)),
        'a check with a wrong password': () => frame(bindingRequest({ ...credentials, password: 'x'.repeat(32) })),
        'a check for nobody': () => frame(bindingRequest({ ...credentials, ufrag: 'z'.repeat(32) })),
        'HTTP': () => Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'),
        'a ClientHello': () => Buffer.from('16030100c8010000c40303', 'hex'),
        'random bytes': () => new Random(5).bytes(100000),
        'a check cut short': () => frame(bindingRequest(credentials)).subarray(0, 40),
    };
    for (const [what, bytes] of Object.entries(beginnings))
        test(`${what}: refused, counted, and the good one goes on`, async () => {
            const before_ = (await counters()).iceTcpRefused;
            const bad = await MediaStream.open(server);
            bad.write(bytes());
            bad.socket.end();
            assert.ok(await bad.until(() => bad.ended, 30000));
            assert.equal(bad.bytes.length, 0, 'nothing is said to it');
            await eventually('it is counted', async () => (await counters()).iceTcpRefused === before_ + 1);
            assert.ok(await good.check(credentials));
        });

    // What comes behind a valid check, when the worker has the connection.
    const sequels = {
        'a frame longer than any packet': Buffer.concat([Buffer.from([0xff, 0xff]), Buffer.alloc(65535)]),
        'ten thousand empty frames': Buffer.alloc(20000),
        'frames of one byte': Buffer.concat(Array.from({ length: 3000 }, (_, i) => Buffer.from([0, 1, i & 255]))),
        'frames of random bytes': Buffer.concat(
            Array.from({ length: 500 }, (_, i) => frame(new Random(i + 1).bytes(1 + ((i * 37) % 1500)))),
        ),
        'random bytes': new Random(6).bytes(200000),
        'half a frame, and the end': Buffer.from([4, 0, 1, 2, 3]),
    };
    for (const [what, bytes] of Object.entries(sequels))
        test(`${what} behind a valid check`, async () => {
            const bad = await MediaStream.open(server);
            assert.ok(await bad.check(credentials));
            bad.write(bytes);
            bad.socket.end();
            await bad.until(() => bad.ended, 2000);
            bad.close();
            assert.ok(await good.check(credentials));
            await assertServes(server);
        });

    test('a reader that does not read, and checks byte by byte', async () => {
        const slow = await MediaStream.open(server);
        assert.ok(await slow.check(credentials));
        slow.socket.pause();
        for (let i = 0; i < 3000; i++) slow.write(frame(bindingRequest(credentials)));
        const dripping = await MediaStream.open(server);
        const request = frame(bindingRequest(credentials));
        for (const byte of request) dripping.write(Buffer.from([byte]));
        assert.ok(await dripping.until(() => dripping.packets().length > 0, 30000));
        assert.ok(await good.check(credentials));
        slow.close();
        dripping.close();
    });

    test('2000 connections that say nothing: bounded, and the next good one is heard', async () => {
        const silent = [];
        for (let i = 0; i < 2000; i += 100)
            silent.push(...(await Promise.all(Array.from({ length: 100 }, () => MediaStream.open(server)))));
        const next = await MediaStream.open(server);
        assert.ok(await next.check(credentials));
        assert.ok(await good.check(credentials));
        const open = silent.filter(({ ended }) => !ended).length;
        assert.ok(open < 200, `${open} of one address may wait`);
        for (const media of [...silent, next]) media.close();
        await assertServes(server);
    });
});
