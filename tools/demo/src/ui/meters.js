// The clockwork of a meeting: rates for the tiles once a second, who is speaking a few times a second.
import { MicMeter, receivedLevel, SpeakingDetector } from '../levels.js';
import { layerCount, serverFacts } from '../plots.js';
import { consumerCounters, producerCounters, ratesBetween, totalsOf } from '../stats.js';

const STATS_INTERVAL_MS = 1000;
const LEVEL_INTERVAL_MS = 200;

export class Meters {
    #room;
    #media;
    #tileOf;
    #timers;
    #totals = new Map(); // id of consumer or producer -> totals a second ago
    #detectors = new Map(); // by peer id
    #ownMeter = null;
    #ownTrack = null;

    asksServer = false; // for what only it knows, while plots are shown

    /** `tileOf(peerId, source)` finds the tile to show numbers in, or undefined. */
    constructor({ room, media, tileOf }) {
        this.#room = room;
        this.#media = media;
        this.#tileOf = tileOf;
        this.#timers = [
            setInterval(() => this.#showStats().catch(() => {}), STATS_INTERVAL_MS), // a stream may close meanwhile
            setInterval(() => this.#showSpeakers(), LEVEL_INTERVAL_MS),
        ];
    }

    close() {
        this.#timers.forEach(clearInterval);
        this.#ownMeter?.close();
    }

    async #showStats() {
        const { session, me } = this.#room;
        if (!session) {
            return;
        }
        const streams = [
            ...[...session.producers.values()].map(({ id, source, paused, producer }) =>
                ({ id, source, paused, peerId: me.id, read: () => producerCounters(producer) })),
            ...[...session.consumers.values()].map(({ id, source, paused, peerId, consumer }) =>
                ({ id, source, paused, peerId, consumer, read: () => consumerCounters(consumer) })),
        ];
        const tiles = new Map();
        const totals = new Map();
        for (const { id, source, paused, peerId, consumer, read } of streams) {
            const now = totalsOf(await read());
            const tile = this.#tileOf(peerId, source);
            totals.set(id, now);
            if (tile) {
                const rates = tiles.get(tile) ?? { video: null, audio: null };
                rates[source === 'mic' ? 'audio' : 'video'] = paused ? null : ratesBetween(this.#totals.get(id), now);
                rates.shown = source === 'mic' ? rates.shown : consumer;
                tiles.set(tile, rates);
            }
        }
        this.#totals = totals;
        tiles.forEach((rates, tile) => tile.setStats(rates));
        this.#plot(tiles, this.asksServer ? serverFacts(await this.#room.askServer().catch(() => null)) : null);
    }

    #plot(tiles, server) {
        const own = this.#tileOf(this.#room.me.id, 'webcam');
        let received = 0;
        for (const [tile, rates] of tiles) {
            const sample = sampleOf(rates);
            const consumer = rates.shown;
            const fact = server?.consumers.get(consumer?.id);
            if (tile !== own) {
                received += consumer || tile.id !== `${own?.id}:screen` ? sample.bitrate : 0;
                tile.plot({ ...sample, layers: consumer ? layerCount(consumer.rtpParameters) : null, ...fact });
            }
        }
        own?.plot({ ...sampleOf(tiles.get(own) ?? {}), received, estimate: server?.estimate ?? null, note: whyOf(server) });
    }

    #showSpeakers() {
        const { session, me } = this.#room;
        for (const { kind, peerId, consumer } of session?.consumers.values() ?? []) {
            if (kind === 'audio') {
                this.#showSpeaker(peerId, receivedLevel(consumer));
            }
        }
        this.#showSpeaker(me.id, this.#ownLevel());
    }

    #ownLevel() {
        const track = this.#media.track('mic');
        if (track !== this.#ownTrack) {
            this.#ownMeter?.close();
            this.#ownMeter = track ? new MicMeter(track) : null;
            this.#ownTrack = track;
        }
        return this.#ownMeter?.level() ?? 0;
    }

    #showSpeaker(peerId, level) {
        const detector = this.#detectors.get(peerId) ?? new SpeakingDetector();
        this.#detectors.set(peerId, detector);
        this.#tileOf(peerId, 'mic')?.setSpeaking(detector.update(level, performance.now()));
    }
}

function sampleOf({ video, audio }) {
    return {
        bitrate: (video?.bitrate ?? 0) + (audio?.bitrate ?? 0),
        loss: Math.max(video?.lossPercent ?? 0, audio?.lossPercent ?? 0),
    };
}

function whyOf(server) {
    return server?.estimate && server.why ? `(${server.why})` : '';
}
