// Malformed HTTP, websocket frames, packets and JSON: each is answered or dropped, and the next good request works.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Client, assertServes } from './lib/client.mjs';
import { RawConnection, parseResponses } from './lib/http.mjs';
import { Random } from './lib/random.mjs';
import { loadRecording } from './lib/recording.mjs';
import { Replay } from './lib/replay.mjs';
import { Server, TOKEN } from './lib/server.mjs';
import { unifyFrames } from './lib/unify.mjs';

// Recordings whose inputs are sent, whatever the old server made of them.
const INPUTS = [
    'ws-09-garbage-frames',
    'ws-10-before-connect',
    'ws-12-large-message',
    'ws-44-unknown-and-missing-data',
    'ws-46-unknown-events',
    'crash-connection-body-null',
    'crash-extra-argument',
    'crash-newconsumer-odd-ack',
    'crash-request-after-kick',
    'crash-request-null',
    'crash-request-without-ack',
    'crash-request-without-argument',
    'crash-signal-json-array',
    'crash-stats-with-room',
];
const ANSWER_WITHIN_MS = 250;

// Sends what was recorded, and takes whatever comes.
class InputReplay extends Replay {
    async receiveFrames(step) {
        const frame = await this.sockets.get(step.peer).next(ANSWER_WITHIN_MS);
        if (frame !== null) unifyFrames(step.text, frame, this.bindings);
    }

    async playClose(step, socket) {
        await socket.close();
    }

    assertSilent() {}

    sendFrame(step) {
        super.sendFrame({ ...step, text: restoreElided(step.text) });
    }

    async receiveHttp(step) {
        const connection = this.connections.get(step.peer);
        const answers = () => parseResponses(connection.received, { closed: connection.closed }).responses;
        await connection.until(() => answers().length > 0 || connection.closed, 30000);
        assert.ok(answers().length > 0, 'an answer comes');
        assert.ok(answers()[0].status < 500, `status ${answers()[0].status}`);
        connection.received = '';
    }

    async endHttp() {}
}

// The recorder cut long frames: head...[N chars].
function restoreElided(text) {
    const [, head, length] = /^(.*)\.\.\.\[(\d+) chars\]$/.exec(text) ?? [];
    const tail = '"}}]';
    return head ? head + 'x'.repeat(length - head.length - tail.length) + tail : text;
}

let server;

before(async () => {
    server = await Server.start();
});

after(() => server?.stop());

describe('inputs of recordings', () => {
    for (const name of INPUTS)
        test(name, async () => {
            await new InputReplay(loadRecording(name), server, { pace: 0.1 }).run();
            await assertServes(server);
        });
});

describe('websocket frames', () => {
    const mask = Buffer.from([1, 2, 3, 4]);
    const masked = (first, payload, length = [0x80 | payload.length]) =>
        Buffer.concat([
            Buffer.from([first, ...length]),
            mask,
            Buffer.from(payload.map((byte, i) => byte ^ mask[i % 4])),
        ]);
    const text = (string) => [...Buffer.from(string)];
    const frames = {
        'an unmasked frame': Buffer.from('81023430', 'hex'),
        'reserved bits': masked(0xf1, text('40')),
        'an unknown opcode': masked(0x83, text('40')),
        'an unknown control opcode': masked(0x8b, text('')),
        'a length of 2^63': Buffer.concat([Buffer.from('81ff8000000000000000', 'hex'), mask]),
        'a length just over the limit': Buffer.concat([
            Buffer.from('81ff00000000000f4241', 'hex'),
            mask,
            Buffer.alloc(1000),
        ]),
        'a ping of more than 125 bytes': masked(0x89, Array(126).fill(65), [0xfe, 0, 126]),
        'a fragmented ping': masked(0x09, text('x')),
        'a continuation of nothing': masked(0x80, text('40')),
        'a fragment in a fragment': Buffer.concat([masked(0x01, text('4')), masked(0x01, text('0'))]),
        'a message that never ends': Buffer.concat(
            Array(2000)
                .fill(masked(0x00, text('x')), 1)
                .toSpliced(0, 1, masked(0x01, text('4'))),
        ),
        'fragments beyond the limit': Buffer.concat([
            masked(0x01, text('4')),
            ...Array(40).fill(masked(0x00, Array(30000).fill(65), [0xfe, 30000 >> 8, 30000 & 255])),
        ]),
        'no UTF-8': masked(0x81, [0x34, 0x32, 0xff, 0xfe]),
        'a surrogate in UTF-8': masked(0x81, [0x34, 0x32, 0xed, 0xa0, 0x80]),
        'a close frame of one byte': masked(0x88, [3]),
        'a close frame with a reserved code': masked(0x88, [3, 0xed]),
        'a close frame whose reason is no UTF-8': masked(0x88, [3, 0xe8, 0xff]),
        'half a header': Buffer.from([0x81, 0xfe, 0]),
        'binary garbage': new Random(7).bytes(4096),
        'pings without end': Buffer.concat(Array(3000).fill(masked(0x89, text('x')))),
    };
    for (const [what, bytes] of Object.entries(frames))
        test(what, async () => {
            const connection = await upgrade();
            connection.socket.write(bytes);
            await connection.until(() => connection.closed, 300);
            connection.destroy();
            await assertServes(server);
        });

    test('a client that sends and never reads', async () => {
        const connection = await upgrade();
        connection.socket.pause();
        const chat = masked(0x81, text('420["request",{"method":"getRouterRtpCapabilities"}]'));
        connection.socket.write(masked(0x81, text('40')));
        connection.socket.write(Buffer.concat(Array(4000).fill(chat)));
        await assertServes(server);
        connection.destroy();
        await assertServes(server);
    });
});

describe('socket.io packets', () => {
    const packets = {
        'an event name that is no string': '42[1,{"method":"ping"}]',
        'reserved event names': '42["connect",{}]',
        'an acknowledgement id beyond 64 bits': '4299999999999999999999999["request",{"method":"ping"}]',
        'an acknowledgement nobody waits for': '43123456[null]',
        'attachments that never come': '459-["request",{"_placeholder":true,"num":0}]',
        'a placeholder out of range': ['451-["request",{"_placeholder":true,"num":9}]', Buffer.from('x')],
        'a negative placeholder': ['451-["request",{"_placeholder":true,"num":-1}]', Buffer.from('x')],
        'a placeholder that is no number': ['451-["request",{"_placeholder":true,"num":"0"}]', Buffer.from('x')],
        'a placeholder for the event name': ['451-[{"_placeholder":true,"num":0}]', Buffer.from('x')],
        'text while attachments are awaited': ['452-["request",{}]', Buffer.from('x'), '420["request",{"method":"ping"}]'],
        'binary without a header': [Buffer.from('x')],
        'an empty binary frame': [Buffer.alloc(0)],
        'a second connect packet': ['40'],
        'a disconnect from another namespace': ['41/other,'],
        'too many attachments': '4599999999999-["x"]',
        'negative attachments': '45-1-["x"]',
        'an event that is no array': '42{"request":1}',
        'an empty array': '420[]',
        'a method that is no string': '420["request",{"method":{"toString":1}}]',
        'a method of a megabyte': `420["request",{"method":"${'m'.repeat(900000)}"}]`,
        'names of what every object has': '420["request",{"method":"__proto__","data":{"__proto__":{}}}]',
        'NUL in strings': '420["request",{"method":"chatMessage","data":{"message":"a\\u0000b"}}]',
        'a lone surrogate': '420["request",{"method":"chatMessage","data":{"message":"\\ud800"}}]',
        'depth of 100000': `420["request",{"method":"chatMessage","data":${'['.repeat(100000)}${']'.repeat(100000)}}]`,
        'duplicate keys': '420["request",{"method":"ping","method":"join"}]',
        'a number without end': `420["request",{"method":"chatMessage","data":{"message":1e${'9'.repeat(1000)}}}]`,
        'JSON cut short': '420["request",{"method":"ping"',
        'text behind the JSON': '420["request",{"method":"ping"}]x',
        'a connect packet with broken JSON': '40{"token":',
        'probes out of place': '2probe',
        'an upgrade out of place': '5',
    };
    for (const [what, packet] of Object.entries(packets))
        test(what, async () => {
            const client = await Client.connect(server);
            for (const part of [packet].flat()) client.socket.send(part);
            await client.socket.next(ANSWER_WITHIN_MS);
            await client.close();
            await assertServes(server);
        });

    const keys = (count) => Array.from({ length: count }, (_, i) => `"${i.toString(36)}":0`).join();
    // Nearly as large as a message may be (MAX_MESSAGE_BYTES), and how it is answered; null: the connection is closed.
    const large = {
        '100000 keys': [`420["request",{"method":"chatMessage","data":{${keys(100000)}}}]`, '430[]'],
        '100000 keys that nobody looks at': [`420["request",{"method":"ping","data":{${keys(100000)}}}]`, '430[null]'],
        '100000 keys beside the method': [`420["request",{"method":"ping",${keys(100000)}}]`, '430[null]'],
        'a namespace of a megabyte': [`42/${'n'.repeat(999000)},0["request",{"method":"ping"}]`, null],
        'a namespace of a megabyte to connect to': [`40/${'n'.repeat(999000)},`, null],
        'a namespace that does not end': [`42/${'n'.repeat(999000)}`, null],
    };
    for (const [what, [packet, answer]] of Object.entries(large))
        test(what, async () => {
            assert.ok(packet.length > 850000 && packet.length < 1000000, `${packet.length} bytes`);
            const client = await Client.connect(server);
            client.socket.send(packet);
            if (answer) {
                await client.receive((frame) => frame === answer);
                await client.request('ping');
            } else {
                assert.equal(await client.socket.next(30000), null);
                assert.ok(client.socket.closed);
            }
            await client.close();
            await assertServes(server);
        });
});

describe('HTTP', () => {
    const head = (line, ...fields) => `${[line, 'Host: x', `X-Auth-Token: ${TOKEN}`, ...fields].join('\r\n')}\r\n\r\n`;
    const requests = {
        garbage: new Random(1).bytes(3000).toString('latin1'),
        'a line without end': `GET /${'a'.repeat(200000)}`,
        'a header without end': `GET / HTTP/1.1\r\nX: ${'a'.repeat(200000)}`,
        'ten thousand headers': `GET / HTTP/1.1\r\n${'X: y\r\n'.repeat(10000)}\r\n`,
        'NUL in the path': head('GET /meetmedia/api/\0ping HTTP/1.1'),
        'NUL in a header': head('GET /meetmedia/api/ping HTTP/1.1', 'X-Y: a\0b'),
        'a negative length': head('POST /meetmedia/api/sessions HTTP/1.1', 'Content-Length: -1'),
        'a length that is none': head('POST /meetmedia/api/sessions HTTP/1.1', 'Content-Length: 2x'),
        'a length beyond 64 bits': head(
            'POST /meetmedia/api/sessions HTTP/1.1',
            'Content-Length: 99999999999999999999999',
        ),
        'two lengths': `${head('POST /meetmedia/api/sessions HTTP/1.1', 'Content-Length: 2', 'Content-Length: 3')}{}`,
        'a length and chunks': `${head('POST /meetmedia/api/sessions HTTP/1.1', 'Content-Length: 2', 'Transfer-Encoding: chunked')}0\r\n\r\n`,
        'a chunk that is none': `${head('POST /meetmedia/api/sessions HTTP/1.1', 'Transfer-Encoding: chunked')}zz\r\n{}\r\n0\r\n\r\n`,
        'a chunk beyond 64 bits': `${head('POST /meetmedia/api/sessions HTTP/1.1', 'Transfer-Encoding: chunked')}fffffffffffffffff\r\n{}`,
        'an unknown version': 'GET / HTTP/9.9\r\n\r\n',
        'a TLS ClientHello': Buffer.from('16030100c8010000c40303', 'hex').toString('latin1'),
        'an upgrade without a key': head(
            'GET /meetmedia/signaling/?EIO=4&transport=websocket HTTP/1.1',
            'Connection: Upgrade',
            'Upgrade: websocket',
        ),
        'an upgrade to another protocol': head(
            'GET /meetmedia/signaling/ HTTP/1.1',
            'Connection: Upgrade',
            'Upgrade: h2c',
        ),
        'a query of a hundred kilobytes': head(
            `GET /meetmedia/signaling/?EIO=4&transport=websocket&peerId=${'a'.repeat(100000)} HTTP/1.1`,
        ),
    };
    for (const [what, bytes] of Object.entries(requests))
        test(what, async () => {
            const connection = new RawConnection(server.port);
            await connection.opened;
            connection.send(bytes);
            await connection.until(() => connection.closed, 300);
            connection.destroy();
            await assertServes(server);
        });

    const bodies = {
        'JSON cut short': '{"role":',
        'depth of 100000': '['.repeat(100000),
        'duplicate keys': '{"role":1,"role":2}',
        'a NUL in a string': '{"role":"\\u0000"}',
        'no UTF-8': Buffer.from('7b22ff223a317d', 'hex'),
        'a number without end': `{"role":${'9'.repeat(10000)}}`,
        'a role beyond all bits': '{"role":4294967296}',
        'a negative role': '{"role":-1}',
        'a role that is an object': '{"role":{}}',
        'a role that is a fraction': '{"role":1.5}',
    };
    for (const [what, body] of Object.entries(bodies))
        for (const target of ['connection', 'signal'])
            test(`${what} for ${target}`, async () => {
                const room = await server.createRoom();
                const path = target === 'signal' ? '/signal' : `/sessions/${room}/connection`;
                const response = await fetch(`http://127.0.0.1:${server.port}/meetmedia/api${path}`, {
                    method: 'POST',
                    headers: { 'X-Auth-Token': TOKEN, 'Content-Type': 'application/json' },
                    body,
                });
                assert.ok(response.status === 200 || response.status === 400, `status ${response.status}`);
                await response.text();
                await assertServes(server);
            });
});

// A websocket in its raw bytes: the handshake is done, for a peer that exists.
async function upgrade() {
    const peer = await server.createPeer(await server.createRoom());
    const connection = new RawConnection(server.port);
    await connection.opened;
    connection.send(
        [
            `GET /meetmedia/signaling/?EIO=4&transport=websocket&${peer.query} HTTP/1.1`,
            'Host: x',
            'Connection: Upgrade',
            'Upgrade: websocket',
            'Sec-WebSocket-Version: 13',
            'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
            '',
            '',
        ].join('\r\n'),
    );
    assert.ok(
        await connection.until(() => connection.received.includes('pingInterval'), 30000),
        'the open packet comes',
    );
    return connection;
}
