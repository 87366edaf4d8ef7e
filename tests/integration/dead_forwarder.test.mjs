// Requests while the forwarder is dead and its successor held back: each is answered at once, and what was promised
// holds when the successor runs.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmodSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { MediaSocket } from './lib/media_socket.mjs';
import { Person, rtpCapabilities } from './lib/person.mjs';
import { Server, binDir, eventually, makeRuntimeDir, removeDir } from './lib/server.mjs';

const run = promisify(execFile);

const FORWARDER = 'kolabmeet-forwarder';

const dtlsParameters = {
    role: 'client',
    fingerprints: [{ algorithm: 'sha-256', value: Array(32).fill('AB').join(':') }],
};

// A server whose forwarder begins only while nothing holds it back.
class HeldServer {
    static async start(env = {}) {
        const held = new HeldServer();
        held.folder = makeRuntimeDir();
        held.hold = path.join(held.folder, 'hold');
        const gate = path.join(held.folder, 'gate');
        writeFileSync(
            gate,
            `#!/bin/sh\nwhile [ -e ${held.hold} ]; do sleep 0.05; done\nexec ${path.join(binDir, FORWARDER)} "$@"\n`,
        );
        chmodSync(gate, 0o755);
        held.server = await Server.start({ FORWARDER: gate, ...env });
        return held;
    }

    async killForwarder() {
        const { pid } = await this.server.forwarder();
        writeFileSync(this.hold, '');
        process.kill(pid, 'SIGKILL');
        await eventually('/health is 503', async () => (await this.server.health()) === 503);
    }

    async release() {
        assert.equal(await this.server.health(), 503, 'the forwarder was dead until now');
        rmSync(this.hold);
        await eventually('/health is 200', async () => (await this.server.health()) === 200);
    }

    async stop() {
        rmSync(this.hold, { force: true });
        await this.server.stop().finally(() => removeDir(this.folder));
    }
}

async function answersChecks(server, { iceParameters }) {
    const { usernameFragment: ufrag, password } = iceParameters;
    const media = await MediaSocket.open(server);
    const answered = await media.check({ ufrag, password });
    media.close();
    return answered;
}

const measured = async (server, id) => (await server.request('GET', `/stats/${id}`)).json().stats;

// How many transports, streams and consumers the forwarder has.
async function counted(server) {
    const args = ['--runtime-dir', server.runtimeDir, '--json', 'stats'];
    const { stdout } = await run(path.join(binDir, 'kolabmeetctl'), args, { maxBuffer: 1 << 24 });
    const { transports, streams, consumers } = JSON.parse(stdout);
    return [transports, streams, consumers].map((list) => list.length);
}

describe('a forwarder that is replaced by one that goes on', () => {
    test('requests succeed meanwhile, and hold when it runs', async () => {
        const held = await HeldServer.start();
        const { server } = held;
        try {
            const room = await server.createRoom();
            const alice = await Person.join(server, room, 3, 'Alice');
            const bob = await Person.join(server, room, 3, 'Bob');
            const before = await alice.produce();
            await bob.hear(); // answers newConsumer
            await held.killForwarder();

            const transport = await alice.must('createWebRtcTransport', { producing: true });
            await alice.must('connectWebRtcTransport', { transportId: transport.id, dtlsParameters });
            const iceParameters = await alice.must('restartIce', { transportId: transport.id });
            const plain = await alice.must('createPlainTransport', { consuming: true });
            await alice.must('connectPlainTransport', { transportId: plain.id, ip: '127.0.0.1', port: 9, rtcpPort: 9 });
            const produced = await bob.produce();
            const heard = await alice.hear();
            const consumer = heard.find(([method, data]) => method === 'newConsumer' && data.producerId === produced)[1];
            await bob.must('pauseProducer', { producerId: produced });
            await alice.must('pauseConsumer', { consumerId: consumer.id });
            await alice.must('resumeConsumer', { consumerId: consumer.id });
            await alice.must('closeProducer', { producerId: before });
            const carol = await Person.join(server, room, 3, 'Carol');
            await held.release();

            assert.ok(await answersChecks(server, { iceParameters }));
            for (const id of [transport.id, plain.id, produced, consumer.id, carol.receiving])
                await eventually(`${id} is there`, async () => (await measured(server, id))?.length > 0);
            for (const person of [alice, bob, carol]) await person.must('ping');
            await Promise.all([alice, bob, carol].map((person) => person.close()));
        } finally {
            await held.stop();
        }
    });

    test('who leaves meanwhile is gone when it runs', async () => {
        const held = await HeldServer.start();
        const { server } = held;
        try {
            const room = await server.createRoom();
            const alice = await Person.join(server, room, 3, 'Alice');
            const bob = await Person.join(server, room, 3, 'Bob');
            await alice.produce();
            await bob.hear();
            await eventually('all of it stands', async () => (await counted(server)).join() === '4,1,1');
            await held.killForwarder();
            alice.socket.send('41');
            await eventually('Alice has gone', async () => (await bob.hear()).some(([method]) => method === 'peerClosed'));
            await held.release();
            await eventually('what was hers has gone', async () => (await counted(server)).join() === '2,0,0');
            assert.ok(await answersChecks(server, await bob.must('createWebRtcTransport', { producing: true })));
            await bob.close();
        } finally {
            await held.stop();
        }
    });
});

describe('a forwarder whose calls are lost with it', () => {
    test('requests fail meanwhile and change nothing; the same succeed when another runs', async () => {
        const held = await HeldServer.start({ SRTP_BACKEND: 'libsrtp2' });
        const { server } = held;
        try {
            const room = await server.createRoom();
            const alice = await Person.join(server, room, 3, 'Alice');
            const bob = await Person.enter(server, room, 3);
            await held.killForwarder();
            await eventually('who had transports is disconnected', () => alice.socket.closed);

            await bob.mustFail('createWebRtcTransport', { producing: true });
            await bob.mustFail('createPlainTransport', { producing: true });
            await bob.must('join', { nickname: 'Bob', rtpCapabilities });
            await bob.must('ping');
            await held.release();

            bob.sending = (await bob.must('createWebRtcTransport', { producing: true })).id;
            assert.ok(await answersChecks(server, await bob.must('createWebRtcTransport', { consuming: true })));
            const produced = await bob.produce();
            await eventually('it stands', async () => (await measured(server, produced))?.length > 0);
            await bob.close();
        } finally {
            await held.stop();
        }
    });
});
