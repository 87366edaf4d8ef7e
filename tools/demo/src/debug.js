// window.kolabmeet: the state of the page for tests and for curious people at the console.
import { consumerCounters, producerCounters } from './stats.js';

const MAX_EVENTS = 500;

/** `timings` holds performance.now() of: join (the click), joined, and frames[tile id], the first picture shown. */
export function exposeDebug(timings) {
    const debug = {
        room: null,
        view: 'lobby',
        timings,
        events: [], // the last notifications, {method, data, at}

        get state() {
            return this.room?.state ?? 'idle';
        },
        get me() {
            return this.room && { ...this.room.me };
        },
        get peers() {
            return [...this.room?.peers.values() ?? []].map((peer) => ({ ...peer }));
        },
        get consumers() {
            return [...this.room?.session?.consumers.values() ?? []].map(
                ({ id, peerId, kind, source, paused, layers, score, consumer }) =>
                    ({ id, peerId, kind, source, paused, layers, score, rtpParameters: consumer.rtpParameters }));
        },
        get producers() {
            return [...this.room?.session?.producers.values() ?? []].map(({ id, source, paused, producer }) =>
                ({ id, source, paused, kind: producer.kind, rtpParameters: producer.rtpParameters }));
        },
        get transports() {
            return [...this.room?.session?.transports ?? []].map(([direction, transport]) =>
                ({ direction, id: transport.id, state: transport.connectionState }));
        },
        /** Every stream's raw counters: {consumers: [{id, peerId, source, …}], producers: [{id, source, …}]}. */
        async stats() {
            const session = this.room?.session;
            return {
                consumers: await Promise.all([...session?.consumers.values() ?? []].map(
                    async ({ id, peerId, source, consumer }) => ({ id, peerId, source, ...await consumerCounters(consumer) }))),
                producers: await Promise.all([...session?.producers.values() ?? []].map(
                    async ({ id, source, producer }) => ({ id, source, ...await producerCounters(producer) }))),
            };
        },
        follow(room) {
            this.room = room;
            room.on('notification', (method, data) => {
                this.events.push({ method, data, at: performance.now() });
                this.events.splice(0, this.events.length - MAX_EVENTS);
            });
        },
    };
    window.kolabmeet = debug;
    return debug;
}
