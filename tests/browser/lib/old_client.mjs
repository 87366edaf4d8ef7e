// The demo page with mediasoup-client 3.7, which the Kolab 4 application may still have, instead of its own newer one.

import { cpSync, mkdtempSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';

const DEMO = new URL('../../../tools/demo/', import.meta.url).pathname;
const OLD_CLIENT = createRequire(import.meta.url).resolve('mediasoup-client-3.7');

// What the page calls of the newer one, in the older one's words.
const ADAPTER = `
import { Device as OldDevice, version } from ${JSON.stringify(OLD_CLIENT)};
export class Device extends OldDevice {
    static async factory() {
        window.mediasoupClientVersion = version;
        return new Device();
    }
    get recvRtpCapabilities() {
        return this.rtpCapabilities;
    }
}
`;

// Bundles it into a folder of its own, which is the caller's to remove.
export async function buildOldDemo() {
    const { build } = createRequire(`${DEMO}build.mjs`)('esbuild');
    const folder = mkdtempSync(path.join(tmpdir(), 'kolabmeet-old-demo-'));
    const adapter = path.join(folder, 'adapter.mjs');
    writeFileSync(adapter, ADAPTER);
    await build({
        absWorkingDir: DEMO, entryPoints: { app: 'src/main.js' }, outdir: folder, bundle: true, format: 'esm',
        target: ['chrome111'], loader: { '.woff2': 'file' }, assetNames: '[name]', logLevel: 'warning',
        alias: { 'mediasoup-client': adapter },
    });
    for (const file of ['index.html', 'icon.svg']) cpSync(path.join(DEMO, 'src', file), path.join(folder, file));
    return folder;
}
