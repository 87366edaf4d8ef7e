// Two and three people in a call: everybody sees and hears everybody, who comes late too, and who leaves is gone.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertAllMeet, inMeeting } from './lib/meeting.mjs';

test('two people see and hear each other, a third joins late, one leaves', () => inMeeting(async (meeting) => {
    const alice = await meeting.join('Alice');
    const bob = await meeting.join('Bob');
    await assertAllMeet([alice, bob]);
    const video = await bob.seesMore(alice);
    assert.equal(video.codec, 'video/VP8');
    assert.ok(video.frameWidth >= 320, `a picture ${video.frameWidth} wide: the larger layer`);
    assert.equal(video.packetsLost, 0);
    for (const one of [alice, bob])
        assert.deepEqual(await one.evaluate(() => window.kolabmeet.transports.map((t) => [t.direction, t.state]).sort()),
            [['recv', 'connected'], ['send', 'connected']]);
    assert.equal((await meeting.server.request('GET', '/stats')).text.match(/"consuming"/g).length, 4);

    const carol = await meeting.join('Carol');
    await assertAllMeet([alice, bob, carol]);
    assert.deepEqual(await carol.evaluate(() => window.kolabmeet.peers.map((peer) => peer.nickname).sort()),
        ['Alice', 'Bob']);

    await bob.press(/leave/i);
    for (const other of [alice, carol]) {
        await other.notified('peerClosed');
        await other.until('has one peer left', () => window.kolabmeet.peers.length === 1);
        await other.until('has only that one\'s streams', () => window.kolabmeet.consumers.length === 2);
    }
    await assertAllMeet([alice, carol]);
}));

test('a connection that breaks comes back with roomBack, and media never stopped', () => inMeeting(async (meeting) => {
    const alice = await meeting.join('Alice');
    const bob = await meeting.join('Bob');
    await assertAllMeet([alice, bob]);
    await bob.evaluate(() => window.kolabmeet.room.signaling.breakConnection());
    await bob.notified('roomBack');
    await bob.until('is joined again', () => window.kolabmeet.state === 'joined');
    await assertAllMeet([alice, bob]);
    assert.equal(await alice.evaluate(() => window.kolabmeet.events.filter((e) => e.method === 'peerClosed').length), 0);

    await bob.press(/chat/i);
    await bob.page.keyboard.type('still here');
    await bob.page.keyboard.press('Enter');
    await alice.notified('chatMessage');
    await alice.page.waitForTimeout(500);
    assert.equal(await alice.evaluate(() => window.kolabmeet.events.filter((e) => e.method === 'chatMessage').length), 1,
        'a request after the reconnect is handled once');
}));
