// Stands in for the server in the self-test: it answers as a recording says, with ids of its own, and lets the test
// change a frame on its way. It offers what Replay needs of a Server.

import { createServer } from 'node:net';
import { randomBytes, randomUUID } from 'node:crypto';
import { WebSocketServer } from 'ws';
import { closedByServer } from './recording.mjs';
import { Waiter } from './waiter.mjs';

const IDS = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])/g;
const ACK_OFFSET = 1000;
const PATIENCE_MS = 5000;

export class MockServer {
    // `change(text, step)`: what to send instead of the frame or bytes of a step; of a frame also a list, maybe empty.
    static async start(recording, setup, change = (text) => text) {
        const mock = new MockServer();
        Object.assign(mock, { recording, setup, change, mediaPort: 44444, ids: new Map(), posts: 0 });
        const overWebsockets = recording.steps.some((step) => step.dir === '*' && step.text.startsWith('open '));
        await (overWebsockets ? mock.serveWebsockets() : mock.serveHttp());
        return mock;
    }

    translate(text) {
        return text.replace(IDS, (id) => {
            if (/^(f{32}|00000000-0000-.*)$/.test(id)) return id;
            if (!this.ids.has(id)) this.ids.set(id, id.length === 32 ? randomBytes(16).toString('hex') : randomUUID());
            return this.ids.get(id);
        });
    }

    // ---- what Replay asks of the API

    createRoom(recorded) {
        return recorded ? this.translate(recorded) : randomUUID();
    }

    createPeer(room, role, recorded) {
        return { id: this.translate(recorded.peerId), authToken: this.translate(recorded.authToken) };
    }

    request() {
        const answers = this.recording.steps.filter((step) => step.peer === 'H');
        const text = answers[this.posts++].text;
        const status = Number(/(?:^|-> )(\d{3})/.exec(text)[1]);
        return Promise.resolve({ status, json: () => JSON.parse(text.slice(4)) });
    }

    // ---- websockets

    async serveWebsockets() {
        this.server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
        await new Promise((resolve) => this.server.once('listening', resolve));
        this.port = this.server.address().port;
        this.pending = [];
        this.arrivals = new Waiter();
        this.server.on('connection', (socket) => {
            const peer = Object.assign(new Waiter(), { socket, received: 0, closed: false });
            socket.on('message', () => (peer.received++, peer.wake()));
            socket.on('close', () => ((peer.closed = true), peer.wake()));
            this.pending.push(peer);
            this.arrivals.wake();
        });
        this.play();
    }

    async play() {
        const peers = new Map();
        for (const step of this.recording.steps) {
            if (this.closed) return;
            const peer = peers.get(step.peer);
            if (step.dir === '*' && step.text.startsWith('open ')) {
                await this.arrivals.until(() => this.pending.length > 0 || this.closed, PATIENCE_MS);
                peers.set(step.peer, this.pending.shift());
            } else if (step.dir === '>') {
                await peer.until(() => peer.received > 0 || peer.closed, PATIENCE_MS);
                peer.received--;
            } else if (step.dir === '<' && peer) {
                for (const text of [this.change(this.withOwnAckId(this.translate(step.text)), step)].flat())
                    peer.socket.send(text);
            } else if (step.dir === '*' && step.text.startsWith('ws close')) {
                const code = Number(/code=(\d+)/.exec(step.text)[1]);
                if (this.setup.serverCloses?.includes(step.line) || closedByServer(this.recording, step))
                    peer.socket.close(code === 1005 ? undefined : code);
            }
        }
    }

    withOwnAckId(text) {
        return text.replace(/^42(\d+)(?=\["request")/, (_, id) => `42${Number(id) + ACK_OFFSET}`);
    }

    // ---- raw HTTP

    async serveHttp() {
        const requests = this.recording.steps.filter((step) => step.dir === '>');
        this.server = createServer((socket) => {
            const request = requests.shift();
            const index = this.recording.steps.indexOf(request);
            const [answer, end] = this.recording.steps.slice(index + 1, index + 3);
            let answered = false;
            let length = 0;
            socket.on('error', () => {});
            socket.on('data', (bytes) => {
                length += bytes.length;
                if (length < request.raw.length) return;
                if (answered) {
                    socket.write('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n');
                    return;
                }
                answered = true;
                socket.write(Buffer.from(this.change(this.translate(answer.raw), answer), 'latin1'));
                if (/server closed/.test(end.text)) socket.end();
            });
        });
        await new Promise((resolve) => this.server.listen(0, '127.0.0.1', resolve));
        this.port = this.server.address().port;
    }

    close() {
        this.closed = true;
        this.arrivals?.wake();
        for (const client of this.server.clients ?? []) client.terminate();
        this.server.close();
    }
}
