// One tile: a person's camera, or a screen that is being shown. Audio has an element of its own in it, so that a
// tile without picture is still heard.
import { formatBitrate } from '../stats.js';
import { displayName, h, hueOf, icon, initials, setIcon } from './dom.js';
import { Plot } from './plot.js';

export class Tile {
    #video = h('video', { autoplay: true, playsInline: true, muted: true, disablePictureInPicture: true, tabIndex: -1 });
    #audio = h('audio', { autoplay: true });
    #avatar = h('div', { class: 'avatar', 'aria-hidden': 'true' });
    #name = h('span', { class: 'tile-name-text' });
    #muted = h('span', { class: 'tile-muted', role: 'img', 'aria-label': 'Microphone off' }, icon('mic-off'));
    #hand = h('span', { class: 'tile-hand', role: 'img', 'aria-label': 'Hand raised', hidden: true }, icon('hand'));
    #stats = h('div', { class: 'tile-stats' });
    #plot = new Plot();
    #pin;
    #self;
    #screen;

    /** `onPin(id)` is called by the tile's button; `onFrame()` at the first decoded picture. */
    constructor({ id, self = false, screen = false, onPin, onFrame, onSilenced }) {
        this.id = id;
        this.#self = self;
        this.#screen = screen;
        this.onSilenced = onSilenced;
        this.#pin = h('button', { class: 'tile-pin', type: 'button', onclick: () => onPin(id) }, icon('pin'));
        this.element = h('article', {
            class: `tile${self ? ' self' : ''}${screen ? ' screen' : ''}`, 'data-tile': id, tabIndex: -1,
        }, this.#video, this.#avatar, this.#stats, this.#plot.element, this.#hand, this.#pin,
        h('div', { class: 'tile-name' }, this.#muted, this.#name), this.#audio);
        this.element.style.setProperty('--hue', hueOf(id.replace(/:screen$/, '')));
        this.#video.requestVideoFrameCallback?.(() => onFrame?.());
        this.setPinned(false);
        this.setMuted(false);
        this.setPicture(null);
    }

    setName(nickname) {
        const name = displayName(nickname);
        const label = this.#screen ? `${this.#self ? 'Your' : `${name}’s`} screen` : this.#self ? `${name} (you)` : name;
        this.#name.textContent = label;
        this.#name.title = label;
        this.#avatar.textContent = initials(name);
        this.element.setAttribute('aria-label', label);
        this.#labelPin(label);
    }

    /** Shows a video track, or the avatar. */
    setPicture(track) {
        setTrack(this.#video, track);
        this.element.classList.toggle('no-picture', !track);
        if (track) {
            this.#video.play().catch(() => {});
        }
    }

    setSound(track) {
        setTrack(this.#audio, track);
        if (track) {
            this.playSound();
        }
    }

    /** Browsers refuse sound before the first click on a page; then onSilenced() is told. */
    playSound() {
        if (this.#audio.srcObject) {
            this.#audio.play().catch((error) => error.name === 'NotAllowedError' && this.onSilenced?.());
        }
    }

    setMuted(muted) {
        this.#muted.hidden = !muted || this.#screen;
        this.element.classList.toggle('muted', muted);
    }

    setHand(raised) {
        this.#hand.hidden = !raised;
        this.element.classList.toggle('hand', raised);
    }

    setSpeaking(speaking) {
        this.element.classList.toggle('speaking', speaking);
    }

    setPinned(pinned) {
        this.#pin.setAttribute('aria-pressed', String(pinned));
        setIcon(this.#pin, pinned ? 'unpin' : 'pin');
        this.#labelPin(this.element.getAttribute('aria-label') ?? '');
    }

    /** `video` and `audio` are rates of stats.js or null. */
    setStats({ video, audio }) {
        const bitrate = (video?.bitrate ?? 0) + (audio?.bitrate ?? 0);
        const loss = Math.max(video?.lossPercent ?? 0, audio?.lossPercent ?? 0);
        const items = [];
        if (video?.width && video.fps) {
            items.push(['size', `${video.width}×${video.height}`], ['fps', `${Math.round(video.fps)} fps`]);
        }
        if (video || audio) {
            items.push(['rate', formatBitrate(bitrate)]);
            items.push([`loss${loss >= 5 ? ' bad' : loss >= 1 ? ' poor' : ''}`, `${loss.toFixed(1)} %`]);
        }
        this.#stats.replaceChildren(...items.map(([name, text]) => h('span', { class: `stat ${name}` }, text)));
    }

    /** A sample as of plots.js. */
    plot(sample) {
        this.#plot.add(sample);
    }

    remove() {
        this.setPicture(null);
        this.setSound(null);
        this.element.remove();
    }

    #labelPin(name) {
        const pinned = this.#pin.getAttribute('aria-pressed') === 'true';
        this.#pin.setAttribute('aria-label', `${pinned ? 'Make smaller' : 'Make larger'}: ${name}`);
        this.#pin.title = pinned ? 'Back to the grid' : 'Make larger';
    }
}

function setTrack(element, track) {
    if (element.srcObject?.getTracks()[0] !== (track ?? undefined)) {
        element.srcObject = track ? new MediaStream([track]) : null;
    }
}
