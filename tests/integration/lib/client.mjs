// A client that speaks just enough signaling to see whether the server still works.

import { FrameSocket } from './websocket.mjs';

const PATIENCE_MS = 30000;

export function signalingUrl(server, query) {
    return `ws://127.0.0.1:${server.port}/meetmedia/signaling/?EIO=4&transport=websocket&${query}`;
}

export class Client {
    // A new peer in this room (or a new one), connected.
    static async connect(server, room, role = 3) {
        const client = new Client();
        client.room = room ?? (await server.createRoom());
        client.peer = await server.createPeer(client.room, role);
        client.socket = new FrameSocket(signalingUrl(server, client.peer.query));
        client.nextId = 0;
        await client.socket.opened;
        client.socket.send('40');
        await client.receive((frame) => frame.includes('"roomReady"'));
        return client;
    }

    // The first frame that `wanted` accepts; those before it are dropped.
    async receive(wanted) {
        for (;;) {
            const frame = await this.socket.next(PATIENCE_MS);
            if (frame === null)
                throw new Error(this.socket.closed ? `closed: ${JSON.stringify(this.socket.closed)}` : 'no answer');
            if (wanted(frame)) return frame;
        }
    }

    // The arguments of the acknowledgement.
    async request(method, data) {
        const id = this.nextId++;
        this.socket.send(`42${id}${JSON.stringify(['request', { method, data }])}`);
        const frame = await this.receive((text) => text.startsWith(`43${id}[`));
        return JSON.parse(frame.slice(`43${id}`.length));
    }

    close() {
        return this.socket.close();
    }
}

// Throws unless a new peer in a new room gets its answer.
export async function assertServes(server) {
    server.assertUnharmed();
    const client = await Client.connect(server);
    const [error] = await client.request('ping');
    if (error !== null && error !== undefined) throw new Error(`ping fails: ${error}`);
    await client.close();
}
