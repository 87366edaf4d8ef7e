// Rates out of getStats(), for the tiles (summaries) and for tests (the raw counters).

/** The counters of one consumer: what tests look at. */
export async function consumerCounters(consumer) {
    const counters = { kind: consumer.kind, paused: consumer.paused };
    for (const report of (await consumer.getStats()).values()) {
        if (report.type === 'inbound-rtp') {
            for (const key of ['ssrc', 'bytesReceived', 'packetsReceived', 'packetsLost', 'framesReceived',
                'framesDecoded', 'framesDropped', 'keyFramesDecoded', 'framesPerSecond', 'frameWidth', 'frameHeight',
                'freezeCount', 'totalAudioEnergy', 'totalSamplesReceived', 'concealedSamples', 'audioLevel', 'jitter',
                'nackCount', 'pliCount', 'firCount', 'decoderImplementation', 'timestamp']) {
                counters[key] = report[key];
            }
        } else if (report.type === 'codec') {
            counters.codec = report.mimeType;
        }
    }
    return counters;
}

/** The counters of one producer, its encodings apart in `encodings`. */
export async function producerCounters(producer) {
    const counters = { kind: producer.kind, paused: producer.paused, encodings: [] };
    const remote = { packetsLost: 0, roundTripTime: undefined };
    for (const report of (await producer.getStats()).values()) {
        if (report.type === 'outbound-rtp') {
            counters.encodings.push({
                rid: report.rid, ssrc: report.ssrc, active: report.active,
                bytesSent: report.bytesSent, packetsSent: report.packetsSent,
                retransmittedPacketsSent: report.retransmittedPacketsSent,
                framesEncoded: report.framesEncoded, keyFramesEncoded: report.keyFramesEncoded,
                framesPerSecond: report.framesPerSecond, frameWidth: report.frameWidth, frameHeight: report.frameHeight,
                nackCount: report.nackCount, pliCount: report.pliCount,
                qualityLimitationReason: report.qualityLimitationReason, timestamp: report.timestamp,
            });
        } else if (report.type === 'remote-inbound-rtp') {
            remote.packetsLost += report.packetsLost ?? 0;
            remote.roundTripTime = report.roundTripTime ?? remote.roundTripTime;
        } else if (report.type === 'media-source') {
            counters.totalAudioEnergy = report.totalAudioEnergy;
        } else if (report.type === 'codec') {
            counters.codec = report.mimeType;
        }
    }
    return { ...counters, ...remote };
}

/** One direction's line out of counters: totals that a later call turns into rates. */
export function totalsOf(counters) {
    if (counters.encodings) {
        const largest = counters.encodings
            .filter((encoding) => encoding.framesPerSecond > 0)
            .reduce((best, encoding) => ((encoding.frameWidth ?? 0) > (best?.frameWidth ?? -1) ? encoding : best), null);
        return {
            bytes: sum(counters.encodings, 'bytesSent'),
            expected: sum(counters.encodings, 'packetsSent'),
            lost: counters.packetsLost,
            width: largest?.frameWidth, height: largest?.frameHeight, fps: largest?.framesPerSecond,
            timestamp: counters.encodings[0]?.timestamp,
        };
    }
    return {
        bytes: counters.bytesReceived ?? 0,
        expected: (counters.packetsReceived ?? 0) + (counters.packetsLost ?? 0),
        lost: counters.packetsLost ?? 0,
        width: counters.frameWidth, height: counters.frameHeight, fps: counters.framesPerSecond,
        timestamp: counters.timestamp,
    };
}

/** Rates between two totals: {bitrate (bit/s), lossPercent, width, height, fps}; null while there is no interval. */
export function ratesBetween(before, now) {
    const seconds = before ? (now.timestamp - before.timestamp) / 1000 : 0;
    if (!(seconds > 0)) {
        return null;
    }
    const lost = Math.max(0, now.lost - before.lost);
    const expected = now.expected - before.expected;
    return {
        bitrate: Math.max(0, ((now.bytes - before.bytes) * 8) / seconds),
        lossPercent: expected > 0 ? Math.min(100, (100 * lost) / expected) : 0,
        width: now.width, height: now.height, fps: now.fps,
    };
}

export function formatBitrate(bitsPerSecond) {
    return bitsPerSecond >= 999500
        ? `${(bitsPerSecond / 1e6).toFixed(1)} Mbit/s`
        : `${Math.round(bitsPerSecond / 1000)} kbit/s`;
}

function sum(list, key) {
    return list.reduce((total, item) => total + (item[key] ?? 0), 0);
}
