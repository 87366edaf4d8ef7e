// A meeting of real browsers: the server with the demo page, one Chromium (and one Firefox, when somebody joins from it), a
// tab for each participant.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { Server, eventually } from '../../integration/lib/server.mjs';
import { launchChromium } from './chromium.mjs';
import { launchFirefox } from './firefox.mjs';

const DEMO = new URL('../../../tools/demo/dist', import.meta.url).pathname;
const PATIENCE_MS = 20000;

export class Meeting {
    #contexts = [];

    // `origin` is where pages find the server, if not on loopback; `launch` starts the browser.
    static async open(env = {}, { origin, launch = launchChromium } = {}) {
        assert.ok(existsSync(DEMO), 'the demo page is built');
        const meeting = new Meeting();
        meeting.server = await Server.start({ DEMO, ...env });
        meeting.url = `${origin ?? `http://127.0.0.1:${meeting.server.port}`}/demo/`;
        meeting.browser = await launch();
        return meeting;
    }

    // Joins by the page's own code. `options` are those of its URL (tools/demo/src/options.js).
    join(name, options = {}) {
        return this.#joinFrom(this.browser, name, options);
    }

    async joinFromFirefox(name, options = {}) {
        this.firefox ??= await launchFirefox();
        return this.#joinFrom(this.firefox, name, options);
    }

    async #joinFrom(browser, name, options) {
        const context = await browser.newContext();
        this.#contexts.push(context);
        const page = await context.newPage();
        const participant = new Participant(name, page);
        page.on('pageerror', (error) => participant.errors.push(error.message));
        const query = new URLSearchParams({ room: 'test', name, autojoin: '1', ...options });
        await page.goto(`${this.url}?${query}`);
        await participant.until('joined', () => window.kolabmeet?.state === 'joined');
        return participant;
    }

    async close() {
        await Promise.all(this.#contexts.map((context) => context.close()));
        await this.browser?.close();
        await this.firefox?.close();
        await this.server?.stop();
    }

    // For the end of a test that failed already.
    async abandon() {
        await this.browser?.close().catch(() => {});
        await this.firefox?.close().catch(() => {});
        await this.server?.kill();
    }
}

class Participant {
    errors = [];

    constructor(name, page) {
        this.name = name;
        this.page = page;
    }

    // Waits until `condition`, which runs in the page, is true.
    async until(what, condition, argument) {
        try {
            await this.page.waitForFunction(condition, argument, { timeout: PATIENCE_MS, polling: 100 });
        } catch (error) {
            throw new Error(`${this.name}: ${what}: not within ${PATIENCE_MS} ms; `
                + `${await this.page.evaluate(() => JSON.stringify({ state: window.kolabmeet?.state,
                    consumers: window.kolabmeet?.consumers, transports: window.kolabmeet?.transports }))}`,
            { cause: error });
        }
    }

    evaluate(code, argument) {
        return this.page.evaluate(code, argument);
    }

    id() {
        return this.evaluate(() => window.kolabmeet.me.id);
    }

    press(label) {
        return this.page.getByRole('button', { name: label }).first().click();
    }

    async counters(from, kind) {
        const fromId = await from.id();
        const { consumers } = await this.evaluate(() => window.kolabmeet.stats());
        return consumers.find((consumer) => consumer.peerId === fromId && consumer.kind === kind);
    }

    // Video of `from` is decoded here: `frames` more frames than now.
    async seesMore(from, frames = 10) {
        const before = (await this.counters(from, 'video'))?.framesDecoded ?? 0;
        return eventually(`${this.name} decodes ${frames} more frames of ${from.name} than ${before}`, async () => {
            const now = await this.counters(from, 'video');
            return now?.framesDecoded >= before + frames && now;
        }, PATIENCE_MS, 100);
    }

    // Sound of `from` arrives here: energy rises.
    async hearsMore(from) {
        const before = (await this.counters(from, 'audio'))?.totalAudioEnergy ?? 0;
        return eventually(`${this.name} hears ${from.name}`, async () => {
            const now = await this.counters(from, 'audio');
            return now?.totalAudioEnergy > before && now;
        }, PATIENCE_MS, 100);
    }

    // No more than `slack` frames of `from` in the next `ms`.
    async seesNothingOf(from, ms = 1500, slack = 0) {
        const before = (await this.counters(from, 'video'))?.framesDecoded ?? 0;
        await this.page.waitForTimeout(ms);
        const now = (await this.counters(from, 'video'))?.framesDecoded ?? 0;
        assert.ok(now <= before + slack, `${this.name} decoded ${now - before} frames of ${from.name} within ${ms} ms`);
    }

    notified(method) {
        return this.until(`is told ${method}`,
            (name) => window.kolabmeet.events.some((event) => event.method === name), method);
    }
}

// Each sees and hears each other one.
export async function assertAllMeet(participants) {
    for (const to of participants)
        for (const from of participants)
            if (to !== from) {
                await to.seesMore(from);
                await to.hearsMore(from);
            }
    for (const { name, errors } of participants)
        assert.deepEqual(errors, [], `${name} saw no error`);
}

// Runs `body` in a meeting of its own, which has to end well.
export async function inMeeting(body, env, place) {
    const meeting = await Meeting.open(env, place);
    try {
        await body(meeting);
        await meeting.close();
    } catch (error) {
        error.message += `\n--- stderr of kolabmeetd:\n${meeting.server.stderr}`;
        throw error;
    } finally {
        await meeting.abandon();
    }
}
