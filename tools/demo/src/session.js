// The media of one stay in a room: a device, one transport each way, producers by source, consumers by id.
// Events: consumer, consumer-changed, consumer-closed (record); producer-changed (source); transport (record); error.
//
// A consumer record is {id, peerId, kind, source, consumer, paused, layers, score}; `paused` tells that the sender
// is muted. A producer record is {id, source, producer, paused}.
import { Device } from 'mediasoup-client';
import { Emitter } from './emitter.js';

const VIDEO_ORIENTATION = 'urn:3gpp:video-orientation';
const RESTART_DELAY_MS = 2000;
const SVC_MAX_BITRATE = 1500000;

// What the Kolab client sends: two simulcast layers each for camera and screen.
const SOURCES = {
    mic: {
        kind: 'audio',
        codecOptions: { opusDtx: true, opusFec: true },
    },
    webcam: {
        kind: 'video',
        encodings: [
            { maxBitrate: 300000, scaleResolutionDownBy: 4 },
            { maxBitrate: 800000, scaleResolutionDownBy: 2 },
        ],
        codecOptions: { videoGoogleStartBitrate: 1000 },
    },
    screen: {
        kind: 'video',
        encodings: [
            { maxBitrate: 1500000, dtx: true },
            { maxBitrate: 5000000, dtx: true },
        ],
        codecOptions: { videoGoogleStartBitrate: 1000 },
    },
};

export class MediaSession extends Emitter {
    #signaling;
    #device;
    #iceServers;
    #preferredCodec;
    #svc;
    #relay;
    #tcp;
    #restartTimers = new Map();
    #sending = null; // promise of the sending transport
    #closed = false;

    transports = new Map(); // 'send' | 'recv' -> mediasoup-client transport
    producers = new Map(); // by source
    consumers = new Map(); // by consumer id

    constructor(signaling, { iceServers, preferredCodec, svc, relay = false, tcp = false }) {
        super();
        this.#signaling = signaling;
        this.#iceServers = iceServers ?? undefined;
        this.#preferredCodec = preferredCodec;
        this.#svc = svc;
        this.#relay = relay;
        this.#tcp = tcp;
    }

    get rtpCapabilities() {
        return this.#device.recvRtpCapabilities;
    }

    /** Loads the device and makes the receiving transport, which has to exist before the join. */
    async open() {
        const capabilities = await this.#signaling.request('getRouterRtpCapabilities');
        capabilities.headerExtensions = capabilities.headerExtensions.filter((ext) => ext.uri !== VIDEO_ORIENTATION);
        this.#device = await Device.factory();
        await this.#device.load({ routerRtpCapabilities: capabilities });
        await this.#createTransport('recv');
    }

    async publish(source, track) {
        const { kind, encodings, codecOptions } = SOURCES[source];
        if (!this.#device.canProduce(kind)) {
            throw new Error(`This browser and the server share no ${kind} codec.`);
        }
        // Camera and microphone are published at once: the one transport for both is made once.
        this.#sending ??= this.#createTransport('send').catch((error) => {
            this.#sending = null;
            throw error;
        });
        await this.#sending;
        track.enabled = true; // a producer that was paused may have left it disabled
        const producer = await this.transports.get('send').produce({
            track,
            stopTracks: false, // tracks belong to LocalMedia, and may be published again
            encodings: encodings && this.#encodingsOf(encodings),
            codecOptions,
            codec: kind === 'video' ? this.#chosenCodec() : undefined,
            appData: { source },
        });
        this.producers.set(source, { id: producer.id, source, producer, paused: false });
        producer.on('transportclose', () => this.producers.delete(source));
        this.emit('producer-changed', source);
    }

    #encodingsOf(encodings) {
        if (this.#svc) {
            return [{ scalabilityMode: this.#svc, maxBitrate: SVC_MAX_BITRATE }];
        }
        return encodings.map((encoding) => ({ ...encoding }));
    }

    async unpublish(source) {
        const record = this.producers.get(source);
        if (!record) {
            return;
        }
        this.producers.delete(source);
        record.producer.close();
        this.emit('producer-changed', source);
        await this.#signaling.request('closeProducer', { producerId: record.id });
    }

    async setPaused(source, paused) {
        const record = this.producers.get(source);
        if (!record || record.paused === paused) {
            return;
        }
        record.paused = paused;
        record.producer[paused ? 'pause' : 'resume']();
        this.emit('producer-changed', source);
        await this.#signaling.request(paused ? 'pauseProducer' : 'resumeProducer', { producerId: record.id });
    }

    /** The server's `newConsumer` request. It may be repeated, with the same content. */
    async consume({ id, peerId, producerId, kind, rtpParameters, appData, producerPaused }) {
        if (this.consumers.has(id)) {
            return;
        }
        const consumer = await this.transports.get('recv').consume({ id, producerId, kind, rtpParameters, appData });
        const record = {
            id, peerId, kind, consumer,
            source: appData?.source ?? (kind === 'audio' ? 'mic' : 'webcam'),
            paused: Boolean(producerPaused), layers: null, score: null,
        };
        if (record.paused) {
            consumer.pause();
        }
        this.consumers.set(id, record);
        consumer.on('transportclose', () => this.consumerClosed(id));
        this.emit('consumer', record);
    }

    consumerClosed(id) {
        const record = this.consumers.get(id);
        if (record) {
            this.consumers.delete(id);
            record.consumer.close();
            this.emit('consumer-closed', record);
        }
    }

    /** The sender muted or unmuted: do the same on this side and tell the server so. */
    async consumerPaused(id, paused) {
        const record = this.consumers.get(id);
        if (!record) {
            return;
        }
        record.paused = paused;
        record.consumer[paused ? 'pause' : 'resume']();
        this.emit('consumer-changed', record);
        await this.#signaling.request(paused ? 'pauseConsumer' : 'resumeConsumer', { consumerId: id });
    }

    consumerInfo(id, info) {
        const record = this.consumers.get(id);
        if (record) {
            Object.assign(record, info);
            this.emit('consumer-changed', record);
        }
    }

    /** Restarts ICE for each transport that has lost its path; what roomBack asks for. */
    async restartLost() {
        const lost = [...this.transports.values()].filter(
            ({ connectionState }) => connectionState === 'disconnected' || connectionState === 'failed');
        await Promise.all(lost.map((transport) => this.#restartIce(transport)));
    }

    close() {
        this.#closed = true;
        for (const timer of this.#restartTimers.values()) {
            clearTimeout(timer);
        }
        for (const transport of this.transports.values()) {
            transport.close();
        }
        this.transports.clear();
    }

    #chosenCodec() {
        const wanted = `video/${this.#preferredCodec}`;
        return this.#preferredCodec
            ? this.#device.sendRtpCapabilities.codecs.find((codec) => codec.mimeType.toLowerCase() === wanted)
            : undefined;
    }

    async #createTransport(direction) {
        const sending = direction === 'send';
        const parameters = await this.#signaling.request('createWebRtcTransport', {
            forceTcp: this.#tcp, producing: sending, consuming: !sending,
        });
        const transport = this.#device[sending ? 'createSendTransport' : 'createRecvTransport']({
            ...parameters, iceServers: this.#iceServers, iceTransportPolicy: this.#relay ? 'relay' : 'all',
        });
        this.transports.set(direction, transport);

        transport.on('connect', ({ dtlsParameters }, done, failed) => {
            this.#signaling.request('connectWebRtcTransport', { transportId: transport.id, dtlsParameters })
                .then(done, failed);
        });
        transport.on('produce', ({ kind, rtpParameters, appData }, done, failed) => {
            this.#signaling.request('produce', { transportId: transport.id, kind, rtpParameters, appData })
                .then(done, failed);
        });
        transport.on('connectionstatechange', (state) => this.#onConnectionState(transport, direction, state));
    }

    #onConnectionState(transport, direction, state) {
        clearTimeout(this.#restartTimers.get(transport));
        this.#restartTimers.delete(transport);
        this.emit('transport', { direction, state });
        // Most breaks heal by themselves within moments; without signaling, roomBack comes first anyhow.
        if (state === 'disconnected' || state === 'failed') {
            const restart = () => this.#signaling.connected && this.#restartIce(transport);
            this.#restartTimers.set(transport, setTimeout(restart, state === 'failed' ? 0 : RESTART_DELAY_MS));
        }
    }

    async #restartIce(transport) {
        if (this.#closed) {
            return;
        }
        try {
            const iceParameters = await this.#signaling.request('restartIce', { transportId: transport.id });
            await transport.restartIce({ iceParameters });
        } catch (error) {
            this.emit('error', error);
        }
    }
}
