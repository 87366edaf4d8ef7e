// Chromium as tests start it.

import { chromium } from 'playwright-core';

const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync', '--use-fake-device-for-media-stream',
    '--use-fake-ui-for-media-stream', '--allow-loopback-in-peer-connection', '--autoplay-policy=no-user-gesture-required',
    // Tabs in the background go on as those in front do.
    '--disable-background-timer-throttling', '--disable-renderer-backgrounding', '--disable-backgrounding-occluded-windows'];

export const chromiumPath = process.env.CHROMIUM ?? '/usr/bin/chromium';

export function launchChromium({ executablePath = chromiumPath, args = [] } = {}) {
    return chromium.launch({ executablePath, headless: true, args: [...FLAGS, ...args] });
}
