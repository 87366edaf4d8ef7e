// What the plots show, a sample a second. A sample is {bitrate, loss, received, estimate, layer, layers, note}: bit/s,
// percent; of the own tile what is received in all and what the server thinks could be; of others the layer that is
// sent, from 0, out of how many, and why it is no better. null is: not known.
export const SAMPLES = 90;

const NOTES = {
    estimate: 'by bandwidth', dead: 'no better one sent', suspended: 'no bandwidth left', 'no source': 'nothing sent',
    'waits for a key frame': 'waits for a key frame',
};
const EMPTY = { bitrate: null, loss: null, received: null, estimate: null, layer: null, layers: null, note: '' };

export class History {
    samples = [];

    add(sample) {
        this.samples.push({ ...EMPTY, ...sample });
        this.samples.splice(0, this.samples.length - SAMPLES);
    }

    get last() {
        return this.samples.at(-1) ?? EMPTY;
    }

    /** A round number that no bitrate exceeds. */
    get scale() {
        const highest = Math.max(100000, ...this.samples.flatMap(({ bitrate, received, estimate }) =>
            // An estimate far above what flows would press everything else flat.
            [bitrate, received, Math.min(estimate ?? 0, 3 * Math.max(bitrate ?? 0, received ?? 0))]).map((value) => value ?? 0));
        const magnitude = 10 ** Math.floor(Math.log10(highest));
        return [1, 2, 5, 10].map((step) => step * magnitude).find((step) => step >= highest);
    }
}

/** Out of the server's statistics of the own peer: {estimate, why, consumers: id -> {layer, note}}. */
export function serverFacts(stats) {
    const receiving = stats?.transports?.find(({ consuming }) => consuming)?.stats?.[0];
    const consumers = new Map();
    for (const { id, kind, hidden, stats: [numbers] = [] } of stats?.consumers ?? []) {
        if (kind === 'video' && numbers) {
            const layer = numbers.paused || numbers.spatialLayer < 0 ? null : numbers.spatialLayer;
            consumers.set(id, { layer, note: hidden ? 'not among the last speakers' : NOTES[numbers.layerReason] ?? '' });
        }
    }
    return {
        estimate: receiving?.availableOutgoingBitrate || null,
        why: receiving?.bandwidth?.reason ?? '',
        consumers,
    };
}

/** How many encodings there are to choose from, out of a consumer's rtpParameters. */
export function layerCount(rtpParameters) {
    const mode = rtpParameters?.encodings?.[0]?.scalabilityMode;
    return Number(/^[LS](\d)/.exec(mode ?? '')?.[1] ?? 1);
}
