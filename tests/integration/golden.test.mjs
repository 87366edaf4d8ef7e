// Plays the recordings (cases.mjs) against kolabmeetd. One daemon serves most of them, side by side; a case that
// counts rooms has one of its own. The case that takes a minute of pings runs beside all others.

import { after, before, describe, test } from 'node:test';
import { HTTP_CASES, WS_CASES } from './cases.mjs';
import { exemptionsOf } from './exemptions.mjs';
import { loadRecording } from './lib/recording.mjs';
import { Replay } from './lib/replay.mjs';
import { Server } from './lib/server.mjs';
import { WebhookReceiver } from './lib/webhook.mjs';

let shared;

async function replay(name, setup) {
    const webhook = setup.env && (await WebhookReceiver.start());
    const own = setup.fresh || setup.env;
    const server = own ? await Server.start(setup.env?.({ webhookUrl: webhook.url })) : shared;
    try {
        await new Replay(loadRecording(name), server, { ...setup, webhook, iceTcp: true }, exemptionsOf(name)).run();
        server.assertUnharmed();
    } finally {
        webhook?.close();
        if (own) await server.stop();
    }
}

before(async () => {
    shared = await Server.start();
});

after(() => shared?.stop());

describe('recordings', { concurrency: true }, () => {
    describe('websocket', { concurrency: 8 }, () => {
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
