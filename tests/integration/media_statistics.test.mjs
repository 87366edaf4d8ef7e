// GET /stats, its parts, and kolabmeetctl, while media flows: everything is named as mediasoup's getStats names it.

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import path from 'node:path';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { Server, TOKEN, binDir, eventually } from './lib/server.mjs';

const run = promisify(execFile);

const RTP = ['ssrc', 'packetCount', 'byteCount', 'bitrate', 'packetsLost', 'fractionLost', 'packetsRetransmitted',
    'jitter', 'roundTripTime', 'nackCount', 'nackPacketCount', 'pliCount', 'firCount', 'score'];
const TRANSPORT = ['packetsReceived', 'bytesReceived', 'recvBitrate', 'packetsSent', 'bytesSent', 'sendBitrate',
    'roundTripTime', 'availableOutgoingBitrate', 'twccFeedbacks'];

function assertNumbers(object, names) {
    for (const name of names) assert.equal(typeof object[name], 'number', `${name} in ${JSON.stringify(object)}`);
}

const get = async (server, what) => {
    const answer = await server.request('GET', `/stats${what}`);
    assert.equal(answer.status, 200);
    return answer.json();
};

describe('statistics of media', () => {
    test('of transports, producers and consumers; by room and by id', async () => {
        const server = await Server.start();
        const load = spawn(path.join(binDir, 'kolabmeet-load'), [`--url=http://127.0.0.1:${server.port}`,
            `--token=${TOKEN}`, '--json=-', '--duration=15', '--publishers=2', '--subscribers=1'],
        { stdio: 'ignore' });
        try {
            const [room, row] = await eventually('the room is busy', async () =>
                Object.entries(await get(server, '/rooms')).find(([, { consumers, sendBitrate }]) =>
                    consumers === 8 && sendBitrate > 0));
            assert.equal(row.peers, 3);
            const peers = await eventually('everything is counted', async () => {
                const all = (await get(server, ''))[room];
                const consumers = Object.values(all).flatMap((peer) => peer.consumers);
                return consumers.every(({ stats }) => stats[0]?.packetCount > 50 && stats[0].roundTripTime > 0) && all;
            });
            for (const peer of Object.values(peers)) {
                for (const { stats, iceState, dtlsState, transportId } of peer.transports) {
                    assert.equal(iceState, 'completed');
                    assert.equal(dtlsState, 'connected');
                    assert.equal(stats[0].type, 'webrtc-transport');
                    assert.equal(stats[0].iceState, 'completed');
                    assert.equal(stats[0].dtlsState, 'connected');
                    assert.equal(stats[0].iceRole, 'controlled');
                    assert.equal(stats[0].transportId, transportId);
                    const { remoteIp, remotePort, ...tuple } = stats[0].iceSelectedTuple;
                    assert.match(remoteIp, /^127\./);
                    assert.deepEqual(tuple, { protocol: 'udp', localIp: '127.0.0.1',
                        localPort: server.mediaPort });
                    assert.ok(remotePort > 0);
                    assertNumbers(stats[0], TRANSPORT);
                }
                for (const { kind, stats } of peer.producers) {
                    assert.ok(stats.length > 0);
                    for (const stream of stats) {
                        assert.equal(stream.type, 'inbound-rtp');
                        assert.equal(stream.kind, kind);
                        assert.equal(stream.mimeType, kind === 'audio' ? 'audio/opus' : 'video/VP8');
                        assertNumbers(stream, [...RTP, 'packetsRepaired', 'packetsDiscarded']);
                        assert.ok(stream.packetCount > 0);
                        assert.equal(typeof stream.audioLevel, kind === 'audio' ? 'number' : 'undefined');
                    }
                }
                for (const { kind, stats, currentLayers } of peer.consumers) {
                    assert.equal(stats[0].type, 'outbound-rtp');
                    assert.equal(stats[0].kind, kind);
                    assert.equal(stats[0].mimeType, kind === 'audio' ? 'audio/opus' : 'video/VP8');
                    assertNumbers(stats[0], [...RTP, 'spatialLayer', 'temporalLayer', 'priority']);
                    assert.equal(stats[0].priority, kind === 'audio' ? 255 : 1);
                    assert.ok(!currentLayers || currentLayers.spatialLayer >= 0);
                }
                const one = await get(server, `/${peer.id}`);
                assert.equal(one.id, peer.id);
                assert.equal(one.consumers.length, peer.consumers.length);
                for (const { id } of [...peer.producers, ...peer.consumers])
                    assert.equal((await get(server, `/${id}`)).id, id);
                for (const { transportId } of peer.transports)
                    assert.equal((await get(server, `/${transportId}`)).transportId, transportId);
            }
            assert.equal((await server.request('GET', '/stats/11111111-1111-4111-8111-111111111111')).status, 404);

            const { stdout } = await run(path.join(binDir, 'kolabmeetctl'),
                ['--json', '--runtime-dir', server.runtimeDir, 'stats']);
            const file = JSON.parse(stdout);
            file.transports.forEach((transport) => assertNumbers(transport, TRANSPORT));
            file.streams.forEach((stream) => assertNumbers(stream, RTP));
            file.consumers.forEach((consumer) => assertNumbers(consumer, RTP));
        } finally {
            load.kill();
            await server.stop();
        }
    });

    test('who speaks is in the room\'s row and in its peer', async () => {
        const server = await Server.start();
        const load = spawn(path.join(binDir, 'kolabmeet-load'), [`--url=http://127.0.0.1:${server.port}`,
            `--token=${TOKEN}`, '--json=-', '--duration=15', '--publishers=1', '--subscribers=1'],
        { stdio: 'ignore' });
        try {
            const [room, { speaker }] = await eventually('somebody speaks', async () =>
                Object.entries(await get(server, '/rooms')).find(([, row]) => row.speaker));
            const peers = (await get(server, ''))[room];
            for (const [id, peer] of Object.entries(peers)) {
                assert.equal(peer.activeSpeaker, id === speaker);
                assert.ok(id === speaker ? peer.audioLevel > -60 : peer.audioLevel === -127, `${peer.audioLevel}`);
            }
        } finally {
            load.kill();
            await server.stop();
        }
    });
});
