// Runs in the page before its own code: notes each decoded frame, each sample of getStats, and the messages about
// consumers, all by performance.now(). Found as window.probe.
(() => {
    const SAMPLE_MS = 200;
    const probe = {
        frames: {}, // by track id: [[when it was shown, width], …]
        samples: [], // {at, consumers: [{id, …}], producers: […]}
        told: {}, // consumer id -> when newConsumer came
        acknowledged: {}, // consumer id -> when it was answered
    };
    window.probe = probe;

    const { set, get } = Object.getOwnPropertyDescriptor(HTMLMediaElement.prototype, 'srcObject');
    Object.defineProperty(HTMLMediaElement.prototype, 'srcObject', {
        get,
        set(stream) {
            set.call(this, stream);
            const track = stream?.getVideoTracks()[0];
            if (track) follow(this, track.id);
        },
    });

    function follow(element, trackId) {
        const frames = (probe.frames[trackId] ??= []);
        const next = () => element.requestVideoFrameCallback((now, { presentationTime, width }) => {
            if (element.srcObject?.getVideoTracks()[0]?.id !== trackId) return;
            frames.push([presentationTime, width]);
            next();
        });
        next();
    }

    // socket.io: 42<n>["request", {…}] asks, 43<n>[…] acknowledges.
    const asked = new Map();
    const NativeWebSocket = window.WebSocket;
    window.WebSocket = class extends NativeWebSocket {
        constructor(...rest) {
            super(...rest);
            this.addEventListener('message', ({ data }) => {
                const match = /^42(\d+)(\[.*newConsumer.*)$/s.exec(data);
                if (!match) return;
                const { id } = JSON.parse(match[2])[1].data;
                probe.told[id] = performance.now();
                asked.set(match[1], id);
            });
        }

        send(data) {
            const number = /^43(\d+)/.exec(data)?.[1];
            if (asked.has(number)) {
                probe.acknowledged[asked.get(number)] = performance.now();
                asked.delete(number);
            }
            super.send(data);
        }
    };

    // The camera is as large as the upper layer.
    const { addTransceiver } = RTCPeerConnection.prototype;
    RTCPeerConnection.prototype.addTransceiver = function add(track, init) {
        for (const encoding of init?.sendEncodings ?? []) 
            encoding.scaleResolutionDownBy = Math.max(1, (encoding.scaleResolutionDownBy ?? 1) / 2);
        return addTransceiver.call(this, track, init);
    };

    // Sound that is one long signal: no silence in which nothing would be sent, nothing that takes it for noise.
    const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
    navigator.mediaDevices.getUserMedia = (constraints) => open(constraints.audio
        ? { audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false } } : constraints);

    const INBOUND = ['bytesReceived', 'headerBytesReceived', 'packetsReceived', 'packetsLost', 'framesDecoded', 'keyFramesDecoded',
        'framesReceived', 'framesDropped', 'frameWidth', 'totalSamplesReceived', 'concealedSamples', 'silentConcealedSamples', 'nackCount', 'pliCount',
        'retransmittedPacketsReceived', 'jitterBufferDelay', 'jitterBufferEmittedCount', 'freezeCount', 'totalFreezesDuration'];
    const OUTBOUND = ['ssrc', 'bytesSent', 'framesEncoded', 'framesSent', 'keyFramesEncoded', 'frameWidth', 'nackCount',
        'pliCount', 'targetBitrate', 'qualityLimitationReason', 'retransmittedPacketsSent'];
    const pick = (report, names) => Object.fromEntries(names.map((name) => [name, report[name]]));

    async function look() {
        const session = window.kolabmeet?.room?.session;
        const entry = { at: performance.now(), consumers: [], producers: [] };
        for (const { id, peerId, kind, paused, layers, score, consumer } of session?.consumers.values() ?? [])
            for (const report of (await consumer.getStats()).values())
                if (report.type === 'inbound-rtp')
                    entry.consumers.push({ id, peerId, kind, paused, spatial: layers?.spatialLayer ?? null, score,
                        track: consumer.track.id, ...pick(report, INBOUND) });
        for (const { id, producer } of session?.producers.values() ?? [])
            for (const report of (await producer.getStats()).values())
                if (report.type === 'outbound-rtp')
                    entry.producers.push({ id, kind: producer.kind, ...pick(report, OUTBOUND) });
        if (entry.consumers.length || entry.producers.length) probe.samples.push(entry);
    }

    // A consumer that ends while it is looked at throws.
    function sample() {
        look().catch((error) => (probe.error = error.message)).finally(() => setTimeout(sample, SAMPLE_MS));
    }
    sample();
})();
