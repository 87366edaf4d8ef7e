// The forwarder is killed in the middle of a call, and the call goes on.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../integration/lib/server.mjs';
import { assertAllMeet, inMeeting } from './lib/meeting.mjs';

test('a killed forwarder is replaced, and the call goes on without a word to the browsers', () => inMeeting(async (meeting) => {
    const alice = await meeting.join('Alice');
    const bob = await meeting.join('Bob');
    await assertAllMeet([alice, bob]);
    const said = await bob.evaluate(() => window.kolabmeet.events.length);

    for (let kill = 1; kill <= 2; kill++) {
        const { pid } = await meeting.server.forwarder();
        const before = await bob.counters(alice, 'video');
        process.kill(pid, 'SIGKILL');
        await eventually('another forwarder runs', async () => {
            const next = await meeting.server.forwarder();
            return next && next.pid !== pid && await meeting.server.health() === 200;
        });
        await assertAllMeet([alice, bob]);
        const after = await bob.seesMore(alice, 30);
        assert.ok(after.packetsReceived > before.packetsReceived + 30);
        await bob.page.waitForTimeout(4000); // two deaths are not a crash loop
    }
    assert.equal(await bob.evaluate((from) => window.kolabmeet.events.slice(from)
        .filter((event) => /Closed|roomBack|roomReady/.test(event.method)).length, said), 0);
    for (const one of [alice, bob])
        assert.deepEqual(await one.evaluate(() => window.kolabmeet.transports.map((t) => t.state)),
            ['connected', 'connected', 'connected'].slice(0, await one.evaluate(() => window.kolabmeet.transports.length)));

    const carol = await meeting.join('Carol');
    await assertAllMeet([alice, bob, carol]);
}));
