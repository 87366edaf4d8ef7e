// A few of the scenarios, short, with bounds that a busy machine keeps, too. The table measures properly.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { LINKS, Stage } from './lib/measure.mjs';
import { Meeting } from './lib/meeting.mjs';

let meeting;
let stage;

before(async () => {
    meeting = await Meeting.open(LINKS);
    stage = new Stage(meeting);
});

after(() => meeting?.close());

test('5 % loss to one receiver: the picture goes on, and nobody else notices', async () => {
    const { phases: [measured] } = await stage.play({
        name: 'loss', phases: [{ name: 'loss', seconds: 8, bad: { down: { loss: 5 } } }],
    });
    assert.ok(measured.longestFreezeMs < 1000, `the longest freeze took ${measured.longestFreezeMs} ms`);
    assert.ok(measured.fpsPercent >= 75, `${measured.fpsPercent} % of the frames were seen`);
    assert.ok(measured.concealedPercent < 10, `${measured.concealedPercent} % of the sound was made up`);
    assert.ok(measured.othersLongestFreezeMs < 1000, `others froze for ${measured.othersLongestFreezeMs} ms`);
});

test('400 kbit/s of 3 Mbit/s are left: the lower layer soon, and the upper one when there is room again', async () => {
    const { phases: [cut, back] } = await stage.play({
        name: 'cut',
        phases: [
            { name: 'cut', seconds: 8, bad: { down: { rate: 400000 } }, lower: true },
            { name: 'back', seconds: 14, bad: { down: { rate: 3000000 } }, top: true },
        ],
    });
    assert.ok(cut.lowerAfterMs !== null && cut.lowerAfterMs < 4000, `the lower layer came after ${cut.lowerAfterMs} ms`);
    assert.ok(cut.longestFreezeMs < 2500, `the longest freeze took ${cut.longestFreezeMs} ms`);
    assert.ok(back.topAfterMs !== null, 'the upper layer did not come back');
    assert.ok(cut.othersLongestFreezeMs < 1000, `others froze for ${cut.othersLongestFreezeMs} ms`);
});

test('who joins sees the first picture soon', async () => {
    const { firstFrameMs } = await stage.play({ name: 'joiners', joins: 3, phases: [] });
    assert.equal(firstFrameMs.length, 3);
    assert.ok(firstFrameMs[1] < 2000, `the median first picture came after ${firstFrameMs[1]} ms`);
});
