// An encoder that makes key frames only when asked (by the command of README.md): receivers' requests reach it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually, freePort } from '../integration/lib/server.mjs';
import { inMeeting } from './lib/meeting.mjs';
import { Encoder, Program } from './lib/plain.mjs';

const TITLE = 'publish with GStreamer, key frames on request';
const TOO_MANY_FRAMES = 250; // those behind a key frame that is kept for who comes later (dataplane/catch_up.h)

for (const [type, parameter] of [['nack', 'pli'], ['ccm', 'fir']])
    test(`GStreamer makes a key frame when a receiver needs one, by ${parameter}`, () =>
        inMeeting((meeting) => assertMakesKeyFrame(meeting, { type, parameter })));

async function assertMakesKeyFrame(meeting, feedback) {
    const bob = await meeting.join('Bob');
    const encoder = await Encoder.join(meeting, 'GStreamer', [feedback]);
    const variables = { ...encoder.variables, LOCAL_IP: encoder.variables.IP, RTCP_PORT: String(await freePort()) };
    const program = new Program(TITLE, variables);
    try {
        const { keyFramesDecoded } = await bob.seesMore(encoder, TOO_MANY_FRAMES);
        const carol = await meeting.join('Carol');
        await carol.seesMore(encoder, 10);
        await eventually('Bob gets the key frame that Carol needed', async () =>
            (await bob.counters(encoder, 'video')).keyFramesDecoded > keyFramesDecoded, 10000, 100);
        assert.deepEqual([...bob.errors, ...carol.errors], []);
    } catch (error) {
        error.message += `\n--- ${TITLE}:\n${program.output}`;
        throw error;
    } finally {
        await program.stop();
        await encoder.close();
    }
}
