// Every request of the contract: who may ask, what is right, and of which kind each of its fields is. From this all wrong
// requests are made: each field with each value that its kind refuses, each role that is not enough.

import { recordedData, rtpCapabilities } from './person.mjs';

const NOBODY = '00000000-0000-4000-8000-000000000000';
const MISSING = Symbol('missing');

export const fingerprint = () => ({
    role: 'client',
    fingerprints: [{ algorithm: 'sha-256', value: Array(32).fill('AB').join(':') }],
});

const NOT_STRINGS = [0, 5, -1, 1.5, true, false, {}, [], ['x'], { x: 1 }];
const NOT_OBJECTS = [MISSING, null, 0, 5, true, 'x', ''];

// An id of the caller's own: those that others have are as wrong as those of nothing.
const idOf = (own, ...others) => ({
    wrong: (m) => [
        MISSING, null, ...NOT_STRINGS, '', 'x', NOBODY, '\0', 'a'.repeat(10000), [own(m)], { id: own(m) },
        `${own(m)}\0`, ` ${own(m)}`, own(m).toUpperCase().replace(/^/, 'x'), ...others.map((other) => other(m)),
    ],
});

const sending = (who) => (m) => m[who].sending;
const foreign = (m) => m.owner.id;

const kinds = {
    transport: idOf(sending('publisher'), sending('subscriber'), sending('stranger'), foreign, (m) => m.mic),
    plainTransport: idOf((m) => m.publisher.plain, sending('publisher'), sending('stranger'), foreign, (m) => m.mic),
    ip: {
        wrong: () => [
            MISSING, null, ...NOT_STRINGS, '', 'x', 'localhost', '127.0.0', '127.0.0.1\0', '::1', '0.0.0.0', '224.0.0.1',
            '255.255.255.255',
        ],
    },
    port: { wrong: () => [MISSING, null, '', 'x', '50000', true, {}, [], [50000], 0, -1, 65536, 1e20, 50000.5] },
    producer: idOf((m) => m.mic, (m) => m.strangersMic, foreign, sending('publisher'), (m) => m.subscriber.consumer),
    consumer: idOf((m) => m.subscriber.consumer, (m) => m.owner.consumer, foreign, (m) => m.mic),
    peer: idOf((m) => m.subscriber.id, (m) => m.stranger.id, (m) => m.mic, sending('publisher')),
    nickname: { wrong: () => [MISSING, null, ...NOT_STRINGS, 'n'.repeat(513), '😀'.repeat(513)] },
    nicknameOrNone: { wrong: () => [...NOT_STRINGS, 'n'.repeat(513), '😀'.repeat(513)] },
    hand: { wrong: () => ['', 'x', 'true', {}, [], [true]] },
    capabilities: {
        wrong: () => [
            ...NOT_OBJECTS.filter((value) => value !== MISSING && value !== null), [], ['x'], { codecs: 5 },
            { codecs: {} }, { codecs: [5] }, { codecs: [null] }, { codecs: [{ kind: 'audio' }] },
            { headerExtensions: 'x' }, { headerExtensions: [5] }, { headerExtensions: [{ uri: 5 }] },
        ],
    },
    role: {
        wrong: () => [
            MISSING, null, 16, 17, 31, 32, 4096, -1, 1.5, 1e20, '', 'x', '2x', '0x2', ' 2', '-1', '1e1', true, false, {},
            [], [2],
        ],
    },
    language: { wrong: () => [5, 0, true, false, 'd', 'DE', 'De', 'deu', 'd1', 'd ', 'd\0', 'ä', 'ää', {}, [], ['de']] },
    requestId: { wrong: () => [true, false, {}, [], ['r'], 'r'.repeat(1025)] },
    mediaKind: { wrong: () => [MISSING, null, ...NOT_STRINGS, '', 'foo', 'AUDIO', 'audio\0', 'video'] },
    appData: {
        wrong: () => [
            ...NOT_OBJECTS, [], {}, { source: 5 }, { source: null }, { source: '' }, { source: 'foo' }, { source: 'MIC' },
            { source: ['mic'] }, { source: 'mic\0' },
        ],
    },
    rtpParameters: {
        wrong: () => {
            const { rtpParameters: right } = recordedData('ws-25-produce-mic', 'produce');
            const codec = right.codecs[0];
            const withCodec = (change) => ({ ...right, codecs: [{ ...codec, ...change }] });
            const withEncoding = (change) => ({ ...right, encodings: [{ ...right.encodings[0], ...change }] });
            return [
                ...NOT_OBJECTS, [], {}, { ...right, codecs: undefined }, { ...right, codecs: [] }, { ...right, codecs: {} },
                { ...right, codecs: [{}] }, { ...right, codecs: [codec, codec] }, { ...right, mid: 5 },
                { ...right, encodings: 'x' }, { ...right, encodings: [5] }, { ...right, headerExtensions: 5 },
                { ...right, headerExtensions: [{}] }, { ...right, headerExtensions: [{ uri: 'x', id: 0 }] },
                { ...right, rtcp: 5 }, withCodec({ mimeType: 5 }), withCodec({ mimeType: 'audio/none' }),
                withCodec({ mimeType: 'opus' }), withCodec({ payloadType: 300 }), withCodec({ payloadType: -1 }),
                withCodec({ payloadType: 'x' }), withCodec({ clockRate: 0 }), withCodec({ clockRate: 8000 }),
                withCodec({ clockRate: '48000' }), withCodec({ channels: 'x' }), withCodec({ parameters: 5 }),
                withCodec({ rtcpFeedback: 5 }), withEncoding({ ssrc: -1 }), withEncoding({ ssrc: 2 ** 32 }),
                withEncoding({ ssrc: 'x' }), withEncoding({ rid: 5 }), right /* the same SSRC once more */,
            ];
        },
    },
    dtlsParameters: {
        wrong: () => {
            const with_ = (change) => ({
                ...fingerprint(), fingerprints: [{ ...fingerprint().fingerprints[0], ...change }],
            });
            return [
                ...NOT_OBJECTS, [], {}, { role: 'server' }, { fingerprints: null }, { fingerprints: {} },
                { fingerprints: [] }, { fingerprints: [{}] }, { fingerprints: [5] }, with_({ value: 'AA' }),
                with_({ value: 5 }), with_({ value: undefined }), with_({ value: Array(32).fill('GG').join(':') }),
                with_({ value: Array(33).fill('AB').join(':') }), with_({ algorithm: 'md5' }), with_({ algorithm: 5 }),
                { ...fingerprint(), role: 'nobody' }, { ...fingerprint(), role: 5 },
            ];
        },
    },
    switch: { wrong: () => [null, 0, 1, '', 'x', {}, []] }, // missing is fine
    any: { wrong: () => [] },
};

const PUBLISHER = 2;
const MODERATOR = 4;
const OWNER = 16;

const mic = (m, change) => ({
    ...recordedData('ws-25-produce-mic', 'produce'), transportId: m.publisher.sending, ...change,
});

// method: { by: who asks rightly, right: data, fields: {name: kind}, role: one bit that is needed, withoutData: neither
// missing nor null is an error }. What follows from the right ones is the matter of other tests.
export const REQUESTS = {
    ping: { by: 'subscriber', right: () => undefined, fields: {}, withoutData: true },
    dumpStats: { by: 'subscriber', right: () => undefined, fields: {}, withoutData: true },
    getRouterRtpCapabilities: { by: 'subscriber', right: () => undefined, fields: {}, withoutData: true },
    join: {
        by: 'subscriber', right: () => ({ nickname: 'Susi', rtpCapabilities }),
        fields: { nickname: 'nicknameOrNone', rtpCapabilities: 'capabilities' },
    },
    changeNickname: { by: 'subscriber', right: () => ({ nickname: 'Susi' }), fields: { nickname: 'nickname' } },
    raisedHand: { by: 'subscriber', right: () => ({ raisedHand: false }), fields: { raisedHand: 'hand' } },
    chatMessage: { by: 'subscriber', right: () => ({ message: 'x' }), fields: { message: 'any' } },
    observeSpeakers: {
        by: 'subscriber', right: () => ({ speaker: false, levels: false }), fields: { speaker: 'switch', levels: 'switch' },
    },
    createWebRtcTransport: {
        by: 'subscriber', right: () => ({ forceTcp: false, producing: false, consuming: false }),
        fields: { forceTcp: 'any', producing: 'any', consuming: 'any' },
    },
    connectWebRtcTransport: {
        by: 'publisher', right: (m) => ({ transportId: m.publisher.receiving, dtlsParameters: fingerprint() }),
        fields: { transportId: 'transport', dtlsParameters: 'dtlsParameters' },
    },
    createPlainTransport: {
        by: 'subscriber', right: () => ({ producing: false, consuming: false }),
        fields: { producing: 'any', consuming: 'any' },
    },
    connectPlainTransport: {
        by: 'publisher',
        right: (m) => ({ transportId: m.publisher.plain, ip: '127.0.0.1', port: 50000, rtcpPort: 50001 }),
        fields: { transportId: 'plainTransport', ip: 'ip', port: 'port', rtcpPort: 'port' },
    },
    restartIce: {
        by: 'publisher', right: (m) => ({ transportId: m.publisher.sending }), fields: { transportId: 'transport' },
    },
    produce: {
        by: 'publisher', role: PUBLISHER,
        right: (m) => {
            const data = mic(m, { rtpParameters: structuredClone(mic(m).rtpParameters) });
            data.rtpParameters.encodings[0].ssrc = 77;
            data.rtpParameters.mid = 'other';
            return data;
        },
        fields: { transportId: 'transport', kind: 'mediaKind', rtpParameters: 'rtpParameters', appData: 'appData' },
    },
    pauseProducer: { by: 'publisher', right: (m) => ({ producerId: m.mic }), fields: { producerId: 'producer' } },
    resumeProducer: { by: 'publisher', right: (m) => ({ producerId: m.mic }), fields: { producerId: 'producer' } },
    pauseConsumer: {
        by: 'subscriber', right: (m) => ({ consumerId: m.subscriber.consumer }), fields: { consumerId: 'consumer' },
    },
    resumeConsumer: {
        by: 'subscriber', right: (m) => ({ consumerId: m.subscriber.consumer }), fields: { consumerId: 'consumer' },
    },
    'moderator:addRole': {
        by: 'owner', role: MODERATOR, right: (m) => ({ peerId: m.subscriber.id, role: 0 }),
        fields: { peerId: 'peer', role: 'role' },
    },
    'moderator:removeRole': {
        by: 'owner', role: MODERATOR, right: (m) => ({ peerId: m.subscriber.id, role: 0 }),
        fields: { peerId: 'peer', role: 'role' },
    },
    'moderator:changeLanguage': {
        by: 'owner', role: MODERATOR, right: (m) => ({ peerId: m.subscriber.id, language: null }),
        fields: { peerId: 'peer', language: 'language' },
    },
    'moderator:joinRequestAccept': {
        by: 'owner', role: MODERATOR, right: () => ({ requestId: 'r' }), fields: { requestId: 'requestId' },
    },
    'moderator:joinRequestDeny': {
        by: 'owner', role: MODERATOR, right: () => ({ requestId: 'r' }), fields: { requestId: 'requestId' },
    },
    // The last three end something.
    closeProducer: { by: 'publisher', right: (m) => ({ producerId: m.mic }), fields: { producerId: 'producer' } },
    'moderator:kickPeer': {
        by: 'owner', role: MODERATOR, right: (m) => ({ peerId: m.subscriber.id }), fields: { peerId: 'peer' },
    },
    'moderator:closeRoom': { by: 'owner', role: OWNER, right: () => undefined, fields: {}, withoutData: true },
};

const ROLES_OF = { owner: 31, moderator: 7, publisher: 3, subscriber: 1 };

// [who, data] of every wrong request of a method in this meeting.
export function* wrongRequests(method, meeting) {
    const { by, right, fields, role, withoutData } = REQUESTS[method];
    const needed = Object.entries(fields).filter(([, kind]) => kinds[kind].wrong(meeting).includes(MISSING));
    if (!withoutData) for (const data of [undefined, null]) yield [by, data];
    if (needed.length > 0) for (const data of ['str', '', 5, true, false, [], [1], {}]) yield [by, data];
    for (const [field, kind] of Object.entries(fields))
        for (const value of kinds[kind].wrong(meeting)) {
            const { [field]: _, ...rest } = right(meeting);
            yield [by, value === MISSING ? rest : { ...rest, [field]: value }];
        }
    for (const [who, has] of Object.entries(ROLES_OF)) if (role && !(has & role)) yield [who, right(meeting)];
}
