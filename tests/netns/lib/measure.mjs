// Plays one scenario in a meeting and says what it measured.

import { setTimeout as sleep } from 'node:timers/promises';
import { absolute, carried, firstFrameMs, keyFramesSent, lowerAfterMs, timeline, topAfterMs, watched } from './figures.mjs';

export const LINKS = ['publisher', 'bad', 'good'];
const TOP_WIDTH = 640;
const SETTLED_MS = 2000;

export class Stage {
    #publishers = [];

    constructor(meeting) {
        this.meeting = meeting;
    }

    async #publish(count) {
        while (this.#publishers.length > count) await this.#publishers.pop().leave();
        while (this.#publishers.length < count) {
            const publisher = await this.meeting.join('publisher', `Publisher ${this.#publishers.length + 1}`, true);
            await publisher.until('sends its upper layer', (width) =>
                window.probe.samples.at(-1)?.producers.some(({ frameWidth, framesSent }) => frameWidth === width && framesSent > 60), TOP_WIDTH);
            this.#publishers.push(publisher);
        }
    }

    async #notes(participant) {
        return absolute({ origin: await participant.page.evaluate(() => performance.timeOrigin), ...await participant.notes() });
    }

    // Returns {name, phases: [{name, from, to, …figures}], unsettled}.
    async play(scenario) {
        const { network } = this.meeting;
        for (const link of LINKS) await network.mend(link);
        await this.#publish(scenario.sends ?? 1);
        if (scenario.joins) return this.#join(scenario);
        const bad = await this.meeting.join('bad', 'Bad', false);
        const good = await this.meeting.join('good', 'Good', false);
        const result = { name: scenario.name, phases: [] };
        for (const participant of [bad, good])
            await participant.settles(this.#publishers.length, TOP_WIDTH, SETTLED_MS).catch((error) => (result.unsettled = error.message));
        for (const phase of scenario.phases) result.phases.push(await this.#phase(phase, await bad.page.evaluate(() => window.kolabmeet.me.id)));
        await sleep(300);
        const [seenBad, seenGood] = [await this.#notes(bad), await this.#notes(good)];
        const sent = await Promise.all(this.#publishers.map((publisher) => this.#notes(publisher)));
        for (const [i, measured] of result.phases.entries()) {
            const phase = scenario.phases[i];
            const { from, to } = measured;
            Object.assign(measured, watched(seenBad, sent, from, to), carried(measured.counts, phase.rate ?? scenario.rate, from, to), {
                shown: phase.shown,
                othersLongestFreezeMs: watched(seenGood, sent, from, to).longestFreezeMs,
                lowerAfterMs: phase.lower && lowerAfterMs(seenBad, from, to),
                topAfterMs: phase.top && topAfterMs(seenBad, from, to),
                keyFrames: sent.map((publisher) => keyFramesSent(publisher, from, to)),
                timeline: timeline(seenBad, from, to),
            });
            delete measured.counts;
        }
        await Promise.all([bad.leave(), good.leave()]);
        return result;
    }

    async #phase({ name, seconds, roam, ...links }, peer) {
        const { network } = this.meeting;
        await network.read('bad');
        const from = Date.now();
        for (const link of LINKS) if (links[link]) await network.set(link, links[link]);
        if (roam) await network.roam('bad', roam);
        const estimates = [];
        while (Date.now() < from + seconds * 1000) {
            await sleep(Math.min(500, from + seconds * 1000 - Date.now()));
            estimates.push(await this.#estimate(peer, from));
        }
        return { name, from, to: Date.now(), counts: await network.read('bad'), estimates };
    }

    // What the server believes of the bad receiver.
    async #estimate(peer, from) {
        const answer = await this.meeting.server.request('GET', `/stats/${peer}`);
        const { consumers, transports } = answer.json();
        const { availableOutgoingBitrate, bandwidth } = transports.find(({ consuming }) => consuming).stats[0];
        return {
            ms: Date.now() - from, bps: availableOutgoingBitrate, ...bandwidth,
            layers: consumers.filter(({ kind }) => kind === 'video').map(({ stats: [stats] }) =>
                [stats.spatialLayer, stats.temporalLayer, stats.allowedSpatialLayer, stats.allowedTemporalLayer, stats.layerReason].join(' ')),
        };
    }

    async #join({ name, joins }) {
        const times = [];
        for (let i = 0; i < joins; i++) {
            const joiner = await this.meeting.join('bad', 'Joiner', false);
            await joiner.until('sees a picture', (count) =>
                Object.values(window.probe.frames).filter((frames) => frames.length > 0).length >= count, this.#publishers.length);
            await sleep(500);
            times.push(...firstFrameMs(await this.#notes(joiner)));
            await joiner.leave();
        }
        return { name, phases: [], firstFrameMs: times.sort((a, b) => a - b) };
    }
}
