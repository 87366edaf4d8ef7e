// Clients of the media port: one over UDP, one over TCP (RFC 4571), both of IPv4 or IPv6.

import dgram from 'node:dgram';
import { once } from 'node:events';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { bindingRequest, isSuccessOf } from './stun.mjs';
import { Waiter } from './waiter.mjs';

const BATCH = 64;

// A UDP client of the media port.
export class MediaSocket extends Waiter {
    static async open(server, host = '127.0.0.1') {
        const media = new MediaSocket();
        media.received = [];
        media.socket = dgram.createSocket(net.isIPv6(host) ? 'udp6' : 'udp4');
        media.socket.on('message', (bytes) => {
            media.received.push(bytes);
            media.wake();
        });
        media.socket.bind(0, host);
        await once(media.socket, 'listening');
        media.socket.connect(server.mediaPort, host);
        await once(media.socket, 'connect');
        return media;
    }

    // Sends them in small batches, so that none is lost before the server has seen it.
    async volley(datagrams) {
        for (let i = 0; i < datagrams.length; i += BATCH) {
            for (const datagram of datagrams.slice(i, i + BATCH)) this.socket.send(datagram);
            await sleep(5);
        }
    }

    // Whether a connectivity check is answered. As every client, it asks again.
    async check(credentials, attempts = 10) {
        for (let attempt = 0; attempt < attempts; attempt++) {
            const request = bindingRequest(credentials);
            this.socket.send(request);
            if (await this.until(() => this.received.some((datagram) => isSuccessOf(request, datagram)), 500))
                return true;
        }
        return false;
    }

    close() {
        this.socket.close();
    }
}

// A packet behind its length.
export function frame(packet) {
    const length = Buffer.alloc(2);
    length.writeUInt16BE(packet.length);
    return Buffer.concat([length, packet]);
}

export class MediaStream extends Waiter {
    static async open(server, host = '127.0.0.1', localAddress = undefined) {
        const media = new MediaStream();
        media.bytes = Buffer.alloc(0);
        media.ended = false;
        media.socket = net.connect({ port: server.mediaPort, host, localAddress });
        media.socket.on('data', (bytes) => {
            media.bytes = Buffer.concat([media.bytes, bytes]);
            media.wake();
        });
        media.socket.on('error', () => {});
        media.socket.on('close', () => {
            media.ended = true;
            media.wake();
        });
        await once(media.socket, 'connect');
        return media;
    }

    packets() {
        const found = [];
        for (let at = 0; at + 2 <= this.bytes.length; ) {
            const length = this.bytes.readUInt16BE(at);
            if (at + 2 + length > this.bytes.length) break;
            found.push(this.bytes.subarray(at + 2, at + 2 + length));
            at += 2 + length;
        }
        return found;
    }

    write(bytes) {
        this.socket.write(bytes);
    }

    async check(credentials) {
        const request = bindingRequest(credentials);
        this.write(frame(request));
        const answered = () => this.packets().some((packet) => isSuccessOf(request, packet));
        await this.until(() => answered() || this.ended, 30000);
        return answered();
    }

    close() {
        this.socket.destroy();
    }
}
