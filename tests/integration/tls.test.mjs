// SIGHUP: a new certificate for new connections, while those that are open go on; a broken one changes nothing.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import tls from 'node:tls';
import { assertServes } from './lib/client.mjs';
import { Server, eventually, makeRuntimeDir, removeDir } from './lib/server.mjs';

const KEYS = { ec: ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'], rsa: ['rsa:2048'] };

function writeCertificate(dir, kind, name) {
    const [certificate, key] = ['cert.pem', 'key.pem'].map((file) => path.join(dir, file));
    const days = ['-nodes', '-days', '1', '-subj', `/CN=${name}`];
    execFileSync('openssl', ['req', '-x509', '-newkey', ...KEYS[kind], ...days, '-keyout', key, '-out', certificate], {
        stdio: 'ignore',
    });
    return { certificate, key };
}

async function connect(port) {
    const socket = tls.connect({ host: '127.0.0.1', port, rejectUnauthorized: false });
    await once(socket, 'secureConnect', { signal: AbortSignal.timeout(30000) });
    return socket;
}

async function nameOf(port) {
    const socket = await connect(port);
    const name = socket.getPeerCertificate().subject.CN;
    socket.destroy();
    return name;
}

test('SIGHUP reads the certificate again', async () => {
    const dir = makeRuntimeDir();
    const { certificate, key } = writeCertificate(dir, 'ec', 'first');
    const server = await Server.launch({ SSL_CERT: certificate, SSL_KEY: key });
    try {
        await eventually('TLS', () => nameOf(server.port).then((name) => name === 'first', () => false), 60000, 50);
        const open = await connect(server.port);

        writeCertificate(dir, 'rsa', 'second');
        server.child.kill('SIGHUP');
        await eventually('the new certificate', async () => (await nameOf(server.port)) === 'second');

        writeFileSync(certificate, 'no certificate');
        server.child.kill('SIGHUP');
        await eventually('the error', () => server.stderr.includes('keeping the certificate'));
        await sleep(100);
        assert.equal(await nameOf(server.port), 'second');
        const errors = server.stderr.split('\n').filter((line) => line.includes(' ERROR '));
        assert.equal(errors.length, 1, server.stderr);
        assert.ok(errors[0].includes(`${certificate} is no usable PEM certificate`), errors[0]);

        open.write('GET /meetmedia/api/ping HTTP/1.1\r\nHost: x\r\n\r\n');
        const [answer] = await once(open, 'data', { signal: AbortSignal.timeout(30000) });
        assert.match(answer.toString(), /^HTTP\/1\.1 403 /);
        open.destroy();
        await server.stop();
    } finally {
        await server.kill();
        removeDir(dir);
    }
});

test('without TLS, SIGHUP harms nothing', async () => {
    const server = await Server.start();
    try {
        server.child.kill('SIGHUP');
        await eventually('a line in the log', () => server.stderr.includes('no certificate to read again'));
        await assertServes(server);
    } finally {
        await server.stop();
    }
});
