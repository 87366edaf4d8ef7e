// 5,000 half-open connections from several addresses, none of them trusted: who asks meanwhile is answered at once.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { test } from 'node:test';
import { Client } from './lib/client.mjs';
import { Server } from './lib/server.mjs';

const HALF_OPEN = 5000;
const ADDRESSES = 10;

test(`${HALF_OPEN} half-open connections`, async (t) => {
    const server = await Server.start({
        TRUSTED_PROXIES: 'none', MAX_ADDRESS_CONNECTION_RATE: '0', MAX_CONNECTION_RATE: '0', MAX_ADDRESS_REQUEST_RATE: '0',
    });
    const sockets = [];
    const beginnings = ['', 'GET /meetmedia/si', 'POST /meetmedia/api/sessions HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{'];
    try {
        const resident = await Client.connect(server);
        while (sockets.length < HALF_OPEN) {
            const some = Array.from({ length: 100 }, (_, i) => {
                const socket = net.connect({
                    port: server.port, host: '127.0.0.1', localAddress: `127.0.0.${2 + (i % ADDRESSES)}`,
                });
                socket.on('error', () => {});
                return socket;
            });
            await Promise.all(some.map((socket) => once(socket, 'connect')));
            some.forEach((socket, i) => socket.write(beginnings[i % beginnings.length]));
            sockets.push(...some);
        }
        const start = performance.now();
        assert.equal(await server.health(), 200);
        const client = await Client.connect(server);
        const [error] = await client.request('join', { nickname: 'Somebody' });
        assert.equal(error, null);
        assert.equal((await resident.request('ping'))[0], null);
        t.diagnostic(`health, a room, a place, a connection and a join took ${Math.round(performance.now() - start)} ms`);
        const counters = (await server.request('GET', '/counters')).json();
        assert.ok(counters.gatewayConnectionsNow <= 4096);
        assert.ok(counters.gatewayConnectionsCut >= HALF_OPEN - 4096, `${counters.gatewayConnectionsCut} were cut`);
        await client.close();
        await resident.close();
        server.assertUnharmed();
    } finally {
        for (const socket of sockets) socket.destroy();
        await server.stop();
    }
});
