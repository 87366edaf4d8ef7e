// Figures of what a receiver saw within a span of time, out of the notes of probe.js. Times are ms since the epoch.

const FREEZE_MS = 200;
const REPAIR = ['packetsReceived', 'packetsLost', 'nackCount', 'retransmittedPacketsReceived', 'pliCount', 'framesReceived',
    'framesDecoded', 'framesDropped', 'keyFramesDecoded'];

const sum = (values) => values.reduce((total, value) => total + value, 0);
const round = (value, digits = 0) => (Number.isFinite(value) ? Number(value.toFixed(digits)) : null);

function nearest(samples, at) {
    return samples.reduce((best, sample) => (Math.abs(sample.at - at) < Math.abs(best.at - at) ? sample : best), samples[0]);
}

// The gaps between the frames of one track that begin or end in the span, in ms; without frames, all of it.
export function gaps(frames, from, to) {
    const times = frames.map(([at]) => at);
    const before = times.filter((at) => at < from).at(-1) ?? from;
    const inside = times.filter((at) => at >= from && at <= to);
    const edges = [before, ...inside, to];
    return edges.slice(1).map((at, i) => at - edges[i]);
}

// Notes with all times since the epoch.
export function absolute({ origin, frames, samples, told, acknowledged }) {
    const shift = (times) => Object.fromEntries(Object.entries(times).map(([id, at]) => [id, at + origin]));
    return {
        frames: Object.fromEntries(Object.entries(frames).map(
            ([track, list]) => [track, list.map(([at, width]) => [at + origin, width])])),
        samples: samples.map((sample) => ({ ...sample, at: sample.at + origin })),
        told: shift(told),
        acknowledged: shift(acknowledged),
    };
}

// How much a counter of each consumer of a kind rose.
function rises(notes, kind, name, from, to) {
    const [first, last] = [nearest(notes.samples, from), nearest(notes.samples, to)];
    return last.consumers.filter((consumer) => consumer.kind === kind).map((consumer) =>
        (consumer[name] ?? 0) - (first.consumers.find(({ id }) => id === consumer.id)?.[name] ?? 0));
}

// Frames that a publisher sent, of its encoding that sent most.
function framesSent(notes, from, to) {
    const [first, last] = [nearest(notes.samples, from), nearest(notes.samples, to)];
    return Math.max(...last.producers.filter(({ kind }) => kind === 'video').map((encoding) =>
        encoding.framesSent - (first.producers.find(({ ssrc }) => ssrc === encoding.ssrc)?.framesSent ?? 0)));
}

export function widest(notes) {
    return Math.max(0, ...Object.values(notes.frames).flat().map(([, width]) => width));
}

// What one receiver saw: of several cameras, the worst one for freezes, all for the others.
export function watched(receiver, publishers, from, to) {
    const tracks = Object.values(receiver.frames);
    const all = tracks.map((frames) => gaps(frames, from, to));
    const frozen = all.map((list) => list.filter((gap) => gap > FREEZE_MS));
    const top = widest(receiver);
    const shown = tracks.flat().filter(([at]) => at >= from && at <= to);
    const samples = sum(rises(receiver, 'audio', 'totalSamplesReceived', from, to));
    const concealed = sum(rises(receiver, 'audio', 'concealedSamples', from, to))
        - sum(rises(receiver, 'audio', 'silentConcealedSamples', from, to));
    return {
        fpsPercent: round(100 * sum(rises(receiver, 'video', 'framesDecoded', from, to))
            / sum(publishers.map((publisher) => framesSent(publisher, from, to)))),
        longestFreezeMs: round(Math.max(0, ...all.flat())),
        freezes: Math.max(0, ...frozen.map((list) => list.length)),
        frozenMs: round(Math.max(0, ...frozen.map(sum))),
        topPercent: round(100 * shown.filter(([, width]) => width === top).length / shown.length),
        concealedPercent: round(100 * concealed / samples, 1),
        repair: Object.fromEntries(REPAIR.map((name) => [name, sum(rises(receiver, 'video', name, from, to))])),
    };
}

// What the link carried: `counts` of Network.read() over the same span.
export function carried(counts, rate, from, to) {
    const bitrate = counts.bytes * 8000 / (to - from);
    return {
        kbps: round(bitrate / 1000),
        usedPercent: rate ? round(100 * bitrate / rate) : null,
        queueP95Ms: counts.queueP95Ms,
        queueMaxMs: counts.queueMaxMs,
        dropped: counts.dropped,
    };
}

// ms from `from` to the first frame that is (not) `width` wide, of the camera that takes longest; null: not until `to`.
export function lowerAfterMs(receiver, from, to) {
    return longest(receiver, (frames, top) => frames.find(([at, width]) => at >= from && at <= to && width < top)?.[0] - from);
}

// ms from `from` until all frames are of the top layer again; null: not until `to`.
export function topAfterMs(receiver, from, to) {
    return longest(receiver, (frames, top) => {
        const after = frames.filter(([at]) => at >= from && at <= to);
        const lastLower = after.findLastIndex(([, width]) => width < top);
        return after[lastLower + 1]?.[0] - from;
    });
}

function longest(receiver, time) {
    const top = widest(receiver);
    const times = Object.values(receiver.frames).map((frames) => time(frames, top));
    return times.every(Number.isFinite) ? round(Math.max(...times)) : null;
}

// The layers as they were shown: [[ms after `from`, width], …] where the width changes.
export function timeline(receiver, from, to) {
    return Object.values(receiver.frames).map((frames) => {
        const inside = frames.filter(([at]) => at >= from && at <= to);
        return inside.filter(([, width], i) => width !== inside[i - 1]?.[1]).map(([at, width]) => [round(at - from), width]);
    });
}

// ms from the acknowledgement of each video consumer to its first decoded frame; [] where there was none.
export function firstFrameMs(receiver) {
    const video = receiver.samples.at(-1).consumers.filter(({ kind }) => kind === 'video');
    return video.map(({ id, track }) => round(receiver.frames[track]?.[0]?.[0] - receiver.acknowledged[id]));
}

// Layer counters of the publisher, for a look at key frames.
export function keyFramesSent(publisher, from, to) {
    const [first, last] = [nearest(publisher.samples, from), nearest(publisher.samples, to)];
    return sum(last.producers.filter(({ kind }) => kind === 'video').map((encoding) =>
        encoding.keyFramesEncoded - (first.producers.find(({ ssrc }) => ssrc === encoding.ssrc)?.keyFramesEncoded ?? 0)));
}
