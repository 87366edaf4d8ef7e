// The way between browsers and the media port, as a NAT makes it: a relay with sockets of its own towards the server,
// whose ports can change in the middle of a call, and which can be cut. What goes to browsers that come over a narrow
// link waits in a queue of its own, as in a home router, and is lost where that is full.

import dgram from 'node:dgram';
import { once } from 'node:events';
import { freePort } from '../../integration/lib/server.mjs';

// The server listens here; clients are told the other one, where the relay is.
const BEHIND = '127.0.0.1';
const BEFORE = '127.0.0.2';
const QUEUE_MS = 300;

/** The way to one browser; without `bps` it has no limit. */
class Link {
    bps = Infinity;
    lost = 0;
    #freeAt = 0; // when the last byte that was accepted is through

    send(bytes, deliver) {
        if (this.bps === Infinity) return deliver();
        const now = performance.now();
        const start = Math.max(now, this.#freeAt);
        if (start - now > QUEUE_MS) return void this.lost++;
        this.#freeAt = start + bytes.length * 8000 / this.bps;
        setTimeout(deliver, this.#freeAt - now);
    }
}

export class MediaPath {
    #outside;
    #inside = new Map(); // client 'address:port' -> socket towards the server
    #isCut = false;
    #link = new Link();
    ports = new Set(); // every source port that the server has seen

    static async open() {
        const path = new MediaPath();
        path.port = await freePort();
        path.#outside = dgram.createSocket('udp4');
        path.#outside.bind(path.port, BEFORE);
        await once(path.#outside, 'listening');
        path.#outside.on('message', (bytes, client) => path.#forward(bytes, client));
        return path;
    }

    // Settings of a server that is reached by this path.
    get env() {
        return { WEBRTC_LISTEN_IP: BEHIND, WEBRTC_ANNOUNCED_ADDRESS: BEFORE, WEBRTC_LISTEN_PORT: String(this.port) };
    }

    #forward(bytes, client) {
        if (this.#isCut) return;
        const key = `${client.address}:${client.port}`;
        let socket = this.#inside.get(key);
        if (!socket) {
            const link = this.#link;
            socket = dgram.createSocket('udp4');
            this.#inside.set(key, socket);
            socket.bind(0, BEHIND, () => this.ports.add(socket.address().port));
            socket.on('message', (answer) => this.#isCut
                || link.send(answer, () => this.#outside.send(answer, client.port, client.address)));
        }
        socket.send(bytes, this.port, BEHIND);
    }

    // From now on every client comes from another port, and the one before leads nowhere.
    roam() {
        for (const socket of this.#inside.values()) socket.close();
        this.#inside.clear();
    }

    // Who comes from now on comes by this link.
    newLink() {
        this.#link = new Link();
        return this.#link;
    }

    cut() {
        this.#isCut = true;
    }

    mend() {
        this.#isCut = false;
    }

    close() {
        this.#outside.close();
        this.roam();
    }
}
