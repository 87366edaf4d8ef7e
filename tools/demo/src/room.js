// One stay in a room: signaling, the other people, chat, hands; its media is in session.js.
// Events: state (name, reason), peer, peer-left (record), chat ({peerId, nickname, message, time}), error (Error),
// notification (method, data: everything that came), session (a new MediaSession: its media starts over).
//
// States: connecting -> joined <-> reconnecting, and closed (reason) at the end.
import { askOwnStats } from './api.js';
import { Emitter } from './emitter.js';
import { MediaSession } from './session.js';
import { Signaling } from './signaling.js';

export const ROLE_PUBLISHER = 2;
const ENTER_TIMEOUT_MS = 15000;

export class Room extends Emitter {
    #place;
    #nickname;
    #media; // how the MediaSession is to be made
    #signaling;

    state = 'idle';
    session = null;
    peers = new Map(); // the others: {id, nickname, role, raisedHand, joined}
    me = { id: '', nickname: '', role: 0, raisedHand: false };

    /** `place` is what requestPlace() of api.js gave. */
    constructor(place, { nickname, ...media }) {
        super();
        this.#place = place;
        this.#nickname = nickname;
        this.#media = media;
        this.me.id = place.peerId;
        this.me.nickname = nickname;
    }

    get id() {
        return this.#place.roomId;
    }

    get signaling() {
        return this.#signaling;
    }

    get canPublish() {
        return Boolean(this.me.role & ROLE_PUBLISHER);
    }

    /** Connects and joins; ends in the state joined or throws. */
    enter() {
        this.#setState('connecting');
        return new Promise((resolve, reject) => {
            const late = setTimeout(() => this.#close('The server does not answer.'), ENTER_TIMEOUT_MS);
            const stop = this.on('state', (state, reason) => {
                if (state === 'joined' || state === 'closed') {
                    clearTimeout(late);
                    stop();
                    state === 'joined' ? resolve() : reject(new Error(reason));
                }
            });
            this.#signaling = new Signaling(this.#place.query, (method, data) => this.#onRequest(method, data));
            this.#signaling.on('notification', (method, data) => this.#onNotification(method, data ?? {}));
            this.#signaling.on('down', () => this.#onDown());
            this.#signaling.on('ended', () => this.#close('The server ended the connection to this room.'));
        });
    }

    leave() {
        this.#close('You left the room.');
    }

    /** What the server counts of this peer. */
    askServer() {
        return askOwnStats(this.#place.query);
    }

    sendChat(message) {
        return this.#signaling.request('chatMessage', { message });
    }

    raiseHand(raisedHand) {
        return this.#signaling.request('raisedHand', { raisedHand });
    }

    changeNickname(nickname) {
        return this.#signaling.request('changeNickname', { nickname });
    }

    #setState(state, reason) {
        if (this.state !== state) {
            this.state = state;
            this.emit('state', state, reason);
        }
    }

    #close(reason) {
        if (this.state === 'closed') {
            return;
        }
        this.#setState('closed', reason);
        this.session?.close();
        this.#signaling?.close();
    }

    #onDown() {
        if (this.state === 'joined') {
            this.#setState('reconnecting');
        }
    }

    async #onRequest(method, data) {
        if (method !== 'newConsumer') {
            throw new Error(`unknown request ${method}`);
        }
        await this.session.consume(data);
    }

    #onNotification(method, data) {
        this.emit('notification', method, data);
        this.#handlers[method]?.(data);
    }

    #handlers = {
        roomReady: ({ iceServers }) => this.#join(iceServers).catch((error) => this.#close(error.message)),
        roomBack: () => {
            this.#setState('joined');
            this.session?.restartLost();
        },
        newPeer: (info) => this.#updatePeer(info.id, { ...info, joined: true }),
        peerClosed: ({ peerId }) => {
            const peer = this.peers.get(peerId);
            if (peer) {
                this.peers.delete(peerId);
                this.emit('peer-left', peer);
            }
        },
        changeNickname: ({ peerId, nickname }) => this.#updatePeer(peerId, { nickname }),
        changeRaisedHand: ({ peerId, raisedHand }) => this.#updatePeer(peerId, { raisedHand: Boolean(raisedHand) }),
        changeRole: ({ peerId, role }) => this.#changeRole(peerId, role),
        chatMessage: (message) => this.emit('chat', { ...message, time: new Date() }),
        consumerClosed: ({ consumerId }) => this.session?.consumerClosed(consumerId),
        consumerPaused: ({ consumerId }) => this.#report(this.session?.consumerPaused(consumerId, true)),
        consumerResumed: ({ consumerId }) => this.#report(this.session?.consumerPaused(consumerId, false)),
        consumerLayersChanged: ({ consumerId, layers }) =>
            this.session?.consumerInfo(consumerId, { layers: layers ?? null }),
        consumerScoreChanged: ({ consumerId, score }) => this.session?.consumerInfo(consumerId, { score }),
        'moderator:kickPeer': () => this.#close('A moderator removed you from the room.'),
        'moderator:closeRoom': () => this.#close('The owner closed the room.'),
    };

    // Also runs after a break so long that the server has made a new room state for this peer: media starts over.
    async #join(iceServers) {
        this.session?.close();
        this.#setState('connecting');
        this.session = new MediaSession(this.#signaling, { iceServers, ...this.#media });
        this.session.on('error', (error) => this.emit('error', error));
        this.emit('session', this.session);
        await this.session.open();
        const { peers, ...me } = await this.#signaling.request('join', {
            nickname: this.#nickname,
            rtpCapabilities: this.session.rtpCapabilities,
        });
        Object.assign(this.me, me);
        for (const peer of [...this.peers.values()].filter(({ id }) => !peers.some((other) => other.id === id))) {
            this.#handlers.peerClosed({ peerId: peer.id });
        }
        for (const peer of peers) {
            // One who has a connection but has not joined yet is listed without a nickname.
            this.#updatePeer(peer.id, { ...peer, joined: peer.nickname !== false });
        }
        this.#setState('joined');
    }

    #updatePeer(id, changes) {
        if (id === this.me.id) {
            Object.assign(this.me, changes);
            this.#nickname = this.me.nickname;
            this.emit('peer', this.me);
            return;
        }
        const peer = this.peers.get(id) ?? { id, nickname: '', role: 0, raisedHand: false, joined: false };
        Object.assign(peer, changes);
        this.peers.set(id, peer);
        this.emit('peer', peer);
    }

    #changeRole(peerId, role) {
        this.#updatePeer(peerId, { role });
        if (peerId === this.me.id && !this.canPublish) {
            for (const source of this.session?.producers.keys() ?? []) {
                this.#report(this.session.unpublish(source));
            }
        }
    }

    #report(promise) {
        promise?.catch((error) => this.emit('error', error));
    }
}
