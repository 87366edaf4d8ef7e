// Where this server is right to answer otherwise than recorded: each with its lines, the reason, and what must come
// instead. signaling.md calls these places "better"; a few more are choices that HTTP leaves open.
//
//   line | lines   of the recording (file line numbers)
//   expect(text)   the frames that must come instead of a recorded one; none: []
//   check(…)       looks at an HTTP answer, or at a connection, by itself
//   responses      how many of them are to come before that; else one where the recording has any
//   send(replay)   the bytes to send instead

import assert from 'node:assert/strict';
import { decodedBody, parseResponses } from './lib/http.mjs';
import { loadRecording } from './lib/recording.mjs';
import { unify } from './lib/unify.mjs';

const failed = (method) => (text) => [`${/^43\d+/.exec(text)[0]}[500,"request ${method} failed"]`];
const nothing = () => [];
const range = (first, last) => Array.from({ length: last - first + 1 }, (_, i) => first + i);

// An error in JSON with this status, and nothing of the old server's HTML.
const jsonError = (status) => (responses) => {
    assert.equal(responses.length, 1);
    assert.equal(responses[0].status, status);
    assert.match(responses[0].headers.get('content-type'), /^application\/json/);
    assert.equal(typeof JSON.parse(decodedBody(responses[0])).error, 'string');
};

const BAD_JSON = 'better: malformed JSON is answered with 400 and a JSON error, not with 500 and an HTML page';
const ONCE = 'better: after a reconnect each request is handled once';
const LANGUAGE = 'better: a language that is an array is refused';
const ALIVE = 'better: the old server ended here';

// The websocket stays open, and these frames come: "better" than what the old server did.
const answers =
    (...frames) =>
    async (socket) => {
        for (const frame of frames) assert.equal(await socket.next(30000), frame);
        socket.send('429["request",{"method":"ping"}]');
        assert.equal(await socket.next(30000), '439[null]');
    };
const UNKNOWN = '430[500,"unknown request.method \\"undefined\\""]';

// 400 with this text, at once.
const refusal =
    (text) =>
    ([response]) => {
        assert.equal(response.status, 400);
        assert.equal(response.body, text);
    };

const PROTOCOL_3 = 'better: a client that asks for protocol 3 is served in protocol 3';

// The handshake, the connect packet without being asked, roomReady.
async function websocketOfProtocol3([response], connection, replay, rest) {
    assert.equal(response.status, 101);
    const frames = () => {
        const bytes = Buffer.from(rest + connection.received, 'latin1');
        const found = [];
        for (let at = 0, start; at + 2 <= bytes.length; at = start + found.at(-1).length) {
            start = at + (bytes[at + 1] === 126 ? 4 : 2);
            const length = bytes[at + 1] === 126 ? bytes.readUInt16BE(at + 2) : bytes[at + 1];
            found.push(bytes.toString('latin1', start, start + length));
        }
        return found;
    };
    await connection.until(() => frames().length >= 3 || connection.closed, 30000);
    const [open, connect, ready] = frames();
    assert.deepEqual(Object.keys(JSON.parse(open.slice(1))), [
        'sid',
        'upgrades',
        'pingInterval',
        'pingTimeout',
        'maxPayload',
    ]);
    assert.equal(connect, '40');
    assert.match(ready, /^42\["notification",\{"method":"roomReady"/);
    connection.received = '';
}

const websocketOfProtocol4 = ([response], connection, replay, rest) => {
    assert.equal(response.status, 101);
    assert.match(rest, /^\x81.0\{"sid":/s);
};

// Without credentials it is connected, and disconnected.
function pollingOfProtocol3([response]) {
    assert.equal(response.status, 200);
    assert.equal(response.headers.get('content-type'), 'text/plain; charset=UTF-8');
    assert.match(response.body, /^118:0\{"sid":"[^"]{20}","upgrades":\["websocket"\],.*\}2:402:41$/);
}

const staysOpen = (connection) => assert.equal(connection.closed, false);

const NICKNAME = 'better: a nickname is a string of at most 512 characters';

const HTTP = {
    'http-bad-percent-encoding': [
        {
            line: 8,
            reason: 'better: nothing leaks internals; a path that cannot be decoded names nothing',
            check: ([response]) => assert.ok([400, 404].includes(response.status), `status ${response.status}`),
        },
    ],
    'http-connection-malformed': [{ line: 10, reason: BAD_JSON, check: jsonError(400) }],
    'http-sessions-post-malformed': [{ line: 10, reason: BAD_JSON, check: jsonError(400) }],
    'http-sessions-post-json-primitive': [{ line: 10, reason: BAD_JSON, check: jsonError(400) }],
    'http-signal-malformed': [{ line: 10, reason: BAD_JSON, check: jsonError(400) }],
    'http-sessions-post-charset': [
        { line: 10, reason: 'better: an unknown charset is answered with 415', check: jsonError(415) },
    ],
    'http-toolarge': [
        {
            line: 10,
            reason: 'better: the announced length alone may be refused',
            check: (responses) => responses.length === 0 || jsonError(413)(responses),
        },
        { line: 12, reason: 'better: see above', check: () => {} },
        { line: 22, reason: 'better: a body over 5 MB is answered with 413', check: jsonError(413) },
        { line: 38, reason: 'after 413 the connection may be closed', check: () => {} },
    ],
    'http-ping-if-none-match': [
        {
            line: 2,
            reason: 'ETags are not compared: the one that this server gives is asked for',
            send: async (replay) => {
                const { headers } = await replay.server.request('GET', '/ping');
                replay.etag = headers.get('etag');
                return loadRecording('http-ping').steps[1].raw.replace(
                    /\r\n\r\n$/,
                    `\r\nIf-None-Match: ${replay.etag ?? '"x"'}\r\n\r\n`,
                );
            },
        },
        {
            line: 9,
            reason: 'a server without ETags answers in full',
            check: ([response], connection, replay) => assert.equal(response.status, replay.etag ? 304 : 200),
        },
    ],
    'http-sessions-get-gzip': [
        {
            line: 9,
            reason: "the recorder could not write the compressed bytes; compression is the server's choice",
            check: ([response], connection, replay) => {
                const [, answer] = loadRecording('http-sessions-get-big').steps.filter(
                    (step) => step.raw !== undefined,
                );
                const [recorded] = parseResponses(answer.raw).responses;
                assert.equal(response.status, 200);
                assert.deepEqual(
                    unify(JSON.parse(recorded.body), JSON.parse(decodedBody(response)), replay.bindings),
                    [],
                );
            },
        },
    ],
};

const WS = {
    'ws-06-eio3': [
        { line: 12, reason: PROTOCOL_3, check: websocketOfProtocol3 },
        { line: 24, reason: PROTOCOL_3, check: staysOpen },
        {
            lines: [36, 60],
            reason: 'better: no 101 before the refusal',
            check: refusal('Unsupported protocol version'),
        },
    ],
    'ws-07-wrong-path': [
        { line: 12, reason: 'better: the path is also taken without its last slash', check: websocketOfProtocol4 },
        { line: 14, reason: 'better: see above', check: staysOpen },
    ],
    'ws-08-polling': [{ line: 118, reason: PROTOCOL_3, check: pollingOfProtocol3 }],
    'ws-31-drop-and-timeout': [
        { line: 46, reason: 'too near to the end of the room to be asked then', check: () => true },
    ],
    'ws-33-drop-and-return': [{ lines: [32, 35], reason: ONCE, expect: nothing }],
    'ws-37-produce-errors': [
        { line: 67, reason: 'better: an audio producer with a video codec is refused', expect: failed('produce') },
        { line: 82, reason: 'better: payload type 300 is refused', expect: failed('produce') },
    ],
    'ws-39-moderator-roles': [
        {
            lines: [117, 118, 119],
            reason: 'a mask of several bits clears all of them; the old server toggled them, and gave MODERATOR',
            expect: (text) => [text.replace('"role":6', '"role":2')],
        },
    ],
    'ws-40-moderator-language': [
        { lines: [47, 48], reason: LANGUAGE, expect: nothing },
        { line: 49, reason: LANGUAGE, expect: failed('moderator:changeLanguage') },
    ],
    'ws-44-unknown-and-missing-data': [
        { lines: [158, 160], reason: NICKNAME, expect: failed('changeNickname') },
    ],
    'ws-49-reconnect-doubled': [{ lines: [33, 36, 40, 41, 50, 51, 65], reason: ONCE, expect: nothing }],
    'crash-connection-body-null': [{ lines: [10, 35], reason: BAD_JSON, check: jsonError(400) }],
    'crash-extra-argument': [{ line: 8, reason: ALIVE, check: answers('430[null]') }],
    'crash-request-null': [{ line: 8, reason: ALIVE, check: answers(UNKNOWN) }],
    'crash-request-without-ack': [{ line: 9, reason: ALIVE, check: answers() }],
    'crash-request-without-argument': [{ line: 8, reason: ALIVE, check: answers(UNKNOWN) }],
    'crash-stats-with-room': [
        {
            line: 8,
            reason: ALIVE,
            responses: 1, // where there was none
            check: ([response]) => {
                assert.equal(response.status, 200);
                assert.ok(Object.values(JSON.parse(response.body)).every((room) => typeof room === 'object'));
            },
        },
        { line: 10, reason: ALIVE, check: (connection) => assert.ok(!connection.closed) },
    ],
    'ws-21-join': [
        { lines: range(69, 75), reason: NICKNAME, expect: nothing },
        { line: 76, reason: NICKNAME, expect: failed('join') },
        {
            lines: [85, 87, 89, 91],
            reason: 'a role given as a numeric string is taken as the number',
            expect: (text) => [text.replace('"role":"3"', '"role":3')],
        },
        {
            line: 93,
            reason: `${NICKNAME}; the role as above`,
            expect: (text) => [text.replace('"role":"3"', '"role":3').replace('"nickname":5,', '"nickname":null,')],
        },
    ],
    'ws-23-connectWebRtcTransport': [
        { line: 72, reason: 'better: malformed fingerprints are refused', expect: failed('connectWebRtcTransport') },
    ],
    'ws-38-nickname-chat-hand': [
        { lines: [35, 36, 39, 40, 43, 44], reason: NICKNAME, expect: nothing },
        { lines: [37, 41, 45], reason: NICKNAME, expect: failed('changeNickname') },
        {
            lines: [51, 52, 55, 56, 59, 60],
            reason: NICKNAME,
            expect: (text) => [text.replace('"nickname":{"a":[1]}', '"nickname":""')],
        },
    ],
};

export const EXEMPT_CASES = Object.keys({ ...HTTP, ...WS });

// The exemptions of one case, one a line.
export function exemptionsOf(name) {
    return ({ ...HTTP, ...WS }[name] ?? []).flatMap(({ lines, line, ...rest }) =>
        (lines ?? [line]).map((each) => ({ line: each, ...rest })),
    );
}
