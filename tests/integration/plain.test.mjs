// Plain RTP between programs: media, notifications about it, a killed forwarder, ports and descriptors.

import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { readdir } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Person, recordedData, rtpCapabilities } from './lib/person.mjs';
import { loadRecording } from './lib/recording.mjs';
import { Server, eventually } from './lib/server.mjs';

const IP = '127.0.0.1';
const RECORDED = 'ws-51-media-score-layers';
const OPUS = Buffer.from('fcfffe01020304050607', 'hex');
const PLI = 0x81;
const SR = 200;
const PSFB = 206;

// A UDP socket that keeps what it gets.
class End {
    static async open() {
        const end = new End();
        end.packets = [];
        end.socket = createSocket('udp4').unref();
        end.socket.on('message', (data) => end.packets.push(data));
        await new Promise((resolve) => end.socket.bind(0, IP, resolve));
        end.port = end.socket.address().port;
        if (end.port < 40000 || end.port > 43999) return end;
        const other = await End.open(); // no address of the server's own range is taken for a receiver's
        await end.close();
        return other;
    }

    send(data, port) {
        this.socket.send(data, port, IP);
    }

    close() {
        return new Promise((resolve) => this.socket.close(resolve));
    }
}

function rtp({ ssrc, payloadType, sequence, timestamp, payload }) {
    const header = Buffer.alloc(12);
    header[0] = 0x80;
    header[1] = 0x80 | payloadType;
    header.writeUInt16BE(sequence & 0xffff, 2);
    header.writeUInt32BE(timestamp >>> 0, 4);
    header.writeUInt32BE(ssrc, 8);
    return Buffer.concat([header, payload]);
}

// A whole frame in one packet: X, I (15 bits), then the frame tag, whose P bit tells key frames.
function vp8(picture, isKey) {
    return Buffer.from([0x90, 0x80, 0x80 | (picture >> 8) & 0x7f, picture & 0xff, isKey ? 0x10 : 0x11, 2, 0, 0x9d, 0x01,
        0x2a, 0x40, 1, 0xf0, 0, 5, 5]);
}

function senderReport(ssrc, timestamp) {
    const report = Buffer.alloc(28);
    report.writeUInt32BE(0x80c80006, 0);
    report.writeUInt32BE(ssrc, 4);
    const now = Date.now() / 1000 + 2208988800;
    report.writeUInt32BE(Math.floor(now) >>> 0, 8);
    report.writeUInt32BE(Math.floor((now % 1) * 2 ** 32) >>> 0, 12);
    report.writeUInt32BE(timestamp >>> 0, 16);
    return report;
}

function pictureLoss(ssrc) {
    const request = Buffer.alloc(12);
    request.writeUInt32BE((PLI << 24 | PSFB << 16 | 2) >>> 0, 0);
    request.writeUInt32BE(1, 4);
    request.writeUInt32BE(ssrc, 8);
    return request;
}

// Sends audio and two encodings of video every 20 ms, as the recording says; what stands in `silent` is not sent.
class Source {
    silent = new Set();
    frame = 0;

    constructor(media, control, { port, rtcpPort }) {
        Object.assign(this, { media, control, port, rtcpPort });
        this.timer = setInterval(() => this.#send(), 20);
    }

    #send() {
        const frame = this.frame++;
        if (!this.silent.has(9001))
            this.media.send(rtp({ ssrc: 9001, payloadType: 111, sequence: frame, timestamp: 960 * frame, payload: OPUS }),
                this.port);
        for (const ssrc of [9101, 9102]) {
            if (this.silent.has(ssrc)) continue;
            const payload = vp8(frame, frame % 10 === 0);
            this.media.send(rtp({ ssrc, payloadType: 96, sequence: frame, timestamp: 1800 * frame, payload }), this.port);
            if (frame % 25 === 0) this.control.send(senderReport(ssrc, 1800 * frame), this.rtcpPort);
        }
    }

    stop() {
        clearInterval(this.timer);
    }
}

// Alice publishes and Bob consumes, both by plain RTP, with the requests of the recording.
async function meet(server) {
    const room = await server.createRoom();
    const call = { ends: [] };
    for (const name of ['source', 'sourceControl', 'sink', 'sinkControl']) call.ends.push((call[name] = await End.open()));
    call.alice = await Person.enter(server, room, 7);
    call.bob = await Person.enter(server, room, 3);
    await call.alice.must('join', { nickname: 'Alice', rtpCapabilities });
    await call.bob.must('join', { nickname: 'Bob', rtpCapabilities });
    call.receiving = await call.bob.must('createPlainTransport', { producing: false, consuming: true });
    await call.bob.must('connectPlainTransport',
        { transportId: call.receiving.id, ip: IP, port: call.sink.port, rtcpPort: call.sinkControl.port });
    call.sending = await call.alice.must('createPlainTransport', { producing: true, consuming: false });
    for (const n of [0, 1])
        await call.alice.must('produce', { ...recordedData(RECORDED, 'produce', n), transportId: call.sending.id });
    call.heard = [];
    call.listen = async () => call.heard.push(...(await call.bob.hear()));
    await call.listen();
    call.consumers = call.heard.filter(([method]) => method === 'newConsumer').map(([, data]) => data);
    assert.deepEqual(call.consumers.map(({ kind }) => kind).sort(), ['audio', 'video']);
    call.media = new Source(call.source, call.sourceControl, call.sending);
    call.end = async () => {
        call.media.stop();
        await Promise.all([call.alice.close(), call.bob.close()]);
        await Promise.all(call.ends.map((end) => end.close()));
    };
    return call;
}

// What the recording has of it from its media on: [method, data], about the consumer of that kind.
function recordedNotices(kind) {
    const frames = loadRecording(RECORDED)
        .steps.filter(({ dir, peer, text }) => dir === '<' && peer === 'B' && /^42/.test(text))
        .map(({ text }) => JSON.parse(text.replace(/^\d+/, ''))[1]);
    const { id } = frames.find(({ method, data }) => method === 'newConsumer' && data.kind === kind).data;
    return frames.filter(({ data }) => data.consumerId === id).map(({ method, data }) => [method, data]);
}

// The layers that were told, in order. Scores are told beside them, which of both first is chance.
function layersOf(notices) {
    return notices.filter(([method]) => method === 'consumerLayersChanged').map(([, data]) => data.layers);
}

// Whether one of the packets of a compound is a request for a key frame.
function asksForKeyFrame(compound) {
    for (let at = 0; at + 4 <= compound.length; at += 4 * (compound.readUInt16BE(at + 2) + 1))
        if (compound[at] === PLI && compound[at + 1] === PSFB) return true;
    return false;
}

const ssrcOf = (packet) => packet.readUInt32BE(8);

// A video packet and an audio packet more than now arrive.
async function assertArrives(call) {
    for (const { kind, rtpParameters } of call.consumers) {
        const [{ ssrc }] = rtpParameters.encodings;
        const count = () => call.sink.packets.filter((packet) => ssrcOf(packet) === ssrc).length;
        const before = count();
        await eventually(`${kind} arrives`, async () => count() >= before + 20, 30000, 50);
    }
}

describe('media', () => {
    let server;

    before(async () => {
        server = await Server.start();
    });

    after(() => server?.stop());

    test('layers and scores are told as recorded, and RTCP goes to its own port', async () => {
        const call = await meet(server);
        try {
            const video = call.consumers.find(({ kind }) => kind === 'video');
            const told = (method) => call.heard.filter(([name, data]) => name === method && data.consumerId === video.id)
                .map(([, data]) => data);
            const layer = () => told('consumerLayersChanged').at(-1)?.layers?.spatialLayer;
            const scores = () => told('consumerScoreChanged').at(-1)?.score.producerScores.join();
            const reaches = (what, condition) => eventually(what, async () => {
                await call.listen();
                return condition();
            }, 10000, 100);

            await assertArrives(call);
            await reaches('the high layer', () => layer() === 1 && scores() === '10,10');

            call.sinkControl.send(pictureLoss(video.rtpParameters.encodings[0].ssrc), call.receiving.rtcpPort);
            await eventually("the receiver's loss of a picture is counted", async () => {
                const rooms = (await server.request('GET', '/stats')).json();
                return /"pliCount":1\b/.test(JSON.stringify(rooms[call.bob.room][call.bob.id].consumers));
            }, 30000, 100);

            call.media.silent.add(9102);
            await reaches('the low layer, when the high one has stopped', () => layer() === 0 && scores() === '10,0');
            call.media.silent.delete(9102);
            await reaches('the high layer again', () => layer() === 1 && scores() === '10,10');
            call.media.stop();
            await reaches('no layer', () => scores() === '0,0' && !('layers' in told('consumerLayersChanged').at(-1)));

            const heard = (id) => call.heard.filter(([method, data]) => /Changed$/.test(method) && data.consumerId === id);
            const audio = call.consumers.find(({ kind }) => kind === 'audio');
            assert.deepEqual(layersOf(heard(video.id)), layersOf(recordedNotices('video')));
            assert.deepEqual(heard(audio.id)[0][1].score, recordedNotices('audio')[0][1].score);

            for (const packet of call.sink.packets) assert.ok([100, 101].includes(packet[1] & 0x7f));
            assert.ok(call.sinkControl.packets.some((packet) => packet[1] === SR), 'sender reports');
            assert.ok(call.sourceControl.packets.some(asksForKeyFrame),
                'requests for key frames');
            assert.equal(call.source.packets.length, 0, 'no RTCP on the port for RTP');
        } finally {
            await call.end();
        }
    });

    test('a killed forwarder is replaced, and the ports stay', async () => {
        const call = await meet(server);
        try {
            await assertArrives(call);
            for (let kill = 1; kill <= 2; kill++) {
                const { pid } = await server.forwarder();
                process.kill(pid, 'SIGKILL');
                await eventually('another forwarder runs', async () => {
                    const next = await server.forwarder();
                    return next && next.pid !== pid && (await server.health()) === 200;
                });
                await assertArrives(call);
                await sleep(3500); // two deaths are no crash loop
            }
            const [{ ssrc }] = call.consumers[0].rtpParameters.encodings;
            const numbers = call.sink.packets.filter((packet) => ssrcOf(packet) === ssrc)
                .map((packet) => packet.readUInt16BE(2));
            assert.equal(new Set(numbers).size, numbers.length, 'no number is used twice');
        } finally {
            await call.end();
        }
    });

    test('hostile datagrams end nothing', async () => {
        const call = await meet(server);
        const stranger = await End.open();
        try {
            await assertArrives(call);
            const { port, rtcpPort } = call.sending;
            const bad = [Buffer.alloc(0), Buffer.from([0x80]), Buffer.alloc(65000, 0x80), Buffer.alloc(2049, 0x81),
                Buffer.from('80e0', 'hex'), Buffer.from('81ceffff00000000', 'hex'), Buffer.from('bf', 'hex'),
                rtp({ ssrc: 9001, payloadType: 111, sequence: 7, timestamp: 7, payload: OPUS }), senderReport(9101, 5)];
            for (let i = 0; i < 20; i++)
                for (const data of bad)
                    for (const from of [stranger, call.source, call.sourceControl])
                        for (const to of [port, rtcpPort, call.receiving.port, call.receiving.rtcpPort])
                            from.send(data, to);
            await assertArrives(call);
            assert.equal(stranger.packets.length, 0, 'strangers are told nothing');
            server.assertUnharmed();
        } finally {
            await stranger.close();
            await call.end();
        }
    });
});

describe('targets', () => {
    const connect = async (env, ip) => {
        const server = await Server.start(env);
        try {
            const person = await Person.enter(server, await server.createRoom(), 3);
            const { id } = await person.must('createPlainTransport', { consuming: true });
            const [error] = await person.request('connectPlainTransport', { transportId: id, ip, port: 5004, rtcpPort: 5005 });
            await person.must('ping');
            await person.close();
            const { plainTargetsRefused } = (await server.request('GET', '/counters')).json();
            assert.equal(plainTargetsRefused, error ? 1 : 0);
            return !error;
        } finally {
            await server.stop();
        }
    };

    test('without a word: private networks, and loopback where the server listens only there', async () => {
        assert.ok(await connect({}, '127.0.0.1'));
        assert.ok(await connect({}, '10.9.8.7'));
        assert.ok(!await connect({}, '192.0.2.1'));
        const everywhere = { WEBRTC_LISTEN_IP: '0.0.0.0', WEBRTC_ANNOUNCED_ADDRESS: '10.1.2.3' };
        assert.ok(!await connect(everywhere, '127.0.0.1'));
        assert.ok(await connect(everywhere, '10.9.8.7'));
    });

    test('the link and metadata of clouds: only who names them', async () => {
        assert.ok(!await connect({}, '169.254.169.254'));
        assert.ok(!await connect({ PLAIN_TARGETS: 'any' }, '169.254.169.254'));
        assert.ok(await connect({ PLAIN_TARGETS: 'private,169.254.169.254' }, '169.254.169.254'));
    });

    test('those that are named, all, or none', async () => {
        assert.ok(await connect({ PLAIN_TARGETS: '192.0.2.0/24' }, '192.0.2.1'));
        assert.ok(!await connect({ PLAIN_TARGETS: '192.0.2.0/24' }, '127.0.0.1'));
        assert.ok(await connect({ PLAIN_TARGETS: 'any' }, '192.0.2.1'));
        assert.ok(!await connect({ PLAIN_TARGETS: 'none' }, '127.0.0.1'));
    });
});

describe('ports', () => {
    let server;

    before(async () => {
        server = await Server.start({ PLAIN_PORT_MIN: '31001', PLAIN_PORT_MAX: '31009' }); // pairs from 31002 to 31009
    });

    after(() => server?.stop());

    const descriptors = async (pid) => (await readdir(`/proc/${pid}/fd`)).length;

    test('they are pairs of the range; when none is free that is an error; they come back with their transport', async () => {
        const { pid } = await server.forwarder();
        const room = await server.createRoom();
        const keeper = await Person.enter(server, room, 3);
        const counts = async () => [await descriptors(server.pid), await descriptors(pid)];
        const before = await counts();
        for (let round = 0; round < 3; round++) {
            const alice = await Person.enter(server, room, 3);
            const ports = [];
            for (let i = 0; i < 4; i++) {
                // Sockets that were on their way to the worker when their transport went are closed by it a little later.
                const { ip, port, rtcpPort } = await eventually('a pair is free', async () => {
                    const [error, made] = await alice.request('createPlainTransport', { producing: i % 2 === 0 });
                    return error === null && made;
                });
                assert.equal(ip, IP);
                assert.equal(port % 2, 0);
                assert.equal(rtcpPort, port + 1);
                ports.push(port);
            }
            assert.deepEqual(ports.sort(), [31002, 31004, 31006, 31008]);
            await alice.mustFail('createPlainTransport', { producing: true });
            await alice.must('ping');
            alice.socket.send('41'); // it goes, with its transports
            await alice.close();
            await eventually('all sockets are closed', async () =>
                JSON.stringify(await counts()) === JSON.stringify(before), 30000, 50);
        }
        assert.match(server.stderr, /no ports are free from PLAIN_PORT_MIN 31001 to PLAIN_PORT_MAX 31009/);
        const counters = (await server.request('GET', '/counters')).json();
        assert.ok(counters.plainPortsExhausted >= 3);
        await keeper.close();
    });
});
