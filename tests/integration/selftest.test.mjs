// Tests the replayer itself: against a mock that answers as recorded, a right answer passes and a wrong one fails.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { HTTP_CASES, WS_CASES } from './cases.mjs';
import { EXEMPT_CASES, exemptionsOf } from './exemptions.mjs';
import { parseFrame } from './lib/frame.mjs';
import { decodedBody, parseResponses } from './lib/http.mjs';
import { MockServer } from './lib/mock.mjs';
import { loadRecording, parseRecording, recordingNames, rolesOf } from './lib/recording.mjs';
import { Replay, farewellsLast } from './lib/replay.mjs';
import { Bindings, unify, unifyFrames } from './lib/unify.mjs';

async function replayAgainstMock(name, setup = {}, change) {
    const recording = loadRecording(name);
    const mock = await MockServer.start(recording, setup, change);
    try {
        await new Replay(recording, mock, { ...setup, pace: 0, iceTcp: true }).run();
    } finally {
        mock.close();
    }
}

// Changes the first received frame that `pattern` is found in.
function once(pattern, replacement) {
    let done = false;
    return (text) => {
        if (done || text.search(pattern) < 0) return text;
        done = true;
        return text.replace(pattern, replacement);
    };
}

describe('recordings', () => {
    test('every recording is parsed, and requests have their recorded length', () => {
        const names = recordingNames();
        assert.ok(names.length > 100);
        for (const name of names)
            for (const step of loadRecording(name).steps)
                if (step.dir === '>' && step.raw !== undefined)
                    assert.equal(step.raw.length, step.bytes, `${name}:${step.line}`);
    });

    test('every recording is played', () => {
        assert.deepEqual(Object.keys({ ...WS_CASES, ...HTTP_CASES }).sort(), recordingNames());
    });

    test('a line of no known form is an error', () => {
        assert.throws(() => parseRecording('x', '# title\nfoo\n'), /x:2/);
    });

    test('roles come from remarks and from what the server told', () => {
        assert.deepEqual(
            [...rolesOf(loadRecording('ws-21-join'))],
            [
                ['A', 7],
                ['B', 3],
                ['C', 0],
                ['D', 1],
                ['E', '3'],
            ],
        );
    });

    test('exemptions name lines of switched-on cases, each with its reason and what comes instead', () => {
        const cases = { ...WS_CASES, ...HTTP_CASES };
        for (const name of EXEMPT_CASES) {
            assert.ok(cases[name], name);
            const { steps } = loadRecording(name);
            for (const exemption of exemptionsOf(name)) {
                const step = steps.find(({ line }) => line === exemption.line);
                assert.ok(step && exemption.reason, `${name}:${exemption.line}`);
                if (exemption.expect)
                    assert.ok(
                        step.dir === '<' && !exemption.expect(step.text).includes(step.text),
                        `${name}:${exemption.line}`,
                    );
                else assert.ok(exemption.check ?? exemption.send, `${name}:${exemption.line}`);
            }
        }
    });

    test('a body that the recorder cut is restored', () => {
        const [request] = loadRecording('http-large-ok').steps.filter((step) => step.dir === '>');
        const body = JSON.parse(request.raw.split('\r\n\r\n')[1]);
        assert.equal(body.data.length, 4000000);
    });
});

describe('frames and responses are taken apart', () => {
    test('socket.io frames', () => {
        assert.deepEqual(parseFrame('42["a",1]'), { engine: '4', socket: '2', data: ['a', 1] });
        assert.deepEqual(parseFrame('4312[]'), { engine: '4', socket: '3', id: '12', data: [] });
        assert.deepEqual(parseFrame('44/admin,{"message":"x"}'), {
            engine: '4',
            socket: '4',
            namespace: '/admin',
            data: { message: 'x' },
        });
        assert.deepEqual(parseFrame('451-["a"]'), { engine: '4', socket: '5', attachments: '1', data: ['a'] });
        assert.deepEqual(parseFrame('2'), { engine: '2' });
        assert.deepEqual(parseFrame('42{bad'), { engine: '4', socket: '2', data: { text: '{bad' } });
    });

    test('HTTP responses with a length, chunked, and until the end', () => {
        const raw =
            'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 404 No\r\nTransfer-Encoding: chunked\r\n\r\n' +
            '3\r\nabc\r\n0\r\n\r\nHTTP/1.0 200 OK\r\n\r\nrest';
        const { responses, rest } = parseResponses(raw, { closed: true });
        assert.deepEqual(
            responses.map((response) => [response.status, decodedBody(response)]),
            [
                [200, 'ok'],
                [404, 'abc'],
                [200, 'rest'],
            ],
        );
        assert.equal(rest, '');
        assert.equal(parseResponses('HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok').responses.length, 0);
    });
});

describe('unification', () => {
    const a = '644f0dbb-9878-46e8-a199-12c77e284841';
    const b = '1868edc6-1b3c-47e6-8870-dd163a25586f';
    const c = '99999999-1b3c-47e6-8870-dd163a25586f';

    test('ids are learned, and must stay the same in both directions', () => {
        const bindings = new Bindings();
        assert.deepEqual(unify({ id: a }, { id: b }, bindings), []);
        assert.deepEqual(unify([a, a], [b, b], bindings), []);
        assert.equal(unify(a, c, bindings).length, 1);
        assert.equal(unify(c, b, bindings).length, 1);
        assert.equal(bindings.substitute(`x${a}y`), `x${b}y`);
    });

    test('what a frame that does not fit taught is forgotten', () => {
        const bindings = new Bindings();
        assert.ok(unifyFrames(`42["x","${a}",1]`, `42["x","${c}",2]`, bindings).length > 0);
        assert.deepEqual(unifyFrames(`42["x","${a}",1]`, `42["x","${b}",1]`, bindings), []);
    });

    test('keys, types and values count; ignored values keep their shape', () => {
        const differ = (recorded, live) => unify(recorded, live, new Bindings()).length > 0;
        assert.ok(differ({ a: 1 }, {}));
        assert.ok(differ({}, { a: 1 }));
        assert.ok(differ({ a: 1 }, { a: '1' }));
        assert.ok(differ({ a: null }, { a: false }));
        assert.ok(differ([1, 2], [2, 1]));
        assert.ok(differ([1], [1, 2]));
        assert.ok(differ({ ssrc: 5 }, { ssrc: 0 }));
        assert.ok(differ({ ssrc: 5 }, { ssrc: 1.5 }));
        assert.ok(differ({ ssrc: 5, rtx: { ssrc: 6 } }, { ssrc: 7, rtx: { ssrc: 9 } }));
        assert.ok(differ({ usernameFragment: 'a'.repeat(32) }, { usernameFragment: 'A'.repeat(32) }));
        assert.ok(differ({ fingerprints: [{ value: 'AA:BB' }] }, { fingerprints: [{ value: 'AA:B' }] }));
        assert.ok(!differ({ ssrc: 5, rtx: { ssrc: 6 } }, { rtx: { ssrc: 8 }, ssrc: 7 }));
        assert.ok(!differ({ fingerprints: [{ value: 'AA:BB' }] }, { fingerprints: [{ value: '00:1F' }] }));
    });

    test('TCP candidates are expected only where ICE-TCP is', () => {
        const recorded = { iceCandidates: [{ protocol: 'udp' }, { protocol: 'tcp' }] };
        const udpOnly = { iceCandidates: [{ protocol: 'udp' }] };
        assert.deepEqual(unify(recorded, udpOnly, new Bindings()), []);
        assert.equal(unify(recorded, udpOnly, new Bindings(), { iceTcp: true }).length, 1);
    });

    test('acknowledgement ids: those of the client are kept, those of the server learned', () => {
        const bindings = new Bindings();
        assert.equal(unifyFrames('430[]', '431[]', bindings).length, 1);
        assert.deepEqual(unifyFrames('425["request",{"method":"m"}]', '4277["request",{"method":"m"}]', bindings), []);
        assert.equal(bindings.liveOf('ack', '5'), '77');
        assert.equal(
            unifyFrames('426["request",{"method":"m"}]', '4277["request",{"method":"m"}]', bindings).length,
            1,
        );
    });
});

describe('a right answer passes', { concurrency: 8 }, () => {
    // The recorder could not write gzip's bytes down.
    const unwritable = ['http-sessions-get-gzip'];
    // Here the raw frame behind the upgrade is escaped.
    const escaped = ['ws-00-upgrade-raw', 'ws-06-eio3', 'ws-07-wrong-path'];
    // Not only websockets, or the old server's end.
    const unplayable = [
        'webhook-and-turn',
        'ws-08-polling',
        'ws-13-fragmented-and-masked',
        'ws-32-room-never-joined',
        'crash-extra-argument',
        'crash-request-null',
        'crash-request-without-ack',
        'crash-request-without-argument',
    ];
    const left = [...unwritable, ...escaped, ...unplayable];
    for (const [name, setup] of Object.entries({ ...WS_CASES, ...HTTP_CASES }))
        if (!left.includes(name) && !name.startsWith('http-sessions-get'))
            test(name, () => replayAgainstMock(name, setup));
});

describe('a wrong answer fails', { concurrency: 8 }, () => {
    const wrong = [
        ['a value', 'ws-20-getRouterRtpCapabilities', once('"clockRate":90000', '"clockRate":90001')],
        ['a type', 'ws-21-join', once('"raisedHand":false', '"raisedHand":0')],
        ['a missing key', 'ws-21-join', once('"language":null,', '')],
        ['a key too many', 'ws-24-restartIce', once('"iceLite":true', '"iceLite":true,"extra":1')],
        ['another error', 'ws-24-restartIce', once(/\[500,/, '[404,')],
        [
            'an id that is not the known one',
            'ws-01-handshake',
            once(/"roomId":"[^"]+"/, '"roomId":"00000000-0000-4000-8000-000000000000"'),
        ],
        ['an acknowledgement id', 'ws-38-nickname-chat-hand', once(/^431\[\]/, '437[]')],
        ['a missing codec', 'ws-25-produce-mic', once(/"codecs":\[\{[^}]*\}/, '"codecs":[{')],
        [
            'a consumer parameter',
            'ws-26-produce-webcam-simulcast',
            once('"scalabilityMode":"L2T3"', '"scalabilityMode":"L1T3"'),
        ],
        ['a frame of another kind', 'ws-02-wrong-authtoken', once(/^41$/, '42["x"]')],
        ['an HTTP status', 'http-ping', once('200 OK', '201 Created')],
        ['an HTTP body', 'http-ping', once('PONG', 'PING')],
        ['a JSON body over HTTP', 'http-health', once('true', 'null')],
        ['a header', 'http-ping', once('Strict-Transport-Security', 'X-Nothing')],
        ['a content type', 'http-health', once('application/json', 'application/text')],
        ['a delivery', 'http-signal-delivery', once('signal:joinRequest', 'signal:join')],
    ];
    for (const [what, name, change] of wrong)
        test(`${what} in ${name}`, () =>
            assert.rejects(
                replayAgainstMock(name, WS_CASES[name] ?? HTTP_CASES[name], change),
                new RegExp(`^Error: ${name}:\\d+: `),
            ));

    test('the order of two frames of one socket', async () => {
        const held = [];
        const swap = (text, step) => {
            if (step.peer === 'B' && held.length === 0 && text.includes('changeNickname')) {
                held.push(text);
                return [];
            }
            return step.peer === 'B' && text.includes('newPeer') ? [text, ...held.splice(0, 1, '')] : text;
        };
        await assert.rejects(replayAgainstMock('ws-21-join', {}, swap), /ws-21-join:15: got .*newPeer/);
    });

    test('what was on its way when a peer said 41 is waited for, and no other line moves', () => {
        for (const name of recordingNames()) {
            const { steps } = loadRecording(name);
            const moved = farewellsLast(steps).filter((step, i) => step !== steps[i]);
            assert.deepEqual(moved.map(({ line }) => line), name === 'ws-33-drop-and-return' ? [39, 38] : [], name);
        }
    });

    test('a frame that was not recorded', () =>
        assert.rejects(
            replayAgainstMock('ws-01-handshake', {}, (text, step) =>
                step.line === 6 ? [text, '42["notification",{"method":"other"}]'] : text,
            ),
            /A got what was not recorded: .*other/,
        ));

    test('a frame that does not come', () =>
        assert.rejects(
            replayAgainstMock('ws-02-wrong-authtoken', {}, (text) => (text === '41' ? [] : text)),
            /ws-02-wrong-authtoken:6: the websocket closed instead/,
        ));
});
