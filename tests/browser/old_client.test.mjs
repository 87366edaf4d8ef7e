// A call of clients that have mediasoup-client 3.7.18, the last of the 3.7s, and of one with them that has the newest.

import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { buildOldDemo } from './lib/old_client.mjs';
import { assertAllMeet, inMeeting } from './lib/meeting.mjs';

let folder;

before(async () => {
    folder = await buildOldDemo();
});

after(() => folder && rmSync(folder, { recursive: true }));

test('cameras, screen, muting, an ICE restart, and who comes late', () => inMeeting(async (meeting) => {
    const alice = await meeting.join('Alice');
    const bob = await meeting.join('Bob');
    assert.equal(await alice.evaluate(() => window.mediasoupClientVersion), '3.7.18');
    await assertAllMeet([alice, bob]);

    await alice.press(/share screen/i);
    await bob.until('has the screen', () => window.kolabmeet.consumers.some(({ source }) => source === 'screen'));
    await alice.press(/stop video/i);
    await bob.notified('consumerPaused');
    await alice.press(/start video/i);
    await bob.notified('consumerResumed');
    await alice.evaluate(() => Promise.all([...window.kolabmeet.room.session.transports.values()].map(async (transport) => {
        const iceParameters = await window.kolabmeet.room.signaling.request('restartIce', { transportId: transport.id });
        await transport.restartIce({ iceParameters });
    })));
    await assertAllMeet([alice, bob]);
    const carol = await meeting.join('Carol');
    await assertAllMeet([alice, bob, carol]);
}, { DEMO: folder }));
