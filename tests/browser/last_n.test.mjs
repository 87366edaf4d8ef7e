// LAST_N with real browsers: the cameras that are seen follow who speaks. Voices are tones, whose level the browsers put
// into the packets by themselves.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inMeeting } from './lib/meeting.mjs';

// Gives the microphone a voice that the test switches on and off.
async function giveVoice(participant) {
    await participant.until('sends sound', () => window.kolabmeet.room.session.producers.has('mic'));
    await participant.evaluate(async () => {
        const context = new AudioContext();
        const tone = new OscillatorNode(context, { frequency: 330 });
        const volume = new GainNode(context, { gain: 0 });
        const out = new MediaStreamAudioDestinationNode(context);
        tone.connect(volume).connect(out);
        tone.start();
        await context.resume();
        window.voice = volume.gain;
        const { producer } = window.kolabmeet.room.session.producers.get('mic');
        await producer.replaceTrack({ track: out.stream.getAudioTracks()[0] });
    });
}

const speak = (participant, loud) => participant.evaluate((gain) => (window.voice.value = gain), loud ? 0.3 : 0);

// Until more of `of` is decoded here.
async function untilPicture(viewer, of) {
    const id = await of.id();
    await viewer.evaluate(async (peerId) => {
        const begin = performance.now();
        const frames = async () => (await window.kolabmeet.stats()).consumers
            .find((consumer) => consumer.peerId === peerId && consumer.source === 'webcam')?.framesDecoded ?? 0;
        const before = await frames();
        while (await frames() < before + 3) {
            if (performance.now() - begin > 20000) throw new Error(`no picture of ${peerId}`);
            await new Promise((resolve) => setTimeout(resolve, 20));
        }
    }, id);
}

test('LAST_N=1: who speaks is seen, the others are not, and back', () => inMeeting(async (meeting) => {
    const alice = await meeting.join('Alice');
    const bob = await meeting.join('Bob');
    const carol = await meeting.join('Carol');
    for (const participant of [alice, bob, carol])
        await giveVoice(participant);
    // The browsers' own fake microphones beep: any of them may have the floor from before it was silenced.
    const { peerId: first } = await alice.evaluate(() =>
        window.kolabmeet.room.signaling.request('observeSpeakers', { speaker: true, levels: true }));

    await speak(bob, true);
    if (first !== await bob.id())
        await alice.notified('activeSpeaker');
    await alice.seesMore(bob);
    await alice.seesNothingOf(carol, 1500, 3);
    await speak(bob, false);
    await alice.page.waitForTimeout(600);

    // Turns are taken: the picture comes with the floor's change, each time.
    for (const [from, to] of [[bob, carol], [carol, bob], [bob, carol]]) {
        const heard = await alice.evaluate(() => window.kolabmeet.events.length);
        await speak(to, true);
        await untilPicture(alice, to);
        const speaker = await alice.evaluate((after) => window.kolabmeet.events.slice(after)
            .findLast(({ method }) => method === 'activeSpeaker')?.data.peerId, heard);
        assert.equal(speaker, await to.id());
        await alice.page.waitForTimeout(400);
        await alice.seesNothingOf(from, 1500, 3);
        const { consumers } = await alice.evaluate(() => window.kolabmeet.stats());
        for (const other of [from, to]) {
            const id = await other.id();
            assert.equal(consumers.find(({ peerId, source }) => peerId === id && source === 'mic').paused, false);
        }
        await speak(to, false);
        await alice.page.waitForTimeout(600);
    }
    await alice.notified('audioLevels');
    const levels = await alice.evaluate(() => window.kolabmeet.events.filter(({ method }) => method === 'audioLevels')
        .flatMap(({ data }) => data.levels.map(({ level }) => level)));
    assert.ok(Math.max(...levels) > -40 && Math.min(...levels) < -60, `${Math.min(...levels)} to ${Math.max(...levels)}`);
    for (const { errors } of [alice, bob, carol])
        assert.deepEqual(errors, []);
}, { LAST_N: '1' }));
