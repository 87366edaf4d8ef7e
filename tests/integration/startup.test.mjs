// What keeps kolabmeetd from running ends it with one clear line and a status that tells why; nothing is left behind.

import assert from 'node:assert/strict';
import dgram from 'node:dgram';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Server, eventually, freePort, makeRuntimeDir, removeDir } from './lib/server.mjs';

const EX_CONFIG = 78;
const NO_LISTEN_ADDRESS = 3;
const FAILURE = 1;

// Runs kolabmeetd with these settings and expects it to give up with this status and one line that `about` matches.
async function givesUp(env, status, about) {
    const server = await Server.launch(env);
    try {
        const end = await Promise.race([server.exited, sleep(30000, null, { ref: false })]);
        assert.ok(end, `kolabmeetd goes on\n${server.stderr}`);
        assert.equal(end.signal, null, server.stderr);
        assert.equal(end.status, status, server.stderr);
        const lines = server.stderr.split('\n').filter((line) => line !== '');
        assert.equal(lines.length, 1, `not one line on stderr:\n${server.stderr}`);
        assert.match(lines[0], about);
        assert.equal(server.stdout, '');
        await eventually('no process is left', async () => (await server.processes()).length === 0);
    } finally {
        await server.kill();
    }
}

describe('clean failure', { concurrency: 2 }, () => {
    test('no AUTH_TOKEN', () => givesUp({ AUTH_TOKEN: undefined }, EX_CONFIG, /AUTH_TOKEN/));
    test('an empty AUTH_TOKEN', () => givesUp({ AUTH_TOKEN: '' }, EX_CONFIG, /AUTH_TOKEN/));
    test('no WEBRTC_LISTEN_IP', () => givesUp({ WEBRTC_LISTEN_IP: undefined }, NO_LISTEN_ADDRESS, /WEBRTC_LISTEN_IP/));
    test('a WEBRTC_LISTEN_IP that is no address', () =>
        givesUp({ WEBRTC_LISTEN_IP: 'localhost.' }, NO_LISTEN_ADDRESS, /WEBRTC_LISTEN_IP/));
    test('a WEBRTC_LISTEN_IP of another machine', () =>
        givesUp({ WEBRTC_LISTEN_IP: '192.0.2.1' }, FAILURE, /192\.0\.2\.1/));
    test('a port that is no number', () => givesUp({ LISTENING_PORT: 'https' }, EX_CONFIG, /LISTENING_PORT/));
    test('no SSL_CERT', () => givesUp({ SSL_CERT: undefined }, EX_CONFIG, /SSL_CERT/));
    test('a certificate without its key', () => givesUp({ SSL_CERT: '/nonexistent/cert.pem' }, EX_CONFIG, /SSL_KEY/));
    test('a certificate that is not there', () =>
        givesUp(
            { SSL_CERT: '/nonexistent/cert.pem', SSL_KEY: '/nonexistent/key.pem' },
            EX_CONFIG,
            /\/nonexistent\/(cert|key)\.pem/,
        ));

    test('a certificate that is none', async () => {
        const dir = makeRuntimeDir();
        try {
            const file = path.join(dir, 'cert.pem');
            writeFileSync(file, 'no certificate\n');
            await givesUp({ SSL_CERT: file, SSL_KEY: file }, EX_CONFIG, /cert\.pem/);
        } finally {
            removeDir(dir);
        }
    });

    test('a busy port', async () => {
        const holder = net.createServer();
        const port = await freePort();
        holder.listen(port, '127.0.0.1');
        await once(holder, 'listening');
        try {
            await givesUp({ LISTENING_PORT: String(port) }, FAILURE, new RegExp(`${port}.*in use`, 'i'));
        } finally {
            holder.close();
        }
    });

    test('a busy media port', async () => {
        const holder = dgram.createSocket('udp4');
        const port = await freePort();
        holder.bind(port, '127.0.0.1');
        await once(holder, 'listening');
        try {
            await givesUp({ WEBRTC_LISTEN_PORT: String(port) }, FAILURE, new RegExp(`${port}.*in use`, 'i'));
        } finally {
            holder.close();
        }
    });

    test('a RUNTIME_DIR that nobody may write to', () =>
        givesUp({ RUNTIME_DIR: '/sys/kernel' }, FAILURE, /\/sys\/kernel/));

    test('a RUNTIME_DIR that is a file', async () => {
        const dir = makeRuntimeDir();
        try {
            const file = path.join(dir, 'file');
            writeFileSync(file, '');
            await givesUp({ RUNTIME_DIR: file }, FAILURE, new RegExp(file));
        } finally {
            removeDir(dir);
        }
    });

    test('a forwarder that is not there', () =>
        givesUp({ FORWARDER: '/nonexistent/forwarder' }, EX_CONFIG, /\/nonexistent\/forwarder/));
});

describe('kolabmeetd starts with every documented value of', () => {
    for (const [name, values] of [['LOG_LEVEL', ['error', 'warn', 'info', 'debug']], ['POLL', ['adaptive', 'busy', 'sleep']]])
        for (const value of values)
            test(`${name}=${value}`, async () => {
                const server = await Server.start({ [name]: value });
                await server.stop();
            });
});
