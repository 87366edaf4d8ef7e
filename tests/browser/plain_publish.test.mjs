// Plain RTP with the real programs, by the commands of README.md: ffmpeg and GStreamer publish, Chromium sees and hears.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../integration/lib/server.mjs';
import { inMeeting } from './lib/meeting.mjs';
import { Encoder, Program } from './lib/plain.mjs';

// What is published is seen and heard, also after the forwarder was killed, and after the encoder was started again.
async function assertPublishes(meeting, title, andThen = async () => {}) {
    const bob = await meeting.join('Bob');
    const encoder = await Encoder.join(meeting, title);
    let program = new Program(title, encoder.variables);
    const assertArrives = async () => {
        await bob.seesMore(encoder, 25);
        await bob.hearsMore(encoder);
    };
    try {
        await assertArrives();
        assert.equal((await bob.counters(encoder, 'video')).packetsLost, 0);
        await andThen(assertArrives, async () => {
            await program.stop();
            program = new Program(title, encoder.variables);
        });
        assert.deepEqual(bob.errors, []);
    } catch (error) {
        error.message += `\n--- ${title}:\n${program.output}`;
        throw error;
    } finally {
        await program.stop();
        await encoder.close();
    }
}

test('ffmpeg publishes, and goes on when the forwarder was killed', () => inMeeting((meeting) =>
    assertPublishes(meeting, 'publish with ffmpeg', async (assertArrives) => {
        const { pid } = await meeting.server.forwarder();
        process.kill(pid, 'SIGKILL');
        await eventually('another forwarder runs', async () => {
            const next = await meeting.server.forwarder();
            return next && next.pid !== pid && await meeting.server.health() === 200;
        });
        await assertArrives();
    })));

test('GStreamer publishes, and is started again', () => inMeeting((meeting) =>
    assertPublishes(meeting, 'publish with GStreamer', async (assertArrives, startAgain) => {
        await startAgain(); // from other ports, which are believed when the old ones were silent for 5 s
        await assertArrives();
    })));
