// The camera, microphone and screen of this side: tracks by source, and words for what can go wrong.
// Events: track (source, track or null), ended (source: the device went away or the browser's own button was used).
import { Emitter } from './emitter.js';

const CONSTRAINTS = {
    mic: { audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true } },
    webcam: { video: { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30 } } },
};

const NAMES = { mic: 'microphone', webcam: 'camera', screen: 'screen' };

export class LocalMedia extends Emitter {
    #tracks = new Map();
    #devices = {}; // chosen device ids by source

    track(source) {
        return this.#tracks.get(source) ?? null;
    }

    deviceId(source) {
        return this.track(source)?.getSettings().deviceId ?? this.#devices[source] ?? '';
    }

    /** Opens the device, or returns the open one. Throws an Error whose message can be shown. */
    async open(source) {
        if (this.#tracks.has(source)) {
            return this.#tracks.get(source);
        }
        let stream;
        try {
            stream = source === 'screen'
                ? await navigator.mediaDevices.getDisplayMedia({ video: { frameRate: { ideal: 15, max: 30 } } })
                : await navigator.mediaDevices.getUserMedia(this.#constraints(source));
        } catch (error) {
            throw explain(error, source);
        }
        const track = stream.getTracks()[0];
        track.addEventListener('ended', () => {
            if (this.#tracks.get(source) === track) {
                this.close(source);
                this.emit('ended', source);
            }
        });
        this.#tracks.set(source, track);
        this.emit('track', source, track);
        return track;
    }

    close(source) {
        const track = this.#tracks.get(source);
        if (track) {
            this.#tracks.delete(source);
            track.stop();
            this.emit('track', source, null);
        }
    }

    closeAll() {
        for (const source of [...this.#tracks.keys()]) {
            this.close(source);
        }
    }

    async choose(source, deviceId) {
        this.#devices[source] = deviceId;
        this.close(source);
        return this.open(source);
    }

    /** The devices that a menu can offer; labels are empty until a permission was given. */
    async list(source) {
        const devices = await navigator.mediaDevices.enumerateDevices();
        const kind = source === 'mic' ? 'audioinput' : 'videoinput';
        return devices.filter((device) => device.kind === kind && device.deviceId);
    }

    #constraints(source) {
        const [[kind, constraints]] = Object.entries(CONSTRAINTS[source]);
        const id = this.#devices[source];
        return { [kind]: id ? { ...constraints, deviceId: { exact: id } } : constraints };
    }
}

export function mediaSupported() {
    return Boolean(navigator.mediaDevices?.getUserMedia) && 'RTCPeerConnection' in window;
}

export function screenShareSupported() {
    return Boolean(navigator.mediaDevices?.getDisplayMedia);
}

function explain(error, source) {
    const device = NAMES[source];
    const reasons = {
        NotAllowedError: source === 'screen'
            ? 'Sharing the screen was not allowed.'
            : `The ${device} is blocked. Allow it in the browser's address bar.`,
        NotFoundError: `No ${device} was found.`,
        OverconstrainedError: `That ${device} is not there any more.`,
        NotReadableError: `The ${device} is in use by another program.`,
    };
    const explained = new Error(reasons[error.name] ?? `The ${device} could not be opened: ${error.message}`);
    explained.name = error.name;
    return explained;
}
