// One participant sends H264, the other VP8.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertAllMeet, inMeeting } from './lib/meeting.mjs';

test('one participant on H264', (context) => inMeeting(async (meeting) => {
    const alice = await meeting.join('Alice', { codec: 'h264' });
    const encodes = await alice.evaluate(() => RTCRtpSender.getCapabilities('video').codecs
        .some((codec) => codec.mimeType === 'video/H264'));
    if (!encodes) {
        context.skip('this Chromium has no H264 encoder');
        return;
    }
    const bob = await meeting.join('Bob');
    await assertAllMeet([alice, bob]);
    assert.equal((await bob.seesMore(alice)).codec, 'video/H264');
    assert.equal((await alice.seesMore(bob)).codec, 'video/VP8');
    const carol = await meeting.join('Carol', { video: '0' });
    assert.equal((await carol.seesMore(alice)).codec, 'video/H264');
    assert.equal((await carol.seesMore(bob)).codec, 'video/VP8');
}));
