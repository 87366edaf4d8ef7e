// The real socket.io-client against the server: joining, requests both ways, coming back; over TLS; and the settings
// that clients see.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import https from 'node:https';
import path from 'node:path';
import { describe, test } from 'node:test';
import { io } from 'socket.io-client';
import { loadRecording } from './lib/recording.mjs';
import { Server, TOKEN, eventually, makeRuntimeDir, removeDir } from './lib/server.mjs';

const TIMEOUT_MS = 30000;

class Participant {
    constructor(url, peer, options = {}) {
        this.notifications = [];
        this.consumers = [];
        this.socket = io(url, {
            path: '/meetmedia/signaling/',
            transports: ['websocket'],
            forceNew: true,
            reconnectionDelay: 50,
            query: Object.fromEntries(new URLSearchParams(peer.query)),
            ...options,
        });
        this.socket.on('notification', (notification) => this.notifications.push(notification));
        this.socket.on('request', (request, acknowledge) => {
            this.consumers.push(request);
            acknowledge(null);
        });
    }

    notified(method) {
        return eventually(
            `the notification ${method}`,
            () => this.notifications.find((each) => each.method === method),
            TIMEOUT_MS,
        );
    }

    async request(method, data) {
        const [error, response] = await new Promise((resolve, reject) =>
            this.socket
                .timeout(TIMEOUT_MS)
                .emit('request', { method, data }, (late, ...args) => (late ? reject(late) : resolve(args))),
        );
        if (error) throw new Error(`${method}: ${error} ${response}`);
        return response;
    }

    close() {
        this.socket.disconnect();
    }
}

// What a recorded peer sent as the data of this method.
function recordedData(name, method) {
    const step = loadRecording(name).steps.find(
        ({ dir, text }) => dir === '>' && text.includes(`{"method":"${method}"`),
    );
    return JSON.parse(step.text.slice(step.text.indexOf('[')))[1].data;
}

async function withServer(env, body) {
    const server = await Server.start(env);
    try {
        await body(server);
    } finally {
        await server.stop();
    }
}

describe('socket.io-client', { concurrency: 2 }, () => {
    test('two participants: join, produce, newConsumer, leave; a broken connection comes back', () =>
        withServer({}, async (server) => {
            const url = `http://127.0.0.1:${server.port}`;
            const room = await server.createRoom();
            const alice = new Participant(url, await server.createPeer(room, 7));
            const bob = new Participant(url, await server.createPeer(room, 3));
            await Promise.all([alice.notified('roomReady'), bob.notified('roomReady')]);

            const { rtpCapabilities } = recordedData('ws-25-produce-mic', 'join');
            await alice.request('join', { nickname: 'Alice', rtpCapabilities });
            await bob.request('createWebRtcTransport', { forceTcp: false, producing: false, consuming: true });
            const joined = await bob.request('join', { nickname: 'Bob', rtpCapabilities });
            assert.deepEqual(
                joined.peers.map((peer) => peer.nickname),
                ['Alice'],
            );

            const transport = await alice.request('createWebRtcTransport', {
                forceTcp: false,
                producing: true,
                consuming: false,
            });
            const produce = { ...recordedData('ws-25-produce-mic', 'produce'), transportId: transport.id };
            const { id } = await alice.request('produce', produce);
            await eventually('bob is asked to consume', () => bob.consumers.length === 1);
            assert.equal(bob.consumers[0].method, 'newConsumer');
            assert.equal(bob.consumers[0].data.producerId, id);

            bob.socket.io.engine.close();
            await bob.notified('roomBack');
            await alice.request('pauseProducer', { producerId: id });
            assert.equal((await bob.notified('consumerPaused')).data.consumerId, bob.consumers[0].data.id);
            assert.equal(
                alice.notifications.some(({ method }) => method === 'peerClosed'),
                false,
            );

            alice.close();
            await bob.notified('peerClosed');
            assert.equal((await bob.notified('consumerClosed')).data.consumerId, bob.consumers[0].data.id);
            bob.close();
        }));

    test('the path without its trailing slash', () =>
        withServer({}, async (server) => {
            const peer = await server.createPeer(await server.createRoom());
            const participant = new Participant(`http://127.0.0.1:${server.port}`, peer, {
                path: '/meetmedia/signaling',
                addTrailingSlash: false,
            });
            await participant.notified('roomReady');
            participant.close();
        }));

    test('a wrong token: connected, then disconnected by the server', () =>
        withServer({}, async (server) => {
            const peer = await server.createPeer(await server.createRoom());
            const participant = new Participant(`http://127.0.0.1:${server.port}`, {
                query: peer.query.replace(/authToken=.*/, 'authToken=0'),
            });
            const [reason] = await once(participant.socket, 'disconnect', { signal: AbortSignal.timeout(TIMEOUT_MS) });
            assert.equal(reason, 'io server disconnect');
            participant.close();
        }));

    test('TLS with a certificate of its own', async () => {
        const dir = makeRuntimeDir();
        const [certificate, key] = ['cert.pem', 'key.pem'].map((name) => path.join(dir, name));
        execFileSync(
            'openssl',
            [
                'req',
                '-x509',
                '-newkey',
                'ec',
                '-pkeyopt',
                'ec_paramgen_curve:P-256',
                '-nodes',
                '-days',
                '1',
                '-subj',
                '/CN=localhost',
                '-addext',
                'subjectAltName=IP:127.0.0.1',
                '-keyout',
                key,
                '-out',
                certificate,
            ],
            { stdio: 'ignore' },
        );
        const ca = readFileSync(certificate);
        const server = await Server.launch({ SSL_CERT: certificate, SSL_KEY: key });
        const call = (method, target, body = '') =>
            new Promise((resolve, reject) => {
                const request = https.request(
                    {
                        host: '127.0.0.1',
                        port: server.port,
                        path: `/meetmedia/api${target}`,
                        method,
                        ca,
                        headers: {
                            'X-Auth-Token': TOKEN,
                            'Content-Type': 'application/json',
                            'Content-Length': body.length,
                        },
                    },
                    (response) => {
                        let text = '';
                        response
                            .setEncoding('utf8')
                            .on('data', (part) => (text += part))
                            .on('end', () => resolve({ status: response.statusCode, text }));
                    },
                );
                request.on('error', reject).end(body);
            });
        try {
            await eventually(
                '/health over TLS',
                () =>
                    call('GET', '/health').then(
                        ({ status }) => status === 200,
                        () => false,
                    ),
                20000,
                50,
            );
            const room = JSON.parse((await call('POST', '/sessions', '{}')).text).id;
            const { token } = JSON.parse((await call('POST', `/sessions/${room}/connection`, '{"role":3}')).text);
            assert.match(token, /^wss:\/\//);
            const participant = new Participant(
                `https://127.0.0.1:${server.port}`,
                { query: token.split('?')[1] },
                { ca },
            );
            await participant.notified('roomReady');
            participant.close();
            await server.stop();
        } finally {
            await server.kill();
            removeDir(dir);
        }
    });

    test('FORCE_WSS, PUBLIC_DOMAIN, TURN and the announced address reach the client', () =>
        withServer(
            {
                FORCE_WSS: '1',
                PUBLIC_DOMAIN: 'meet.example.org',
                TURN_SERVER: 'turn:a.example.org:3478,turns:b.example.org:5349',
                TURN_STATIC_SECRET: 'secret',
                WEBRTC_ANNOUNCED_ADDRESS: '192.0.2.9',
            },
            async (server) => {
                const room = await server.createRoom();
                const { token } = (await server.request('POST', `/sessions/${room}/connection`, { role: 3 })).json();
                assert.match(token, /^wss:\/\/meet\.example\.org\?peerId=/);
                const peer = { query: token.split('?')[1] };
                const participant = new Participant(`http://127.0.0.1:${server.port}`, peer);
                const { data } = await participant.notified('roomReady');
                assert.equal(data.roomId, room);
                assert.equal(data.iceServers.length, 1);
                const [{ urls, username, credential }] = data.iceServers;
                assert.deepEqual(urls, ['turn:a.example.org:3478', 'turns:b.example.org:5349']);
                const [, expires, id] = /^(\d+):(.*)$/.exec(username);
                assert.ok(Math.abs(Number(expires) - Date.now() / 1000 - 86400) < 60);
                assert.equal(id, new URLSearchParams(peer.query).get('peerId'));
                assert.equal(credential, createHmac('sha1', 'secret').update(username).digest('base64'));
                const { iceCandidates } = await participant.request('createWebRtcTransport', { producing: true });
                assert.deepEqual(
                    iceCandidates.map(({ protocol, ip, address, port }) => ({ protocol, ip, address, port })),
                    ['udp', 'tcp'].map((protocol) => ({
                        protocol,
                        ip: '192.0.2.9',
                        address: '192.0.2.9',
                        port: server.mediaPort,
                    })),
                );
                participant.close();
            },
        ));
});
