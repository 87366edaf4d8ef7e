// What this side sends: joins the tracks of LocalMedia with the producers of the room's current session, also after
// a new session took its place. Events: change (source), error.
//
// Muting pauses the producer and keeps the device open; a screen is closed instead.
import { Emitter } from './emitter.js';

export class Publishing extends Emitter {
    #room;
    #media;
    #wanted; // Set of sources that are to be on
    #offEnded;
    #busy = new Map(); // source -> promise of its last change; changes of one source follow each other

    constructor({ room, media, wanted }) {
        super();
        this.#room = room;
        this.#media = media;
        this.#wanted = new Set(Object.keys(wanted).filter((source) => wanted[source]));
        this.#offEnded = media.on('ended', (source) => this.set(source, false));
    }

    close() {
        this.#offEnded();
    }

    isOn(source) {
        const producer = this.#room.session?.producers.get(source);
        return Boolean(producer) && !producer.paused;
    }

    /** The track that others see of `source` now, or null. */
    shown(source) {
        return this.isOn(source) ? this.#media.track(source) : null;
    }

    /** After a join: publishes what is wanted and open already. */
    start() {
        const sources = ['mic', 'webcam', 'screen'].filter((source) => this.#wanted.has(source) && this.#media.track(source));
        return Promise.all(sources.map((source) => this.set(source, true)));
    }

    toggle(source) {
        return this.set(source, !this.isOn(source));
    }

    /** Turns a source on or off; failures are told by the event `error`, and the source is then off. */
    set(source, on) {
        const change = (this.#busy.get(source) ?? Promise.resolve())
            .then(() => (on ? this.#turnOn(source) : this.#turnOff(source)))
            .catch((error) => {
                this.#wanted.delete(source);
                // Closing the browser's choice of screens is an answer, not a fault.
                if (source !== 'screen' || error.name !== 'NotAllowedError') {
                    this.emit('error', error);
                }
            })
            .then(() => this.emit('change', source));
        this.#busy.set(source, change);
        return change;
    }

    async #turnOn(source) {
        const { session } = this.#room;
        if (!this.#room.canPublish) {
            throw new Error('You may only watch and listen in this room.');
        }
        this.#wanted.add(source);
        if (session.producers.has(source)) {
            await session.setPaused(source, false);
            return;
        }
        const track = await this.#media.open(source);
        try {
            await session.publish(source, track);
        } catch (error) {
            this.#media.close(source);
            throw error;
        }
    }

    async #turnOff(source) {
        const { session } = this.#room;
        this.#wanted.delete(source);
        if (source === 'screen' || !this.#media.track(source)) {
            this.#media.close(source);
            await session?.unpublish(source);
        } else {
            await session?.setPaused(source, true);
        }
    }
}
