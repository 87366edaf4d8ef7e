// Chromium and Firefox see and hear one another.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../integration/lib/server.mjs';
import { mediaAddress } from './lib/firefox.mjs';
import { assertAllMeet, inMeeting } from './lib/meeting.mjs';

async function layerOf(participant, from) {
    const fromId = await from.id();
    return participant.evaluate((id) => window.kolabmeet.consumers.find(
        (consumer) => consumer.peerId === id && consumer.kind === 'video')?.layers?.spatialLayer, fromId);
}

async function encodingsOf(participant) {
    const { producers } = await participant.evaluate(() => window.kolabmeet.stats());
    return producers.find(({ source }) => source === 'webcam').encodings;
}

// `to` is sent the upper of the two layers of `from`, and decodes it.
async function seesUpperLayer(to, from) {
    await eventually(`${from.name} sends two layers`, async () =>
        (await encodingsOf(from)).filter(({ framesEncoded }) => framesEncoded > 0).length === 2, 20000, 100);
    await eventually(`${to.name} is sent the upper one`, async () => await layerOf(to, from) === 1, 20000, 100);
    await eventually(`${to.name} shows it`, async () => (await to.counters(from, 'video')).frameWidth
        === Math.max(...(await encodingsOf(from)).map(({ frameWidth }) => frameWidth)), 20000, 100);
}

test('Chromium and Firefox, both ways', (context) => inMeeting(async (meeting) => {
    const firefox = await meeting.joinFromFirefox('Firefox');
    const chromium = await meeting.join('Chromium');
    await assertAllMeet([chromium, firefox]);
    for (const [to, from] of [[firefox, chromium], [chromium, firefox]]) {
        await seesUpperLayer(to, from);
        const { framesDecoded, keyFramesDecoded, packetsLost, codec } = await to.seesMore(from, 60);
        assert.equal(codec, 'video/VP8');
        context.diagnostic(`${to.name}: ${framesDecoded} frames, ${keyFramesDecoded} of them key frames, ${packetsLost} packets lost`);
    }

    const setPaused = (paused) => chromium.evaluate((value) =>
        window.kolabmeet.room.session.setPaused('webcam', value), paused);
    await setPaused(true);
    await firefox.until('is told of the pause', () =>
        window.kolabmeet.consumers.some(({ kind, paused }) => kind === 'video' && paused));
    const late = await meeting.joinFromFirefox('Late', { video: '0' });
    await late.seesMore(firefox);
    await setPaused(false);
    await firefox.seesMore(chromium, 30);
    await late.seesMore(chromium, 30);
    for (const { name, errors } of [chromium, firefox, late]) assert.deepEqual(errors, [], `${name} saw no error`);
}, { WEBRTC_LISTEN_IP: mediaAddress() }));
