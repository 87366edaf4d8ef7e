// The way to the server changes during a call: ICE restarts, another address, a break.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../integration/lib/server.mjs';
import { assertAllMeet, inMeeting } from './lib/meeting.mjs';
import { MediaPath } from './lib/path.mjs';
import { selectedPairs } from './lib/pairs.mjs';

const states = (participant) => participant.evaluate(() => window.kolabmeet.transports.map(({ state }) => state));

async function inMeetingOver(env, body) {
    const path = await MediaPath.open();
    try {
        await inMeeting((meeting) => body(meeting, path), { ...path.env, ...env });
    } finally {
        path.close();
    }
}

function restartAll() {
    const { session, signaling } = window.kolabmeet.room;
    return Promise.all([...session.transports.values()].map(async (transport) => {
        const iceParameters = await signaling.request('restartIce', { transportId: transport.id });
        await transport.restartIce({ iceParameters });
        return iceParameters.usernameFragment;
    }));
}

test('ICE restarts in the middle of a call lose no packet', () => inMeeting(async (meeting) => {
    const alice = await meeting.join('Alice');
    const bob = await meeting.join('Bob');
    await assertAllMeet([alice, bob]);
    const seen = new Set();
    for (let restart = 0; restart < 3; restart++) {
        const before = await alice.evaluate(selectedPairs);
        for (const participant of [alice, bob])
            for (const ufrag of await participant.evaluate(restartAll)) {
                assert.ok(!seen.has(ufrag), 'each restart has credentials of its own');
                seen.add(ufrag);
            }
        await assertAllMeet([alice, bob]);
        const after = await alice.evaluate(selectedPairs);
        before.forEach(({ ufrag }, i) => assert.notEqual(after[i].ufrag, ufrag, 'the browser restarted, too'));
    }
    for (const [to, from] of [[alice, bob], [bob, alice]])
        for (const kind of ['audio', 'video'])
            assert.equal((await to.counters(from, kind)).packetsLost, 0);
    for (const one of [alice, bob])
        assert.deepEqual(await states(one), ['connected', 'connected']);
}));

test('clients whose address changes go on', () => inMeetingOver({}, async (meeting, path) => {
    const alice = await meeting.join('Alice');
    const bob = await meeting.join('Bob');
    await assertAllMeet([alice, bob]);
    const dtls = await alice.evaluate(() => window.kolabmeet.transports.map(({ id }) => id));
    for (let move = 0; move < 3; move++) {
        const ports = path.ports.size;
        path.roam();
        await assertAllMeet([alice, bob]);
        assert.ok(path.ports.size >= ports + 4, 'every transport came from a new port');
        for (const one of [alice, bob])
            assert.deepEqual(await states(one), ['connected', 'connected']);
    }
    assert.deepEqual(await alice.evaluate(() => window.kolabmeet.transports.map(({ id }) => id)), dtls);
}));

test('a path that breaks for longer than consent lasts comes back by a restart', () =>
    inMeetingOver({ LOG_LEVEL: 'debug' }, async (meeting, path) => {
        const alice = await meeting.join('Alice');
        const bob = await meeting.join('Bob');
        await assertAllMeet([alice, bob]);
        path.cut();
        await eventually('the server gives up all transports',
            () => (meeting.server.stderr.match(/lost consent/g) ?? []).length >= 4, 45000, 250);
        await bob.seesNothingOf(alice);
        path.mend();
        await eventually('all transports are connected again', async () =>
            [...await states(alice), ...await states(bob)].every((state) => state === 'connected'), 40000, 250);
        await assertAllMeet([alice, bob]);
        assert.ok(meeting.server.stderr.includes('regained consent'));
    }));
