// The meeting's view: keeps tiles, header, buttons and chat in step with a Room and its session.
import { Publishing } from '../publishing.js';
import { ChatPanel } from './chat.js';
import { displayName, h, icon } from './dom.js';
import { Grid } from './grid.js';
import { Header } from './header.js';
import { Meters } from './meters.js';
import { Tile } from './tile.js';
import { showError, toast } from './toast.js';
import { Toolbar } from './toolbar.js';

export class Meeting {
    #room;
    #media;
    #onLeave;
    #timings;
    #publishing;
    #grid = new Grid();
    #toolbar;
    #header;
    #chat;
    #meters;
    #banner = h('div', { class: 'banner', role: 'status', hidden: true }, icon('offline'),
        h('span', {}, 'The connection is lost. Reconnecting…'));
    #sound = h('button', { class: 'banner sound', type: 'button', hidden: true, onclick: () => this.#unlockSound() },
        icon('sound-off'), h('span', {}, 'Click here to hear the others'));
    #off = [];

    /** `timings.frames[peerId]` is set to the time of the first picture of each peer, for measurements. */
    constructor({ room, media, wanted, roomName, timings, onLeave }) {
        this.#room = room;
        this.#media = media;
        this.#onLeave = onLeave;
        this.#timings = timings;
        this.#publishing = new Publishing({ room, media, wanted });
        this.#toolbar = new Toolbar({ onPress: (id) => this.#press(id) });
        this.#header = new Header({ roomName, onRename: (name) => this.#run(room.changeNickname(name)) });
        this.#chat = new ChatPanel({
            ownId: room.me.id,
            onSend: (text) => this.#run(room.sendChat(text)),
            onClose: () => this.#showChat(false),
            onUnread: (count) => this.#toolbar.setUnread(count),
        });
        this.#meters = new Meters({ room, media, tileOf: (peerId, source) => this.#grid.get(tileId(peerId, source)) });
        this.element = h('main', { class: 'meeting show-stats' }, this.#header.element,
            h('div', { class: 'meeting-body' },
                h('div', { class: 'meeting-tiles' }, this.#banner, this.#sound, this.#grid.element), this.#chat.element),
            this.#toolbar.element);
        this.element.addEventListener('keydown', (event) => {
            if (event.key === 'Escape' && this.#chat.open && !event.target.closest('dialog')) {
                this.#showChat(false);
            }
        });
        this.#toolbar.set('stats', true);
        this.#listen();
        this.#addTile(room.me.id, { self: true }).setMuted(true);
        this.#showPeer(room.me);
    }

    remove() {
        this.#off.forEach((stop) => stop());
        this.#publishing.close();
        this.#meters.close();
        this.#toolbar.remove();
        this.element.remove();
    }

    #listen() {
        const room = this.#room;
        this.#off.push(
            room.on('session', (session) => this.#followSession(session)),
            room.on('state', (state) => this.#showState(state)),
            room.on('peer', (peer) => this.#showPeer(peer)),
            room.on('peer-left', (peer) => this.#removePeer(peer)),
            room.on('error', showError),
            room.on('chat', (message) => this.#showChatMessage(message)),
            this.#publishing.on('change', (source) => this.#showOwn(source)),
            this.#publishing.on('error', showError),
        );
    }

    #followSession(session) {
        for (const tile of this.#grid.tiles.filter(({ id }) => id !== this.#room.me.id)) {
            this.#grid.remove(tile.id);
        }
        session.on('consumer', (record) => this.#showConsumer(record));
        session.on('consumer-changed', (record) => this.#showConsumer(record));
        session.on('consumer-closed', (record) => this.#hideConsumer(record));
        session.on('producer-changed', (source) => this.#showOwn(source));
    }

    #showState(state) {
        this.#banner.hidden = state !== 'reconnecting';
        if (state === 'joined') {
            this.#allowPublishing();
            this.#showPeer(this.#room.me);
            this.#publishing.start();
        }
    }

    #allowPublishing() {
        for (const source of ['mic', 'webcam', 'screen']) {
            this.#toolbar.enable(source, this.#room.canPublish);
        }
    }

    #addTile(peerId, { self = false, screen = false } = {}) {
        const id = screen ? `${peerId}:screen` : peerId;
        const tile = new Tile({
            id, self, screen,
            onPin: () => this.#grid.togglePin(id),
            onFrame: () => (this.#timings.frames[id] ??= performance.now()),
            onSilenced: () => (this.#sound.hidden = false),
        });
        tile.setName(self ? this.#room.me.nickname : this.#room.peers.get(peerId)?.nickname);
        this.#grid.add(tile);
        return tile;
    }

    /** Tiles come with the first news of a peer that has joined, or with its first stream. */
    #showPeer(peer) {
        const own = peer === this.#room.me;
        const known = this.#grid.get(peer.id);
        if (!known && !peer.joined) {
            return;
        }
        const tile = known ?? this.#addTile(peer.id);
        if (!known) {
            tile.setMuted(true);
            for (const record of this.#room.session?.consumers.values() ?? []) {
                if (record.peerId === peer.id) {
                    this.#showConsumer(record);
                }
            }
            if (this.#room.state === 'joined') {
                toast(`${displayName(peer.nickname)} joined`);
            }
        }
        tile.setName(peer.nickname);
        tile.setHand(peer.raisedHand);
        this.#grid.get(`${peer.id}:screen`)?.setName(peer.nickname);
        if (own) {
            this.#header.setName(displayName(peer.nickname));
            this.#toolbar.set('hand', peer.raisedHand);
            this.#allowPublishing();
        }
        this.#countPeople();
    }

    #removePeer(peer) {
        if (this.#grid.get(peer.id)) {
            toast(`${displayName(peer.nickname)} left`);
        }
        this.#grid.remove(peer.id);
        this.#grid.remove(`${peer.id}:screen`);
        this.#countPeople();
    }

    #countPeople() {
        this.#header.setCount(this.#grid.tiles.filter(({ id }) => !id.endsWith(':screen')).length);
    }

    #showConsumer({ peerId, source, consumer, paused }) {
        const screen = source === 'screen';
        const tile = this.#grid.get(tileId(peerId, source)) ?? this.#addTile(peerId, { screen });
        if (source === 'mic') {
            tile.setSound(consumer.track);
            tile.setMuted(paused);
        } else {
            tile.setPicture(paused ? null : consumer.track);
        }
    }

    #hideConsumer({ peerId, source }) {
        const tile = this.#grid.get(tileId(peerId, source));
        if (source === 'screen') {
            this.#grid.remove(tileId(peerId, source));
        } else if (source === 'mic') {
            tile?.setSound(null);
            tile?.setMuted(true);
        } else {
            tile?.setPicture(null);
        }
    }

    #showOwn(source) {
        const { me } = this.#room;
        const on = this.#publishing.isOn(source);
        this.#toolbar.set(source, on);
        if (source === 'mic') {
            this.#grid.get(me.id).setMuted(!on);
        } else if (source === 'webcam') {
            this.#grid.get(me.id).setPicture(this.#publishing.shown('webcam'));
        } else if (on) {
            (this.#grid.get(`${me.id}:screen`) ?? this.#addTile(me.id, { self: true, screen: true }))
                .setPicture(this.#publishing.shown('screen'));
        } else {
            this.#grid.remove(`${me.id}:screen`);
        }
    }

    #showChatMessage(message) {
        this.#chat.add(message);
        if (!this.#chat.open) {
            toast(`${displayName(message.nickname)}: ${String(message.message).slice(0, 120)}`);
        }
    }

    #showChat(open) {
        this.element.classList.toggle('with-chat', open);
        this.#chat.toggle(open);
        this.#toolbar.set('chat', open);
        if (!open) {
            this.#toolbar.focus('chat');
        }
    }

    #press(id) {
        const actions = {
            hand: () => this.#run(this.#room.raiseHand(!this.#room.me.raisedHand)),
            chat: () => this.#showChat(!this.#chat.open),
            stats: () => this.#toolbar.set('stats', this.element.classList.toggle('show-stats')),
            plots: () => this.#showPlots(this.element.classList.toggle('show-plots')),
            leave: () => this.#onLeave(),
        };
        (actions[id] ?? (() => this.#publishing.toggle(id)))();
    }

    #showPlots(on) {
        this.#toolbar.set('plots', on);
        this.#meters.asksServer = on;
    }

    #unlockSound() {
        this.#sound.hidden = true;
        this.#grid.tiles.forEach((tile) => tile.playSound());
    }

    /** Shows what goes wrong with a request; resolves to whether it went well. */
    #run(promise) {
        return promise.then(() => true, (error) => {
            showError(error);
            return false;
        });
    }
}

function tileId(peerId, source) {
    return source === 'screen' ? `${peerId}:screen` : peerId;
}
