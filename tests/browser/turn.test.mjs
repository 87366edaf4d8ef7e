// Calls of browsers that reach nothing but a TURN server, with the credentials that roomReady brings.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertAllMeet, inMeeting } from './lib/meeting.mjs';
import { selectedPairs } from './lib/pairs.mjs';
import { Turn } from './lib/turn.mjs';

for (const transport of ['udp', 'tcp'])
    test(`a call by way of TURN over ${transport}`, async () => {
        const turn = await Turn.start();
        try {
            await inMeeting(async (meeting) => {
                const alice = await meeting.join('Alice', { relay: '1' });
                const bob = await meeting.join('Bob', { relay: '1' });
                await assertAllMeet([alice, bob]);
                for (const one of [alice, bob]) {
                    const pairs = await one.evaluate(selectedPairs);
                    assert.equal(pairs.length, 2);
                    for (const { type, port } of pairs) {
                        assert.equal(type, 'relay');
                        assert.equal(port, meeting.server.mediaPort);
                    }
                }
            }, turn.env(transport));
            const names = [...turn.log.matchAll(/user <(\d+):[^>]*>[^\n]*ALLOCATE[^\n]*success/g)];
            assert.ok(names.length > 0, 'turnserver accepted credentials of limited time');
            for (const [, until] of names)
                assert.ok(Number(until) > Date.now() / 1000, `credentials were good until ${until}`);
        } catch (error) {
            error.message += `\n--- turnserver:\n${turn.log.slice(-4000)}`;
            throw error;
        } finally {
            await turn.stop();
        }
    });
