// Media over IPv6, at a socket for it alone and at one for both families, which may announce both.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertAllMeet, inMeeting } from './lib/meeting.mjs';
import { selectedPairs } from './lib/pairs.mjs';

for (const [what, env] of Object.entries({
    'over IPv6': { WEBRTC_LISTEN_IP: '::1' },
    'over IPv6 at a socket for both': { WEBRTC_LISTEN_IP: '::', WEBRTC_ANNOUNCED_ADDRESS: '::1' },
    'with candidates of both families': { WEBRTC_LISTEN_IP: '::', WEBRTC_ANNOUNCED_ADDRESS: '127.0.0.1,::1' },
}))
    test(`a call ${what}`, () => inMeeting(async (meeting) => {
        const alice = await meeting.join('Alice');
        const bob = await meeting.join('Bob');
        await assertAllMeet([alice, bob]);
        for (const one of [alice, bob])
            for (const { address } of await one.evaluate(selectedPairs))
                assert.ok(env.WEBRTC_ANNOUNCED_ADDRESS?.includes('127.0.0.1')
                    ? /^(127\.0\.0\.1|\[?::1\]?)$/.test(address) : /^\[?::1\]?$/.test(address), address);
    }, env));
