// socket.io with the two events of the contract, `request` (acknowledged) and `notification`, both {method, data}.
// Events: up, down (reason; the socket goes on trying), ended (the server closed it), notification (method, data).
import { io } from 'socket.io-client';
import { Emitter } from './emitter.js';

const REQUEST_TIMEOUT_MS = 20000;

export class SignalingError extends Error {
    constructor(method, message) {
        super(message || `${method} failed`);
        this.method = method;
    }
}

export class Signaling extends Emitter {
    #socket;
    #answer;

    /** `answer(method, data)` handles the server's requests; its promise decides the acknowledgement. */
    constructor(query, answer) {
        super();
        this.#answer = answer;
        this.#socket = io(location.origin, {
            path: '/meetmedia/signaling/',
            transports: ['websocket'],
            query,
            forceNew: true,
            reconnectionDelay: 300,
            reconnectionDelayMax: 3000,
        });
        this.#socket.on('connect', () => this.emit('up'));
        this.#socket.on('connect_error', () => this.emit('down', 'connect_error'));
        this.#socket.on('disconnect', (reason) => {
            this.emit(reason === 'io server disconnect' ? 'ended' : 'down', reason);
        });
        this.#socket.on('notification', ({ method, data }) => this.emit('notification', method, data));
        this.#socket.on('request', (request, acknowledge) => this.#onRequest(request, acknowledge));
    }

    get connected() {
        return this.#socket.connected;
    }

    request(method, data) {
        return new Promise((resolve, reject) => {
            this.#socket.timeout(REQUEST_TIMEOUT_MS).emit('request', { method, data }, (late, error, response) => {
                if (late) {
                    reject(new SignalingError(method, `${method}: the server did not answer`));
                } else if (error) {
                    reject(new SignalingError(method, String(response ?? error)));
                } else {
                    resolve(response);
                }
            });
        });
    }

    /** Drops the connection as a lost network would (the client then reconnects by itself); for tests. */
    breakConnection() {
        this.#socket.io.engine.close();
    }

    close() {
        this.#socket.disconnect();
    }

    async #onRequest({ method, data }, acknowledge) {
        try {
            await this.#answer(method, data);
            acknowledge(null);
        } catch (error) {
            console.warn(`request ${method} of the server failed`, error);
            acknowledge(500, `request ${method} failed`);
        }
    }
}
