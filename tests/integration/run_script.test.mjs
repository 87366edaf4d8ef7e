// tools/run finds the server that it starts, wherever that listens, and prints a URL that can be opened.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { networkInterfaces } from 'node:os';
import path from 'node:path';
import { describe, test } from 'node:test';
import { TOKEN, binDir, defaultEnv, eventually, makeRuntimeDir, removeDir } from './lib/server.mjs';

const hasIpv6 = Object.values(networkInterfaces()).flat().some(({ address }) => address === '::1');
const script = new URL('../../tools/run', import.meta.url).pathname;

// Runs tools/run with these settings until `probe(output)` is true or it has ended; { output, status } after it ended.
async function runScript(settings, probe, check = async () => {}, options = []) {
    const dir = makeRuntimeDir();
    const demo = path.join(dir, 'demo');
    mkdirSync(demo);
    writeFileSync(path.join(demo, 'index.html'), '<title>demo</title>\n');
    const env = { ...(await defaultEnv()), RUNTIME_DIR: path.join(dir, 'state'), DEMO: demo, ...settings(dir) };
    for (const name of Object.keys(env)) if (env[name] === undefined) delete env[name];
    const child = spawn(script, ['--bin', binDir, ...options], { env, cwd: dir });
    const ended = once(child, 'close');
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text) => (output += text));
    child.stderr.setEncoding('utf8').on('data', (text) => (output += text));
    try {
        await eventually('tools/run says so', () => probe(output) || child.exitCode !== null, 60000).catch((error) => {
            throw new Error(`${error.message}\n${output}`);
        });
        if (child.exitCode === null) await check(output, env);
    } finally {
        child.kill('SIGTERM');
        await ended;
        removeDir(dir);
    }
    return { output, status: child.exitCode };
}

const isReady = (output) => /Ctrl-C ends it/.test(output);
const page = (output) => /^ +demo page +(\S+)/m.exec(output)?.[1];

async function opens(output, _env) {
    const answer = await fetch(page(output));
    assert.equal(answer.status, 200, output);
    assert.match(await answer.text(), /demo/);
}

describe('tools/run', { concurrency: 2 }, () => {
    test('listens on another address of loopback', async () => {
        const { output, status } = await runScript(() => ({ LISTENING_HOST: '127.0.0.3' }), isReady, opens);
        assert.match(page(output), /^http:\/\/127\.0\.0\.3:\d+\/demo\/$/);
        assert.equal(status, 0, output);
    });

    test('listens on IPv6', { skip: !hasIpv6 && 'no IPv6 here' }, async () => {
        const { output } = await runScript(() => ({ LISTENING_HOST: '::1' }), isReady, opens);
        assert.match(page(output), /^http:\/\/\[::1\]:\d+\/demo\/$/);
    });

    test('all addresses, for HTTP and for media', async () => {
        const { output } = await runScript(
            () => ({ LISTENING_HOST: undefined, WEBRTC_LISTEN_IP: '0.0.0.0' }),
            isReady,
            opens,
        );
        assert.doesNotMatch(page(output), /0\.0\.0\.0/);
        assert.doesNotMatch(output, /set WEBRTC_ANNOUNCED_ADDRESS/);
    });

    test('a PUBLIC_DOMAIN that nobody can go to, with its port', async () => {
        const { output } = await runScript(
            () => ({ LISTENING_HOST: '127.0.0.1', PUBLIC_DOMAIN: '0.0.0.0:4711' }),
            isReady,
        );
        assert.equal(page(output), 'http://127.0.0.1:4711/demo/');
    });

    test('a PUBLIC_DOMAIN behind a proxy is what is printed', async () => {
        const { output } = await runScript(
            () => ({ PUBLIC_DOMAIN: 'meet.example.org', FORCE_WSS: '1' }),
            isReady,
        );
        assert.equal(page(output), 'https://meet.example.org/demo/');
        assert.match(output, /clients are sent to wss:\/\/meet\.example\.org/);
    });

    test('files are those of the folder it is called from', async () => {
        const { output } = await runScript(
            (dir) => {
                writeFileSync(path.join(dir, 'token'), `${TOKEN}-of-a-file\n`);
                return { AUTH_TOKEN: undefined, AUTH_TOKEN_FILE: 'token' };
            },
            isReady,
            opens,
        );
        assert.match(output, new RegExp(`API token +${TOKEN}-of-a-file\n`));
    });

    test('says that the port is taken, and does not take its holder for its own', async () => {
        const holder = net.createServer((socket) => socket.end());
        holder.listen(0, '127.0.0.1');
        await once(holder, 'listening');
        const { port } = holder.address();
        try {
            const { output, status } = await runScript(() => ({}), isReady, undefined, ['--port', String(port)]);
            assert.equal(status, 1, output);
            assert.match(output, new RegExp(`^tools/run: something listens on 127\\.0\\.0\\.1 port ${port} already`));
        } finally {
            holder.close();
        }
    });

    test('ends with the status of a server that cannot start', async () => {
        const { output, status } = await runScript(() => ({ LISTENING_PORT: 'https' }), isReady);
        assert.equal(status, 78, output);
        assert.match(output, /LISTENING_PORT/);
    });
});
