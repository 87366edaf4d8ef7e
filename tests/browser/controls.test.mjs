// What people do during a call: mute and unmute, chat, raise a hand, change their name.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertAllMeet, inMeeting } from './lib/meeting.mjs';

test('video and sound stop when muted and come back when unmuted', () => inMeeting(async (meeting) => {
    const alice = await meeting.join('Alice');
    const bob = await meeting.join('Bob');
    await assertAllMeet([alice, bob]);

    await alice.press(/stop video/i);
    await bob.notified('consumerPaused');
    await bob.page.waitForTimeout(500);
    await bob.seesNothingOf(alice);
    await bob.hearsMore(alice); /* sound goes on */
    await alice.press(/start video/i);
    await bob.notified('consumerResumed');
    const video = await bob.seesMore(alice);
    assert.equal(video.framesDropped > video.framesDecoded, false);

    await alice.press(/^mute/i);
    await bob.until('knows that Alice is muted',
        () => window.kolabmeet.consumers.some((consumer) => consumer.source === 'mic' && consumer.paused));
    await bob.page.waitForTimeout(500);
    const before = (await bob.counters(alice, 'audio')).packetsReceived;
    await bob.page.waitForTimeout(1000);
    assert.equal((await bob.counters(alice, 'audio')).packetsReceived, before, 'no packet of a muted microphone');
    await alice.press(/^unmute/i);
    await bob.hearsMore(alice);
    await assertAllMeet([alice, bob]);
}));

test('chat, raised hands and new names reach the others', () => inMeeting(async (meeting) => {
    const alice = await meeting.join('Alice', { video: '0', audio: '0' });
    const bob = await meeting.join('Bob', { video: '0', audio: '0' });

    await alice.press(/chat/i);
    await alice.page.keyboard.type('Grüße <b>an</b> alle 👋');
    await alice.page.keyboard.press('Enter');
    await bob.notified('chatMessage');
    await bob.press(/chat/i);
    await bob.page.getByText('Grüße <b>an</b> alle 👋').first().waitFor({ timeout: 20000 });

    await alice.press(/raise hand/i);
    await bob.until('sees the hand', () => window.kolabmeet.peers[0].raisedHand === true);
    await alice.press(/lower hand/i);
    await bob.until('sees it go down', () => window.kolabmeet.peers[0].raisedHand === false);

    await alice.evaluate(() => window.kolabmeet.room.changeNickname('Alicia'));
    await bob.until('sees the new name', () => window.kolabmeet.peers[0].nickname === 'Alicia');
}));
