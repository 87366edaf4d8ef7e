// Calls through a real coturn in a namespace of its own, which is the only way that media can take.

import assert from 'node:assert/strict';
import { chmodSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { chromiumPath, launchChromium } from '../browser/lib/chromium.mjs';
import { assertAllMeet, inMeeting } from '../browser/lib/meeting.mjs';
import { selectedPairs } from '../browser/lib/pairs.mjs';
import { Turn } from '../browser/lib/turn.mjs';
import { freePort, makeRuntimeDir, removeDir } from '../integration/lib/server.mjs';
import { Islands, SERVER, TURN } from './lib/islands.mjs';

// Chromium where the clients are.
function launchThere(islands, dir, origin) {
    const wrapper = path.join(dir, 'chromium');
    writeFileSync(wrapper, `#!/bin/sh\nexec nsenter --net=${islands.clients.path} ${chromiumPath} "$@"\n`);
    chmodSync(wrapper, 0o755);
    return launchChromium({ executablePath: wrapper, args: [`--unsafely-treat-insecure-origin-as-secure=${origin}`] });
}

for (const transport of ['udp', 'tcp'])
    test(`browsers without a way to the server meet by way of TURN over ${transport}`, async () => {
        const dir = makeRuntimeDir();
        const port = await freePort();
        const origin = `http://${SERVER.signaling}:${port}`;
        const islands = await Islands.open(port);
        let turn;
        try {
            turn = await Turn.start({ ...TURN, namespace: islands.turn.path });
            const env = {
                ...turn.env(transport), LISTENING_HOST: '0.0.0.0', LISTENING_PORT: String(port), WEBRTC_LISTEN_IP: SERVER.media,
            };
            await inMeeting(async (meeting) => {
                const alice = await meeting.join('Alice'); // free to take any way there is
                const bob = await meeting.join('Bob', { relay: '1' });
                await assertAllMeet([alice, bob]);
                for (const one of [alice, bob]) {
                    const pairs = await one.evaluate(selectedPairs);
                    assert.equal(pairs.length, 2);
                    for (const { type, address } of pairs) {
                        assert.equal(type, 'relay');
                        assert.equal(address, SERVER.media);
                    }
                }
            }, env, { origin, launch: () => launchThere(islands, dir, origin) });
            assert.match(turn.log, /user <\d+:[^>]*>[^\n]*ALLOCATE[^\n]*success/);
        } catch (error) {
            error.message += `\n--- turnserver:\n${turn?.log.slice(-4000)}`;
            throw error;
        } finally {
            await turn?.stop();
            await islands.close();
            removeDir(dir);
        }
    });
