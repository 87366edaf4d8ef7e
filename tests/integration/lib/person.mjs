// A client that hears everything: requests give their acknowledgement, and what came besides is kept in order.

import assert from 'node:assert/strict';
import { signalingUrl } from './client.mjs';
import { parseFrame, requestMethod } from './frame.mjs';
import { loadRecording } from './recording.mjs';
import { FrameSocket } from './websocket.mjs';

const PATIENCE_MS = 30000;

// What a recorded peer sent as the data of this method, the n-th time.
export function recordedData(name, method, n = 0) {
    const steps = loadRecording(name).steps.filter(
        ({ dir, text }) => dir === '>' && text?.includes(`{"method":"${method}"`),
    );
    return JSON.parse(steps[n].text.slice(steps[n].text.indexOf('[')))[1].data;
}

export const { rtpCapabilities } = recordedData('ws-25-produce-mic', 'join');

export class Person {
    static async enter(server, room, role) {
        const person = new Person();
        person.server = server;
        person.room = room;
        person.peer = await server.createPeer(room, role);
        person.id = person.peer.id;
        person.nextId = 0;
        await person.connect();
        return person;
    }

    // Connected and joined, with a transport each way.
    static async join(server, room, role, nickname) {
        const person = await Person.enter(server, room, role);
        person.sending = (await person.must('createWebRtcTransport', { producing: true })).id;
        person.receiving = (await person.must('createWebRtcTransport', { consuming: true })).id;
        await person.must('join', { nickname, rtpCapabilities });
        await person.hear();
        return person;
    }

    // A new websocket, as after a break. Returns what the server says first.
    async connect() {
        this.socket = new FrameSocket(signalingUrl(this.server, this.peer.query));
        this.heard = [];
        await this.socket.opened;
        this.socket.send('40');
        for (;;) {
            const { data } = parseFrame(await this.next());
            if (/^room(Ready|Back)$/.test(data?.[1]?.method)) return data[1];
        }
    }

    async next() {
        const frame = await this.socket.next(PATIENCE_MS);
        if (frame === null) throw new Error(`no frame: ${JSON.stringify(this.socket.closed)}`);
        return frame;
    }

    // Sends a request and returns the arguments of its acknowledgement.
    async request(method, data) {
        const id = this.nextId++;
        this.socket.send(`42${id}${JSON.stringify(['request', { method, data }])}`);
        for (;;) {
            const frame = await this.next();
            if (frame.startsWith(`43${id}[`)) return JSON.parse(frame.slice(`43${id}`.length));
            this.heard.push(frame);
        }
    }

    // The response of a request that must succeed.
    async must(method, data) {
        const [error, response] = await this.request(method, data);
        assert.ok(error === null || error === undefined, `${method}: ${error} ${response}`);
        return response;
    }

    async mustFail(method, data) {
        assert.deepEqual(await this.request(method, data), [500, `request ${method} failed`], JSON.stringify(data));
    }

    // All that came until now: notifications as [method, data], requests of the server answered and as [method, data].
    async hear() {
        await this.must('ping');
        return this.heard.splice(0).map((frame) => {
            const parsed = parseFrame(frame);
            if (requestMethod(parsed)) this.socket.send(`43${parsed.id}[null]`);
            return parsed.data ? [parsed.data[1].method, parsed.data[1].data] : [frame];
        });
    }

    async mustHear(...expected) {
        assert.deepEqual(await this.hear(), expected);
    }

    async produce(kind = 'mic') {
        const [name, n] = kind === 'mic' ? ['ws-25-produce-mic', 0] : ['ws-26-produce-webcam-simulcast', 0];
        const data = { ...recordedData(name, 'produce', n), transportId: this.sending };
        return (await this.must('produce', data)).id;
    }

    close() {
        return this.socket.close();
    }
}

