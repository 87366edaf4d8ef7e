// kolabmeetctl reads the statistics while the daemons run and after they died.

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { Client } from './lib/client.mjs';
import { Server, binDir, eventually, makeRuntimeDir, removeDir } from './lib/server.mjs';

const run = promisify(execFile);

function kolabmeetctl(runtimeDir, ...args) {
    return run(path.join(binDir, 'kolabmeetctl'), args, {
        env: { ...process.env, RUNTIME_DIR: runtimeDir },
        timeout: 10000,
    });
}

async function readStats(server) {
    const { stdout } = await kolabmeetctl(server.runtimeDir, 'stats', '--json');
    return JSON.parse(stdout);
}

// Datagrams that the kernel has thrown away for the sockets of this UDP port.
async function kernelDrops(port) {
    const lines = (await readFile('/proc/net/udp', 'utf8')).trim().split('\n').slice(1);
    const ours = lines.map((line) => line.trim().split(/\s+/)).filter(([, local]) => parseInt(local.split(':')[1], 16) === port);
    assert.ok(ours.length > 0, `no socket on port ${port}`);
    return ours.reduce((sum, fields) => sum + Number(fields.at(-1)), 0);
}

describe('kolabmeetctl stats', () => {
    test('what falls out of a receive buffer, because nobody reads, is a drop with a name', async () => {
        const server = await Server.start();
        const sender = createSocket('udp4');
        const send = promisify(sender.send.bind(sender));
        try {
            const { pid } = await server.forwarder();
            process.kill(pid, 'SIGSTOP');
            const datagram = Buffer.alloc(1200);
            let sent = 0;
            await eventually(
                'the buffer overflows',
                async () => {
                    for (let i = 0; i < 200; i++, sent++) await send(datagram, server.mediaPort, '127.0.0.1');
                    return (await kernelDrops(server.mediaPort)) > 0;
                },
                30000,
                0,
            );
            process.kill(pid, 'SIGCONT');
            const dropped = await kernelDrops(server.mediaPort);
            const counted = await eventually('the overflow is counted', async () => {
                const { workers } = await readStats(server);
                return workers.reduce((sum, { drops }) => sum + drops.receive_buffer_overflow, 0);
            });
            assert.equal(counted, dropped);
            await eventually('all others were received', async () => {
                const { workers } = await readStats(server);
                return workers.reduce((sum, { packetsReceived }) => sum + packetsReceived, 0) === sent - dropped;
            });
            const { stdout: text } = await kolabmeetctl(server.runtimeDir, 'stats');
            assert.match(text, new RegExp(`dropped +${dropped} +receive_buffer_overflow:`));
        } finally {
            sender.close();
            await server.kill();
        }
    });

    test('as text and as JSON, while the daemons run and after they were killed', async () => {
        const server = await Server.start();
        try {
            const file = await stat(path.join(server.runtimeDir, 'stats'));
            assert.equal(file.mode & 0o777, 0o640);
            const client = await Client.connect(server);
            await client.request('createWebRtcTransport', { producing: true });

            const alive = await eventually('the room, the peer and the transport are counted', async () => {
                const stats = await readStats(server);
                return stats.rooms === 1 && stats.peers === 1 && stats.transports.length === 1 && stats;
            });
            assert.equal(alive.control.pid, server.pid);
            assert.equal(alive.control.alive, true);
            assert.equal(alive.control.forwarderAlive, true);
            assert.equal(alive.control.forwarderPid, (await server.forwarder()).pid);
            assert.ok(alive.workers.length >= 1);
            assert.equal(alive.transports[0].roomId, client.room);
            assert.equal(alive.transports[0].peerId, client.peer.id);
            const { stdout: text } = await kolabmeetctl(server.runtimeDir, 'stats');
            assert.match(text, new RegExp(String(server.pid)));
            assert.match(text, new RegExp(client.peer.id));

            for (const { pid } of await server.processes()) process.kill(pid, 'SIGKILL');
            await server.exited;
            await eventually('both are dead', async () => (await server.processes()).length === 0);
            const dead = await eventually('both are told to be dead', async () => {
                const stats = await readStats(server);
                return !stats.control.alive && !stats.control.forwarderAlive && stats;
            });
            assert.deepEqual(Object.keys(dead), Object.keys(alive));
            assert.equal(dead.rooms, 1);
            assert.equal(dead.transports[0].peerId, client.peer.id);
            const { stdout: deadText } = await kolabmeetctl(server.runtimeDir, 'stats');
            assert.match(deadText, new RegExp(client.peer.id));
        } finally {
            await server.kill();
        }
    });

    test('top --json: one object a second', async () => {
        const server = await Server.start();
        const top = spawn(path.join(binDir, 'kolabmeetctl'), ['top', '--json', '--runtime-dir', server.runtimeDir]);
        try {
            const client = await Client.connect(server);
            await client.request('createWebRtcTransport', { producing: true });
            let text = '';
            top.stdout.on('data', (data) => (text += data));
            const last = await eventually('the room is told of', () => {
                const lines = text.split('\n').slice(0, -1).map((line) => JSON.parse(line));
                return lines.findLast((line) => line.rooms.length === 1);
            });
            assert.equal(last.rooms[0].roomId, client.room);
            assert.equal(last.rooms[0].transports, 1);
            assert.equal(last.forwarderAlive, true);
            assert.ok(last.seconds > 0.5 && last.seconds < 10, `${last.seconds} s`);
            for (const worker of last.workers) {
                const shares = Object.values(worker.stages).reduce((sum, share) => sum + share, 0);
                assert.ok(Math.abs(shares - 1) < 0.01 || shares === 0, `${shares}`);
                assert.ok(worker.busy >= 0 && worker.busy <= 1);
            }
        } finally {
            top.kill();
            await server.kill();
        }
    });

    test('without a statistics file: one line and a status', async () => {
        const dir = makeRuntimeDir();
        try {
            await assert.rejects(kolabmeetctl(dir, 'stats'), (error) => {
                assert.ok(error.code > 0, `status ${error.code}`);
                assert.equal(error.stderr.trim().split('\n').length, 1, error.stderr);
                assert.match(error.stderr, new RegExp(dir));
                return true;
            });
        } finally {
            removeDir(dir);
        }
    });
});
