// Plays the recordings (cases.mjs) against kolabmeetd. One daemon serves most of them, side by side; a case that
// counts rooms has one of its own. The case that takes a minute of pings runs beside all others.

import { after, before, describe, test } from 'node:test';
import { HTTP_CASES, WS_CASES } from './cases.mjs';
import { exemptionsOf } from './exemptions.mjs';
import { loadRecording } from './lib/recording.mjs';
import { Replay } from './lib/replay.mjs';
import { Server } from './lib/server.mjs';

let shared;

async function replay(name, setup) {
    const server = setup.fresh ? await Server.start() : shared;
    try {
        await new Replay(loadRecording(name), server, setup, exemptionsOf(name)).run();
        server.assertUnharmed();
    } finally {
        if (setup.fresh) await server.stop();
    }
}

before(async () => {
    shared = await Server.start();
});

after(() => shared?.stop());

describe('recordings', { concurrency: true }, () => {
    describe('websocket', { concurrency: 6 }, () => {
        for (const [name, setup] of Object.entries(WS_CASES).sort(longestFirst)) test(name, () => replay(name, setup));
    });
    describe('HTTP', { concurrency: 2 }, () => {
        for (const [name, setup] of Object.entries(HTTP_CASES).sort(longestFirst))
            test(name, () => replay(name, setup));
    });
});

function longestFirst([a], [b]) {
    const length = (name) => loadRecording(name).steps.findLast((step) => step.ms !== undefined).ms;
    return length(b) - length(a);
}
