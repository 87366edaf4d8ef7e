// Loudness, 0..1, of the own microphone and of those who are heard.

/** A meter on a local track; level() is 0 while the browser holds audio back for want of a click. */
export class MicMeter {
    #context;
    #analyser;
    #samples;

    constructor(track) {
        this.#context = new AudioContext();
        this.#analyser = this.#context.createAnalyser();
        this.#analyser.fftSize = 512;
        this.#samples = new Float32Array(this.#analyser.fftSize);
        this.#context.createMediaStreamSource(new MediaStream([track])).connect(this.#analyser);
        this.#context.resume().catch(() => {});
    }

    level() {
        this.#analyser.getFloatTimeDomainData(this.#samples);
        const power = this.#samples.reduce((total, sample) => total + sample * sample, 0) / this.#samples.length;
        return Math.min(1, Math.sqrt(power));
    }

    close() {
        this.#context.close().catch(() => {});
    }
}

/** What the audio-level header extension of the last packet says, or the decoder where there is none. */
export function receivedLevel(consumer) {
    const [latest] = consumer.rtpReceiver?.getSynchronizationSources?.() ?? [];
    return consumer.paused ? 0 : latest?.audioLevel ?? 0;
}

/** Turns a level that is sampled a few times a second into "is speaking", without flicker. */
export class SpeakingDetector {
    static THRESHOLD = 0.02;
    static HOLD_MS = 600;
    #lastLoud = -Infinity;

    update(level, nowMs) {
        if (level > SpeakingDetector.THRESHOLD) {
            this.#lastLoud = nowMs;
        }
        return nowMs - this.#lastLoud < SpeakingDetector.HOLD_MS;
    }
}
