// The real socket.io-client, versions 2, 3 and 4, over long polling, websockets, and from one to the other; and what
// long polling does to clients that break its rules.

import assert from 'node:assert/strict';
import http from 'node:http';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { io as io4 } from 'socket.io-client';
import io2 from 'socket.io-client-2';
import { io as io3 } from 'socket.io-client-3';
import { assertServes } from './lib/client.mjs';
import { Server, eventually } from './lib/server.mjs';

const VERSIONS = { 2: io2, 3: io3, 4: io4 };
const TRANSPORTS = { polling: ['polling'], websocket: ['websocket'], upgrade: ['polling', 'websocket'] };
const TEXT = 'Grüße 😀 <b> "x" \\ \n\t\u0001 \u001e 中文';
const UNKNOWN_SID = '{"code":1,"message":"Session ID unknown"}';

let server;

before(async () => {
    server = await Server.start();
});

after(() => server?.stop());

class Participant {
    constructor(version, transports, query) {
        this.notifications = [];
        this.disconnects = [];
        this.socket = VERSIONS[version](`http://127.0.0.1:${server.port}`, {
            path: '/meetmedia/signaling/',
            transports,
            forceNew: true,
            reconnectionDelay: 50,
            query: Object.fromEntries(new URLSearchParams(query)),
        });
        this.socket.on('notification', (notification) => this.notifications.push(notification));
        this.socket.on('disconnect', (reason) => this.disconnects.push(reason));
    }

    notified(method) {
        return eventually(`the notification ${method}`, () => this.notifications.find((each) => each.method === method));
    }

    request(method, data) {
        return new Promise((resolve, reject) => {
            setTimeout(() => reject(new Error(`${method} is not answered`)), 30000).unref();
            this.socket.emit('request', { method, data }, (error, response) =>
                error ? reject(new Error(`${method}: ${error} ${response}`)) : resolve(response),
            );
        });
    }

    transport() {
        return this.socket.io.engine.transport.name;
    }

    close() {
        this.socket.disconnect();
    }
}

describe('socket.io-client', { concurrency: 3 }, () => {
    for (const version of Object.keys(VERSIONS))
        for (const [name, transports] of Object.entries(TRANSPORTS))
            test(`version ${version}, ${name}`, async () => {
                const room = await server.createRoom();
                const other = new Participant(4, ['websocket'], (await server.createPeer(room)).query);
                const peer = await server.createPeer(room);
                const participant = new Participant(version, transports, peer.query);
                await Promise.all([participant.notified('roomReady'), other.notified('roomReady')]);

                // Requests from before, during and after the upgrade are each answered once, in their order.
                const order = [];
                const asked = [];
                for (let i = 0; i < 40; i++) {
                    asked.push(participant.request('ping').then(() => order.push(i)));
                    await sleep(5);
                }
                await Promise.all(asked);
                assert.deepEqual(order, [...asked.keys()]);
                await eventually('the transport', () => participant.transport() === transports.at(-1));

                await participant.request('chatMessage', { message: TEXT });
                await other.request('chatMessage', { message: TEXT.repeat(3000) });
                const messages = (one) => one.notifications.filter(({ method }) => method === 'chatMessage');
                for (const one of [participant, other]) {
                    await eventually('the messages', () => messages(one).length === 2);
                    assert.equal(messages(one)[0].data.message, TEXT);
                    assert.equal(messages(one)[0].data.peerId, peer.id);
                    assert.equal(messages(one)[1].data.message, TEXT.repeat(3000));
                }

                participant.socket.io.engine.close();
                await participant.notified('roomBack');
                await participant.request('ping');
                assert.equal(other.notifications.some(({ method }) => method === 'peerClosed'), false);

                participant.close();
                assert.equal((await other.notified('peerClosed')).data.peerId, peer.id);
                other.close();
            });

    for (const version of Object.keys(VERSIONS))
        for (const [name, transports] of Object.entries(TRANSPORTS))
            test(`version ${version}, ${name}: a wrong token`, async () => {
                const { query } = await server.createPeer(await server.createRoom());
                const participant = new Participant(version, transports, query.replace(/authToken=.*/, 'authToken=0'));
                await eventually('the disconnect', () => participant.disconnects.length > 0);
                assert.equal(participant.disconnects[0], 'io server disconnect');
                assert.deepEqual(participant.notifications, []);
                participant.close();
            });
});

// A client of long polling that does as the test says.
class Poller {
    static async connect() {
        const poller = new Poller();
        poller.query = (await server.createPeer(await server.createRoom())).query;
        const { body } = await poller.get();
        poller.sid = JSON.parse(body.slice(1)).sid;
        assert.equal((await poller.post('40')).body, 'ok');
        assert.match((await poller.get()).body, /^40\{.*\}\x1e42\["notification",\{"method":"roomReady"/);
        return poller;
    }

    ask(method, body, signal) {
        const sid = this.sid ? `&sid=${this.sid}` : '';
        const target = `/meetmedia/signaling/?EIO=4&transport=polling&${this.query}${sid}`;
        return new Promise((resolve, reject) => {
            const options = { host: '127.0.0.1', port: server.port, path: target, method, signal, agent: false };
            const request = http.request(options, (response) => {
                let text = '';
                response.setEncoding('utf8').on('data', (part) => (text += part));
                response.on('end', () => resolve({ status: response.statusCode, body: text }));
            });
            request.on('error', reject).end(body);
        });
    }

    get(signal) {
        return this.ask('GET', undefined, signal);
    }

    post(body) {
        return this.ask('POST', body);
    }
}

describe('long polling', { concurrency: 4 }, () => {
    const isGone = async (poller) => assert.deepEqual(await poller.get(), { status: 400, body: UNKNOWN_SID });

    test('a second GET ends the session', async () => {
        const poller = await Poller.connect();
        const first = poller.get();
        await sleep(100);
        assert.deepEqual(await poller.get(), { status: 400, body: '' });
        assert.deepEqual(await first, { status: 200, body: '1' });
        await isGone(poller);
    });

    test('a GET that breaks ends the session', async () => {
        const poller = await Poller.connect();
        const controller = new AbortController();
        const hanging = poller.get(controller.signal).catch(() => {});
        await sleep(100);
        controller.abort();
        await hanging;
        await eventually('the end', async () => (await poller.post('3')).body === UNKNOWN_SID);
    });

    test('malformed payloads end the session', async () => {
        for (const payload of ['', 'x', '\x1e', '3\x1e', 'bAAAA', '4\ufffd'.repeat(10)]) {
            const poller = await Poller.connect();
            const { status } = await poller.post(payload);
            assert.ok(status === 400 || payload.startsWith('4'), `${JSON.stringify(payload)}: ${status}`);
            if (status === 200) assert.equal((await poller.get()).body, '1');
            await isGone(poller);
        }
    });

    test('1,000,000 bytes are taken, one more is refused and harms nothing', async () => {
        const poller = await Poller.connect();
        const head = '420["request",{"method":"chatMessage","data":{"message":"';
        const tail = '"}}]';
        const payload = (bytes) => head + 'x'.repeat(bytes - head.length - tail.length) + tail;
        assert.deepEqual(await poller.post(payload(1000001)), { status: 413, body: '' });
        assert.deepEqual(await poller.post(payload(1000000)), { status: 200, body: 'ok' });
        assert.match((await poller.get()).body, /^42\["notification",\{"method":"chatMessage".*\x1e430\[\]$/s);
    });

    test('a client that does not poll is dropped, and not buffered for', async () => {
        const poller = await Poller.connect();
        const message = 'x'.repeat(900000);
        const results = [];
        for (let i = 0; i < 6; i++) {
            const body = `42["request",{"method":"chatMessage","data":{"message":"${message}"}}]`;
            results.push((await poller.post(body)).status);
        }
        assert.deepEqual(results, [200, 200, 200, 200, 200, 400]);
        await isGone(poller);
    });

    test('a thousand sessions at once', async () => {
        const pollers = await Promise.all(
            Array.from({ length: 1000 }, async (_, i) => {
                await sleep(2 * i);
                const poller = new Poller();
                poller.query = 'peerId=x';
                poller.sid = JSON.parse((await poller.get()).body.slice(1)).sid;
                return poller;
            }),
        );
        assert.equal(new Set(pollers.map(({ sid }) => sid)).size, 1000);
        await assertServes(server);
        for (const poller of pollers.slice(0, 20)) assert.equal((await poller.post('1')).body, 'ok');
        await isGone(pollers[0]);
    });
});
