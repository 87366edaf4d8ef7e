// Malformed datagrams at the media port, from strangers and from an address that ICE has validated: dropped and
// counted; the right check before and after each volley is answered.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, assertServes } from './lib/client.mjs';
import { MediaSocket } from './lib/media_socket.mjs';
import { Random } from './lib/random.mjs';
import { Server } from './lib/server.mjs';
import { attribute, bindingRequest, header, seal } from './lib/stun.mjs';

let server;
let client;
let credentials;
let trusted;
let stranger;

before(async () => {
    server = await Server.start();
    client = await Client.connect(server);
    const [error, transport] = await client.request('createWebRtcTransport', { producing: true, consuming: false });
    assert.equal(error, null);
    assert.equal(transport.iceCandidates[0].port, server.mediaPort);
    credentials = { ufrag: transport.iceParameters.usernameFragment, password: transport.iceParameters.password };
    const [refused] = await client.request('connectWebRtcTransport', {
        transportId: transport.id,
        dtlsParameters: {
            role: 'client',
            fingerprints: [{ algorithm: 'sha-256', value: Array(32).fill('AB').join(':') }],
        },
    });
    assert.equal(refused ?? null, null);
    stranger = await MediaSocket.open(server);
    trusted = await MediaSocket.open(server);
    assert.ok(await trusted.check(credentials), 'a right connectivity check is answered');
});

after(async () => {
    trusted?.close();
    stranger?.close();
    await client?.close();
    await server?.stop();
});

function dtlsRecord(type, payload, { version = 0xfefd, epoch = 0, length = payload.length } = {}) {
    const head = Buffer.alloc(13);
    head.writeUInt8(type, 0);
    head.writeUInt16BE(version, 1);
    head.writeUInt16BE(epoch, 3);
    head.writeUInt16BE(length, 11);
    return Buffer.concat([head, payload]);
}

function rtpHeader(random, { first = 0x80, second = 96 } = {}) {
    return Buffer.concat([Buffer.from([first, second]), random.bytes(10)]);
}

const random = new Random(20260101);
const truncations = (datagram) => Array.from({ length: datagram.length }, (_, length) => datagram.subarray(0, length));
const flips = (datagram) =>
    Array.from({ length: datagram.length * 8 }, (_, bit) => {
        const flipped = Buffer.from(datagram);
        flipped[bit >> 3] ^= 1 << (bit & 7);
        return flipped;
    });

// Each makes the datagrams of a volley. None of them is a right connectivity check.
const VOLLEYS = {
    'random bytes of every length': () => Array.from({ length: 1500 }, (_, length) => random.bytes(length)),
    'random bytes behind every first byte': () =>
        Array.from({ length: 1024 }, (_, i) =>
            Buffer.concat([Buffer.from([i & 255]), random.bytes(random.below(200))]),
        ),
    'a connectivity check cut short': () => truncations(bindingRequest(credentials)),
    'a connectivity check with a flipped bit': () => flips(bindingRequest(credentials)),
    'a connectivity check with the wrong password': () => [
        bindingRequest({ ...credentials, password: 'x'.repeat(32) }),
    ],
    'a connectivity check for nobody': () => [
        bindingRequest({ ...credentials, ufrag: 'z'.repeat(32) }),
        bindingRequest({ ...credentials, ufrag: '' }),
        bindingRequest({ ...credentials, ufrag: 'a'.repeat(500) }),
    ],
    'STUN without integrity': () => [
        header(1, 0),
        Buffer.concat([
            header(1, 40),
            attribute(6, Buffer.from(`${credentials.ufrag}:test:abcdefghijkl`.slice(0, 36))),
        ]),
    ],
    'STUN of other methods and classes': () =>
        Array.from({ length: 512 }, (_, i) => seal([], credentials.password, (i * 33) & 0x3fff)).filter(
            (datagram) => datagram.readUInt16BE(0) !== 1,
        ),
    'attributes whose length lies': () =>
        Array.from({ length: 300 }, (_, i) => {
            const lying = attribute([6, 8, 0x24, 0x8028, 0x8029, 0x20][i % 6], random.bytes(8));
            lying.writeUInt16BE([0, 1, 9, 255, 4096, 65535][((i / 6) | 0) % 6], 2);
            return Buffer.concat([header(1, lying.length), lying]);
        }),
    'a header whose length lies': () =>
        [0, 1, 3, 4, 1000, 65532, 65535].map((length) => {
            const datagram = Buffer.from(bindingRequest(credentials));
            datagram.writeUInt16BE(length, 2);
            return datagram;
        }),
    'DTLS records of every type': () =>
        Array.from({ length: 44 }, (_, i) => dtlsRecord(20 + i, random.bytes(random.below(400)))),
    'DTLS records whose length lies': () =>
        [0, 1, 12, 13, 1000, 65535].map((length) => dtlsRecord(22, random.bytes(64), { length })),
    'DTLS ClientHellos of random bytes': () =>
        Array.from({ length: 200 }, () =>
            dtlsRecord(
                22,
                Buffer.concat([Buffer.from([1, 0, 0, 100, 0, 0, 0, 0, 0, 0, 0, 100, 0xfe, 0xfd]), random.bytes(98)]),
            ),
        ),
    'DTLS alerts and fragments': () => [
        dtlsRecord(21, Buffer.from([2, 40])),
        dtlsRecord(21, Buffer.from([1, 0])),
        dtlsRecord(21, Buffer.from([2])),
        dtlsRecord(20, Buffer.from([1])),
        dtlsRecord(23, random.bytes(50), { epoch: 1 }),
        dtlsRecord(22, Buffer.from([1, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 4, 1, 2, 3, 4])),
        dtlsRecord(22, Buffer.from([1, 0, 0, 8, 0, 0, 0xff, 0xff, 0xff, 0, 0, 4, 1, 2, 3, 4])),
    ],
    'RTP with every first byte': () =>
        Array.from({ length: 64 }, (_, i) =>
            Buffer.concat([rtpHeader(random, { first: 0x80 + i }), random.bytes(random.below(100))]),
        ),
    'RTP cut short': () =>
        truncations(
            Buffer.concat([
                rtpHeader(random, { first: 0x9f }),
                Buffer.from([0xbe, 0xde, 0xff, 0xff]),
                random.bytes(60),
            ]),
        ),
    'RTCP of every type': () =>
        Array.from({ length: 256 }, (_, i) =>
            Buffer.concat([
                Buffer.from([0x80 | (i & 31), 192 + (i & 31), i & 1 ? 0xff : 0, i & 255]),
                random.bytes(random.below(80)),
            ]),
        ),
    'datagrams of the greatest length': () => [
        random.bytes(65000),
        Buffer.concat([header(1, 64980), Buffer.alloc(64980)]),
        rtpHeader(random).subarray(0, 12),
        Buffer.concat([rtpHeader(random), Buffer.alloc(60000)]),
    ],
    'a first byte of no protocol': () =>
        [4, 19, 64, 79, 80, 127, 192, 255].map((first) => Buffer.concat([Buffer.from([first]), random.bytes(40)])),
};

describe('malformed datagrams', () => {
    for (const [what, make] of Object.entries(VOLLEYS)) {
        test(`${what}, from a stranger: no answer, no harm`, async () => {
            stranger.received.length = 0;
            await stranger.volley(make());
            assert.ok(await trusted.check(credentials), 'a right check is answered after it');
            const answers = stranger.received.filter((datagram) => datagram.readUInt16BE(0) === 0x0101);
            assert.equal(answers.length, 0, `a stranger got ${answers.length} success responses`);
            const bytes = stranger.received.reduce((sum, datagram) => sum + datagram.length, 0);
            assert.equal(bytes, 0, `a stranger got ${bytes} bytes`);
            server.assertUnharmed();
        });

        test(`${what}, from a validated address: no harm`, async () => {
            await trusted.volley(make());
            assert.ok(await trusted.check(credentials), 'a right check is answered after it');
            server.assertUnharmed();
        });
    }

    test('after all that the server still serves', async () => {
        await assertServes(server);
        assert.equal(await server.health(), 200);
    });
});
