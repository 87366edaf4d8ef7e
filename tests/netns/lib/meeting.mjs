// A meeting over links: the server in this namespace, a Chromium of its own at the end of each link.

import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { chromiumPath, launchChromium } from '../../browser/lib/chromium.mjs';
import { Server, eventually } from '../../integration/lib/server.mjs';
import { writeCamera, writeMicrophone } from './devices.mjs';
import { Network, SERVER_ADDRESS } from './network.mjs';

const DEMO = new URL('../../../tools/demo/dist', import.meta.url).pathname;
const PROBE = new URL('./probe.js', import.meta.url).pathname;
const PATIENCE_MS = 20000;

export class Meeting {
    #browsers = {};

    // `links`: names of the places that participants can be at.
    static async open(links) {
        const meeting = new Meeting();
        meeting.dir = await mkdtemp(path.join(tmpdir(), 'kolabmeet-netns-'));
        try {
            await meeting.#start(links);
        } catch (error) {
            await meeting.close();
            throw error;
        }
        return meeting;
    }

    async #start(links) {
        const camera = path.join(this.dir, 'camera.y4m');
        const microphone = path.join(this.dir, 'microphone.wav');
        await Promise.all([writeCamera(camera), writeMicrophone(microphone)]);
        this.network = await Network.open(links);
        this.server = await Server.start({
            DEMO, LISTENING_HOST: '0.0.0.0', WEBRTC_LISTEN_IP: SERVER_ADDRESS, LOG_LEVEL: process.env.KM_LOG ?? 'info',
        });
        this.origin = `http://${SERVER_ADDRESS}:${this.server.port}`;
        for (const link of links) {
            const wrapper = path.join(this.dir, `chromium-${link}`);
            await writeFile(wrapper, `#!/bin/sh\nexec nsenter --net=${this.network.namespace(link)} ${chromiumPath} "$@"\n`);
            await chmod(wrapper, 0o755);
            this.#browsers[link] = await launchChromium({ executablePath: wrapper, args: [
                `--unsafely-treat-insecure-origin-as-secure=${this.origin}`,
                `--use-file-for-fake-video-capture=${camera}`, `--use-file-for-fake-audio-capture=${microphone}`] });
        }
    }

    // Joins at the end of a link, sending (camera and microphone) or only receiving.
    async join(link, name, sends) {
        const context = await this.#browsers[link].newContext();
        const page = await context.newPage();
        await page.addInitScript({ path: PROBE });
        const query = new URLSearchParams({ room: 'test', name, autojoin: '1', video: sends ? '1' : '0', audio: sends ? '1' : '0' });
        await page.goto(`${this.origin}/demo/?${query}`);
        const participant = new Participant(name, link, page);
        await participant.until('joined', () => window.kolabmeet?.state === 'joined');
        return participant;
    }

    async close() {
        await Promise.all(Object.values(this.#browsers).map((browser) => browser.close().catch(() => {})));
        await this.server?.stop().catch((error) => console.error(error.message));
        await this.network?.close();
        await rm(this.dir, { recursive: true, force: true });
    }
}

class Participant {
    constructor(name, link, page) {
        Object.assign(this, { name, link, page });
    }

    until(what, condition, argument, timeout = PATIENCE_MS) {
        return this.page.waitForFunction(condition, argument, { timeout, polling: 100 }).catch(async (error) => {
            const consumers = await this.page.evaluate(() => JSON.stringify([window.kolabmeet?.state, document.body.innerText.slice(0, 300), window.probe.samples.at(-1)?.consumers]));
            throw new Error(`${this.name}: ${what}: not in time; ${consumers}`, { cause: error });
        });
    }

    // Of the page's clock.
    now() {
        return this.page.evaluate(() => performance.now());
    }

    // {frames, samples, told, acknowledged} of probe.js.
    notes() {
        return this.page.evaluate(() => window.probe);
    }

    // All `count` cameras arrive in pictures of this width for as long as `ms`.
    async settles(count, width, ms, timeoutMs = PATIENCE_MS) {
        let since = null;
        await eventually(`${this.name} is sent ${count} pictures ${width} wide`, async () => {
            const widths = await this.page.evaluate(() => (window.probe.samples.at(-1)?.consumers ?? [])
                .filter(({ kind }) => kind === 'video').map(({ frameWidth }) => frameWidth));
            const isSettled = widths.length >= count && widths.every((each) => each >= width);
            since = isSettled ? since ?? Date.now() : null;
            return since !== null && Date.now() - since >= ms;
        }, timeoutMs, 100);
    }

    async leave() {
        await this.page.context().close();
        await sleep(100);
    }
}
