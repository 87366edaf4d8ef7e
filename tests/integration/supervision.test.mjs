// The two processes: a dead forwarder is replaced, and both end together.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Server, eventually } from './lib/server.mjs';
import { FrameSocket } from './lib/websocket.mjs';

describe('supervision', () => {
    test('a killed forwarder is replaced; meanwhile /health tells 503', async () => {
        const server = await Server.start();
        try {
            const killed = await server.forwarder();
            assert.ok(killed, 'a forwarder runs');
            const statuses = new Set();
            process.kill(killed.pid, 'SIGKILL');
            await eventually(
                'another forwarder runs and /health is 200',
                async () => {
                    statuses.add(await server.health());
                    const now = await server.forwarder();
                    return now && now.pid !== killed.pid && (await server.health()) === 200;
                },
                30000,
                10,
            );
            for (const status of statuses) assert.ok([200, 503].includes(status), `/health answered ${status}`);
            await meets(server);
        } finally {
            await server.stop();
        }
    });

    test('a forwarder that is killed again and again is replaced again and again', async () => {
        const server = await Server.start();
        try {
            for (let i = 0; i < 3; i++) {
                const { pid } = await server.forwarder();
                process.kill(pid, 'SIGKILL');
                await eventually(
                    'another forwarder runs and /health is 200',
                    async () => {
                        const now = await server.forwarder();
                        return now && now.pid !== pid && (await server.health()) === 200;
                    },
                );
            }
        } finally {
            await server.stop();
        }
    });

    test('/health says in its body what its status says', async () => {
        const server = await Server.start();
        try {
            assert.deepEqual((await server.request('GET', '/health')).json(), { success: true, message: 'Healthy' });
            const { pid } = await server.forwarder();
            process.kill(pid, 'SIGSTOP');
            const unhealthy = await eventually('/health is 503 while the forwarder stands still', async () => {
                const response = await server.request('GET', '/health');
                return response.status === 503 && response;
            });
            assert.equal(unhealthy.json().success, false);
            process.kill(pid, 'SIGCONT');
            await eventually('/health is 200 again', async () => (await server.health()) === 200);
        } finally {
            await server.stop();
        }
    });

    for (const signal of ['SIGTERM', 'SIGINT'])
        test(`${signal} ends both processes with status 0, with clients connected`, async () => {
            const server = await Server.start();
            try {
                const room = await server.createRoom();
                const peer = await server.createPeer(room);
                const socket = new FrameSocket(
                    `ws://127.0.0.1:${server.port}/meetmedia/signaling/?EIO=4&transport=websocket&${peer.query}`,
                );
                await socket.opened;
                process.kill(server.pid, signal);
                const end = await server.exited;
                assert.deepEqual(end, { status: 0, signal: null }, server.stderr);
                assert.deepEqual(await server.processes(), []);
                await socket.close();
            } finally {
                await server.kill();
            }
        });

    test('when kolabmeetd is killed, its forwarder ends too', async () => {
        const server = await Server.start();
        try {
            process.kill(server.pid, 'SIGKILL');
            await server.exited;
            await eventually('the forwarder ends', async () => (await server.processes()).length === 0);
        } finally {
            await server.kill();
        }
    });
});

// A peer can join and get a transport.
async function meets(server) {
    const peer = await server.createPeer(await server.createRoom());
    const socket = new FrameSocket(
        `ws://127.0.0.1:${server.port}/meetmedia/signaling/?EIO=4&transport=websocket&${peer.query}`,
    );
    await socket.opened;
    socket.send('40');
    socket.send('420["request",{"method":"createWebRtcTransport","data":{"producing":true}}]');
    for (;;) {
        const frame = await socket.next(5000);
        assert.ok(frame, 'an answer comes');
        if (frame.startsWith('430')) {
            assert.match(frame, /^430\[null,\{"id":/);
            break;
        }
    }
    await socket.close();
}
