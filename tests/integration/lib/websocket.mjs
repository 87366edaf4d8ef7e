// A websocket that keeps what it receives until it is asked for: text frames as they are, binary ones as
// "BINARY <hex>", as the recordings write them.

import { WebSocket } from 'ws';
import { Waiter } from './waiter.mjs';

export class FrameSocket extends Waiter {
    constructor(url, options = {}) {
        super();
        this.frames = [];
        this.closed = null;
        this.socket = new WebSocket(url, { perMessageDeflate: false, maxPayload: 16 << 20, ...options });
        this.opened = new Promise((resolve, reject) => {
            this.socket.once('open', resolve);
            this.socket.once('error', reject);
        });
        this.opened.catch(() => {});
        this.socket.on('error', () => {});
        this.socket.on('message', (bytes, binary) => {
            this.frames.push(binary ? `BINARY ${bytes.toString('hex')}` : bytes.toString('utf8'));
            this.wake();
        });
        this.socket.on('pong', (bytes) => {
            this.frames.push(`WS-PONG ${bytes.toString('utf8')}`);
            this.wake();
        });
        this.socket.on('close', (code, reason) => {
            this.closed = { code, reason: reason.toString('utf8') };
            this.wake();
        });
    }

    // The next frame, or null when none comes in time or the socket closes before.
    async next(timeoutMs) {
        await this.until(() => this.frames.length > 0 || this.closed, timeoutMs);
        return this.frames.shift() ?? null;
    }

    // Sends what a recording's line says: a text frame, or one of the recorder's words for something else.
    send(text) {
        if (this.socket.readyState !== WebSocket.OPEN) return;
        const [, word, rest] = /^(BINARY|WS-PING|WS-CLOSE|fragmented:)(?: (.*))?$/s.exec(text) ?? [];
        if (word === 'BINARY') {
            this.socket.send(Buffer.from(rest ?? '', 'hex'));
        } else if (word === 'WS-PING') {
            this.socket.ping(rest);
        } else if (word === 'WS-CLOSE') {
            const [code, ...reason] = rest.split(' ');
            this.socket.close(Number(code), reason.join(' '));
        } else if (word === 'fragmented:') {
            const parts = rest.split(' + ');
            parts.forEach((part, i) => this.socket.send(part, { fin: i === parts.length - 1 }));
        } else {
            this.socket.send(text);
        }
    }

    close() {
        this.socket.close();
        return this.until(() => this.closed, 2000).then((done) => done || this.socket.terminate());
    }
}
