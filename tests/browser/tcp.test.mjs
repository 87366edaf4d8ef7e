// Media over TCP (RFC 6544): a call without UDP, one half each way, and one that outlives the forwarder.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../integration/lib/server.mjs';
import { assertAllMeet, inMeeting } from './lib/meeting.mjs';
import { selectedPairs } from './lib/pairs.mjs';

async function assertTakes(participant, protocol) {
    const pairs = await participant.evaluate(selectedPairs);
    assert.equal(pairs.length, 2);
    for (const pair of pairs) assert.equal(pair.protocol, protocol, `${participant.name}: ${JSON.stringify(pair)}`);
}

test('two people over TCP alone, a third by UDP', () => inMeeting(async (meeting) => {
    const alice = await meeting.join('Alice', { tcp: '1' });
    const bob = await meeting.join('Bob', { tcp: '1' });
    await assertAllMeet([alice, bob]);
    const carol = await meeting.join('Carol');
    await assertAllMeet([alice, bob, carol]);
    await assertTakes(alice, 'tcp');
    await assertTakes(bob, 'tcp');
    await assertTakes(carol, 'udp');
    const { port } = (await alice.evaluate(selectedPairs))[0];
    assert.equal(port, meeting.server.mediaPort, 'one port for both');
    assert.equal((await bob.seesMore(alice, 30)).packetsLost, 0);
}, { LOG_LEVEL: 'debug' }));

test('a call over TCP with several workers, over IPv6', () => inMeeting(async (meeting) => {
    const alice = await meeting.join('Alice', { tcp: '1' });
    const bob = await meeting.join('Bob', { tcp: '1' });
    await assertAllMeet([alice, bob]);
    await assertTakes(alice, 'tcp');
    await assertTakes(bob, 'tcp');
}, { WEBRTC_LISTEN_IP: '::1', MEDIASOUP_NUM_WORKERS: '2' }));

test('a killed forwarder takes its TCP connections along, and they are made again', () => inMeeting(async (meeting) => {
    const alice = await meeting.join('Alice', { tcp: '1' });
    const bob = await meeting.join('Bob', { tcp: '1' });
    await assertAllMeet([alice, bob]);
    const { pid } = await meeting.server.forwarder();
    process.kill(pid, 'SIGKILL');
    await eventually('another forwarder runs', async () => {
        const next = await meeting.server.forwarder();
        return next && next.pid !== pid && await meeting.server.health() === 200;
    });
    await assertAllMeet([alice, bob]);
    await assertTakes(alice, 'tcp');
}));
