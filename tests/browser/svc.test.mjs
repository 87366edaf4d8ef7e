// Video in one stream with layers in it: it is seen whole, a narrow receiver gets less of it at once, and all of it again
// when there is room.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../integration/lib/server.mjs';
import { inMeeting } from './lib/meeting.mjs';
import { MediaPath } from './lib/path.mjs';

const CODECS = 'opus,VP9,AV1,VP8';
const NARROW_BPS = 250000;

async function layersOf(participant, from) {
    const fromId = await from.id();
    return participant.evaluate((id) => window.kolabmeet.consumers.find(
        (consumer) => consumer.peerId === id && consumer.kind === 'video')?.layers?.spatialLayer, fromId);
}

async function widthOf(participant, from) {
    return (await participant.counters(from, 'video'))?.frameWidth ?? 0;
}

async function wholeAndNarrow(context, codec, mode) {
    const path = await MediaPath.open();
    try {
        await inMeeting(async (meeting) => {
            const alice = await meeting.join('Alice', { codec, svc: mode });
            const encodes = await alice.evaluate((name) => RTCRtpSender.getCapabilities('video').codecs
                .some(({ mimeType }) => mimeType.toLowerCase() === `video/${name}`), codec);
            if (!encodes) {
                context.skip(`this Chromium has no encoder of ${codec}`);
                return;
            }
            const link = path.newLink();
            const bob = await meeting.join('Bob', { video: '0' });
            const seen = await bob.seesMore(alice);
            assert.equal(seen.codec.toLowerCase(), `video/${codec}`);
            await eventually('bob has all layers', async () => await layersOf(bob, alice) === 2, 30000, 200);
            const whole = await widthOf(bob, alice);
            await bob.seesMore(alice, 30);

            link.bps = NARROW_BPS;
            await eventually('bob has fewer', async () => await layersOf(bob, alice) < 2, 10000, 100);
            await bob.seesMore(alice, 30);
            assert.ok(await widthOf(bob, alice) < whole, 'the picture is smaller');

            link.bps = Infinity;
            await eventually('bob has all again', async () => await widthOf(bob, alice) >= whole
                && await layersOf(bob, alice) === 2, 30000, 200);
            await bob.seesMore(alice, 30);
            context.diagnostic(`${whole} pixels wide, ${link.lost} packets lost on the narrow link`);
        }, { CODECS, ...path.env });
    } finally {
        path.close();
    }
}

test('VP9, layers that depend on one another', (context) => wholeAndNarrow(context, 'vp9', 'L3T3'));
test('VP9, layers apart but for key frames', (context) => wholeAndNarrow(context, 'vp9', 'L3T3_KEY'));
test('AV1', (context) => wholeAndNarrow(context, 'av1', 'L3T3'));
