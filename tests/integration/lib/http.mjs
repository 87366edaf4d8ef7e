// HTTP as bytes: takes responses apart, and talks over one TCP connection without a client's own ideas.
// Byte strings are latin1 strings.

import net from 'node:net';
import { gunzipSync } from 'node:zlib';
import { Waiter } from './waiter.mjs';

// One response from the start of `raw`:
// { status, headers: Map(lower-case name -> value), body, length, untilClose } or null while it is incomplete.
// `length` is what it takes of `raw`. A response without a length goes on until the connection closes.
export function parseResponse(raw, { head = false, closed = false } = {}) {
    const end = raw.indexOf('\r\n\r\n');
    if (end < 0) return null;
    const [statusLine, ...fields] = raw.slice(0, end).split('\r\n');
    const match = /^HTTP\/1\.[01] (\d{3})/.exec(statusLine);
    if (!match) throw new Error(`not a status line: ${JSON.stringify(statusLine.slice(0, 80))}`);
    const status = Number(match[1]);
    const headers = new Map();
    for (const field of fields) {
        const colon = field.indexOf(':');
        headers.set(field.slice(0, colon).trim().toLowerCase(), field.slice(colon + 1).trim());
    }
    const start = end + 4;
    const response = { status, headers, body: '', length: start, untilClose: false };
    if (head || status === 204 || status === 304 || status < 200) return response;
    if (/chunked/i.test(headers.get('transfer-encoding') ?? '')) return parseChunks(raw, start, response);
    if (headers.has('content-length')) {
        const length = Number(headers.get('content-length'));
        if (raw.length < start + length && !closed) return null;
        return { ...response, body: raw.slice(start, start + length), length: start + length };
    }
    if (!closed) return null;
    return { ...response, body: raw.slice(start), length: raw.length, untilClose: true };
}

function parseChunks(raw, start, response) {
    let at = start;
    let body = '';
    for (;;) {
        const eol = raw.indexOf('\r\n', at);
        if (eol < 0) return null;
        const size = Number.parseInt(raw.slice(at, eol), 16);
        if (Number.isNaN(size)) throw new Error(`not a chunk size: ${JSON.stringify(raw.slice(at, eol))}`);
        if (raw.length < eol + 2 + size + 2) return null;
        body += raw.slice(eol + 2, eol + 2 + size);
        at = eol + 2 + size + 2;
        if (size === 0) return { ...response, body, length: at };
    }
}

// All complete responses of `raw`, and what is left behind them.
export function parseResponses(raw, options = {}) {
    const responses = [];
    while (raw !== '') {
        const response = parseResponse(raw, options);
        if (!response) break;
        responses.push(response);
        raw = raw.slice(response.length);
        if (response.status === 101) break;
    }
    return { responses, rest: raw };
}

export function decodedBody(response) {
    const bytes = Buffer.from(response.body, 'latin1');
    const decoded = response.headers.get('content-encoding') === 'gzip' ? gunzipSync(bytes) : bytes;
    return decoded.toString('utf8');
}

export class RawConnection extends Waiter {
    constructor(port) {
        super();
        this.received = '';
        this.closed = false;
        this.socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: false });
        this.opened = new Promise((resolve) => {
            this.socket.once('connect', resolve);
            this.socket.once('close', resolve);
        });
        this.socket.on('data', (bytes) => {
            this.received += bytes.toString('latin1');
            this.wake();
        });
        for (const event of ['end', 'close', 'error'])
            this.socket.on(event, () => {
                this.closed = true;
                this.wake();
            });
    }

    send(raw) {
        this.socket.write(Buffer.from(raw, 'latin1'));
    }

    destroy() {
        this.socket.destroy();
    }
}
