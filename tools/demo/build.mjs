// Bundles the page into one flat folder: index.html, app.js, app.css, icon.svg and the font.
// usage: node build.mjs [folder]      (default: dist beside this file)
import { build } from 'esbuild';
import { cp, mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
const output = path.resolve(process.argv[2] ?? path.join(here, 'dist'));

await rm(path.join(output, 'app.js'), { force: true });
await mkdir(output, { recursive: true });
await build({
    absWorkingDir: here,
    entryPoints: { app: 'src/main.js' },
    outdir: output,
    bundle: true,
    minify: true,
    format: 'esm',
    target: ['chrome111', 'firefox120', 'safari16'],
    loader: { '.woff2': 'file' },
    assetNames: '[name]',
    legalComments: 'eof',
    logLevel: 'warning',
});
for (const file of ['index.html', 'icon.svg']) {
    await cp(path.join(here, 'src', file), path.join(output, file));
}
console.log(`demo page built in ${output}`);
