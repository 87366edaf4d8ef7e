// Clients that cost little, so that a thousand of them leave the CPU to the server: keep-alive HTTP and websockets over
// plain TCP, which understand what kolabmeetd answers and nothing else.

import net from 'node:net';

const PATIENCE_MS = 30000;

function connect(port) {
    return new Promise((resolve, reject) => {
        const socket = net.connect({ port, host: '127.0.0.1', noDelay: true }, () => resolve(socket));
        socket.once('error', reject);
    });
}

// One connection, one request at a time.
export class ApiConnection {
    static async open(port, token) {
        const api = new ApiConnection();
        api.token = token;
        api.input = '';
        api.socket = await connect(port);
        api.socket.setEncoding('latin1').on('data', (text) => {
            api.input += text;
            api.#take();
        });
        api.socket.on('close', () => api.answered?.reject(new Error('the server has closed a connection')));
        return api;
    }

    #take() {
        const end = this.input.indexOf('\r\n\r\n');
        if (end < 0) return;
        const length = Number(/\r\ncontent-length: (\d+)/i.exec(this.input.slice(0, end))?.[1] ?? 0);
        if (this.input.length < end + 4 + length) return;
        const answer = { status: Number(this.input.slice(9, 12)), body: this.input.slice(end + 4, end + 4 + length) };
        this.input = this.input.slice(end + 4 + length);
        this.answered.resolve(answer);
    }

    request(method, target, body) {
        const content = body === undefined ? '' : JSON.stringify(body);
        const fields = content && `Content-Type: application/json\r\nContent-Length: ${content.length}\r\n`;
        this.socket.write(
            `${method} /meetmedia/api${target} HTTP/1.1\r\nHost: bench\r\nX-Auth-Token: ${this.token}\r\n${fields}\r\n${content}`,
        );
        return new Promise((resolve, reject) => (this.answered = { resolve, reject }));
    }

    async json(method, target, body) {
        const { status, body: text } = await this.request(method, target, body);
        if (status !== 200) throw new Error(`${method} ${target}: ${status}`);
        return JSON.parse(text);
    }

    // A new peer of a room: the query of its websocket.
    async createPeer(roomId) {
        const { id, token } = await this.json('POST', `/sessions/${roomId}/connection`, { role: 3 });
        return `peerId=${id}&roomId=${roomId}&authToken=${new URL(token).searchParams.get('authToken')}`;
    }

    close() {
        this.socket.removeAllListeners('close').destroy();
    }
}

// An unmasked key, RFC 6455 section 5.3, leaves the payload as it is.
function frame(text) {
    const payload = Buffer.from(text);
    const extended = payload.length > 125;
    const head = Buffer.alloc(extended ? 8 : 6);
    head[0] = 0x81;
    head[1] = 0x80 | (extended ? 126 : payload.length);
    if (extended) head.writeUInt16BE(payload.length, 2);
    return Buffer.concat([head, payload]);
}

const PONG = frame('3');
const CLOSE = Buffer.from([0x88, 0x80, 0, 0, 0, 0]);

// A peer of engine.io 4 over a websocket.
export class Peer {
    static async connect(port, query) {
        const peer = new Peer();
        peer.nextId = 0;
        peer.waiting = [];
        peer.input = Buffer.alloc(0);
        peer.closed = false;
        peer.socket = await connect(port);
        const upgraded = peer.#receive((text) => text.startsWith('0{'), 'the open packet');
        peer.socket.on('data', (bytes) => peer.#take(bytes));
        peer.socket.on('close', () => peer.#end());
        peer.socket.on('error', () => peer.#end());
        peer.socket.write(
            `GET /meetmedia/signaling/?EIO=4&transport=websocket&${query} HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\n` +
                'Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
        );
        await upgraded;
        const ready = peer.#receive((text) => text.includes('"roomReady"'), 'roomReady');
        peer.send('40');
        await ready;
        return peer;
    }

    #end() {
        this.closed = true;
        for (const { reject, what } of this.waiting.splice(0)) reject(new Error(`closed before ${what}`));
    }

    #take(bytes) {
        if (this.input.length > 0) bytes = Buffer.concat([this.input, bytes]);
        let at = 0;
        if (!this.open) {
            const end = bytes.indexOf('\r\n\r\n');
            if (end < 0) return void (this.input = bytes);
            if (bytes.toString('latin1', 9, 12) !== '101') return void this.socket.destroy();
            this.open = true;
            at = end + 4;
        }
        while (bytes.length - at >= 2) {
            let length = bytes[at + 1];
            let start = at + 2;
            if (length === 126) {
                if (bytes.length < start + 2) break;
                length = bytes.readUInt16BE(start);
                start += 2;
            } else if (length === 127) {
                if (bytes.length < start + 8) break;
                length = Number(bytes.readBigUInt64BE(start));
                start += 8;
            }
            if (bytes.length < start + length) break;
            if (bytes[at] === 0x81) this.#text(bytes, start, start + length);
            at = start + length;
        }
        this.input = bytes.subarray(at);
    }

    #text(bytes, start, end) {
        if (end - start === 1 && bytes[start] === 0x32) {
            this.socket.write(PONG);
            return;
        }
        this.onText?.();
        if (this.waiting.length === 0) return;
        const text = bytes.toString('utf8', start, end);
        for (const wait of this.waiting) {
            if (!wait.wanted(text)) continue;
            this.waiting.splice(this.waiting.indexOf(wait), 1);
            clearTimeout(wait.timer);
            wait.resolve(text);
            break;
        }
    }

    // The first text from now on that `wanted` accepts.
    #receive(wanted, what) {
        return new Promise((resolve, reject) => {
            const timer = setTimeout(() => reject(new Error(`${what}: not within ${PATIENCE_MS} ms`)), PATIENCE_MS);
            const fail = (error) => {
                clearTimeout(timer);
                reject(error);
            };
            this.waiting.push({ wanted, what, timer, resolve, reject: fail });
        });
    }

    send(text) {
        this.socket.write(frame(text));
    }

    // The response; throws when there is an error instead.
    async request(method, data) {
        const prefix = `43${this.nextId}[`;
        const answered = this.#receive((text) => text.startsWith(prefix), `the answer to ${method}`);
        this.send(`42${this.nextId++}${JSON.stringify(['request', { method, data }])}`);
        const [error, response] = JSON.parse((await answered).slice(prefix.length - 1));
        if (error) throw new Error(`${method}: ${error} ${response}`);
        return response;
    }

    // As the client's disconnect() does.
    leave() {
        return new Promise((resolve) => {
            this.socket.once('close', resolve);
            this.socket.end(Buffer.concat([frame('41'), CLOSE]));
        });
    }
}
