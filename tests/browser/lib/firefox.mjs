// Firefox as tests start it: Debian's, by WebDriver BiDi, with devices that are not there.

import { networkInterfaces } from 'node:os';
import puppeteer from 'puppeteer-core';

const PREFERENCES = {
    'media.navigator.streams.fake': true,
    'media.navigator.permission.disabled': true,
    'media.peerconnection.ice.obfuscate_host_addresses': false,
    'media.autoplay.default': 0,
    // H264 would be downloaded.
    'media.gmp-manager.updateEnabled': false,
    'media.gmp-provider.enabled': false,
};

export const firefoxPath = process.env.FIREFOX ?? '/usr/bin/firefox-esr';

/** Where the server's media port has to be for both browsers: Firefox has no candidates on loopback. */
export function mediaAddress() {
    return Object.values(networkInterfaces()).flat().find(({ family, internal }) => family === 'IPv4' && !internal)?.address;
}

/** A page, with those of Playwright's calls that a participant makes (meeting.mjs). */
class Page {
    #page;

    constructor(page) {
        this.#page = page;
    }

    on(event, listener) {
        this.#page.on(event, listener);
    }

    goto(url) {
        return this.#page.goto(url);
    }

    evaluate(code, argument) {
        return this.#page.evaluate(code, argument);
    }

    waitForFunction(condition, argument, { timeout, polling }) {
        return this.#page.waitForFunction(condition, { timeout, polling }, argument);
    }
}

/** A browser, as far as Meeting needs one. */
class Firefox {
    #browser;

    constructor(browser) {
        this.#browser = browser;
    }

    async newContext() {
        const context = await this.#browser.createBrowserContext();
        return { newPage: async () => new Page(await context.newPage()), close: () => context.close() };
    }

    close() {
        return this.#browser.close();
    }
}

export async function launchFirefox() {
    return new Firefox(await puppeteer.launch({
        browser: 'firefox', executablePath: firefoxPath, headless: true, extraPrefsFirefox: PREFERENCES,
    }));
}
