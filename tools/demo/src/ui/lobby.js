// Before the meeting: name, room, a look into the mirror, and which devices to take.
import { MicMeter } from '../levels.js';
import { mediaSupported } from '../local_media.js';
import { h, icon, initials, setIcon } from './dom.js';

const METER_INTERVAL_MS = 80;

export class Lobby {
    #media;
    #wanted;
    #onJoin;
    #meter = null;
    #timer = null;
    #video = h('video', { autoplay: true, playsInline: true, muted: true, 'aria-label': 'Your camera' });
    #avatar = h('div', { class: 'avatar', 'aria-hidden': 'true' });
    #hint = h('p', { class: 'preview-hint', role: 'status' });
    #level = h('span', { class: 'meter-level' });
    #notice = h('p', { class: 'notice', role: 'alert', hidden: true });
    #buttons = {};
    #selects = {};
    #name;
    #room;
    #join;

    /** `wanted` is {mic, webcam}: what to open; `onJoin({name, room})` is called with the form's content. */
    constructor({ media, wanted, name, room, onJoin }) {
        this.#media = media;
        this.#wanted = { ...wanted };
        this.#onJoin = onJoin;
        this.#name = h('input', { id: 'name', name: 'name', type: 'text', autocomplete: 'name', maxlength: '60', required: true, value: name, placeholder: 'How others see you' });
        this.#room = h('input', { id: 'room', name: 'room', type: 'text', autocomplete: 'off', maxlength: '80', required: true, value: room, spellcheck: 'false', autocapitalize: 'none', placeholder: 'For example: team' });
        this.#join = h('button', { class: 'primary', type: 'submit' }, 'Join');
        this.#name.addEventListener('input', () => this.#showAvatar());
        for (const source of ['mic', 'webcam']) {
            this.#buttons[source] = h('button', { class: 'round', type: 'button', onclick: () => this.#toggle(source) }, icon('mic'));
            this.#selects[source] = h('select', { id: `device-${source}`, onchange: (event) => this.#choose(source, event.target.value) });
        }
        this.element = this.#build();
        this.#offTrack = media.on('track', (source) => this.#show(source));
        this.#show('webcam');
        this.#show('mic');
        this.#showAvatar();
        this.#timer = setInterval(() => this.#showLevel(), METER_INTERVAL_MS);
    }

    #offTrack;

    get wanted() {
        return { ...this.#wanted };
    }

    /** Opens what is wanted; what cannot be had is explained in the preview, and joining goes on without it. */
    async openDevices() {
        if (!mediaSupported()) {
            this.#wanted = { mic: false, webcam: false };
            this.#explain('This page is not allowed to use camera and microphone: it needs https, or localhost.');
            return;
        }
        await Promise.all(['webcam', 'mic'].filter((source) => this.#wanted[source]).map((source) => this.#open(source)));
    }

    notice(message) {
        this.#notice.textContent = message;
        this.#notice.hidden = !message;
    }

    setBusy(busy) {
        this.#join.disabled = busy;
        this.#join.textContent = busy ? 'Joining…' : 'Join';
        this.element.setAttribute('aria-busy', String(busy));
    }

    /** Puts the cursor where something is missing. */
    focus() {
        [this.#name, this.#room].find((input) => !input.value)?.focus();
    }

    remove() {
        clearInterval(this.#timer);
        this.#meter?.close();
        this.#offTrack();
        this.element.remove();
    }

    #build() {
        const form = h('form', { class: 'lobby-form', 'aria-label': 'Join a room' },
            h('h1', {}, 'Join a meeting'),
            h('p', { class: 'lead' }, 'Everybody who enters the same room name meets in the same room.'),
            this.#notice,
            field('name', 'Your name', this.#name),
            field('room', 'Room', this.#room),
            h('div', { class: 'devices' },
                field('device-webcam', 'Camera', this.#selects.webcam),
                field('device-mic', 'Microphone', this.#selects.mic)),
            this.#join);
        form.addEventListener('submit', (event) => {
            event.preventDefault();
            this.#onJoin({ name: this.#name.value.trim(), room: this.#room.value.trim() });
        });
        return h('main', { class: 'lobby' },
            h('header', { class: 'brand' }, h('img', { src: 'icon.svg', alt: '', width: '32', height: '32' }), h('span', {}, 'kolabmeet')),
            h('div', { class: 'lobby-card' },
                h('section', { class: 'preview', 'aria-label': 'Preview' },
                    this.#video, this.#avatar, this.#hint,
                    h('div', { class: 'preview-controls' }, this.#buttons.mic, this.#buttons.webcam),
                    h('div', { class: 'meter', 'aria-hidden': 'true' }, this.#level)),
                form));
    }

    async #open(source) {
        try {
            await this.#media.open(source);
            await this.#listDevices(source);
        } catch (error) {
            this.#wanted[source] = false;
            this.#show(source);
            this.#explain(error.message);
        }
    }

    async #toggle(source) {
        this.#wanted[source] = !this.#wanted[source];
        this.#explain('');
        if (this.#wanted[source]) {
            await this.#open(source);
        } else {
            this.#media.close(source);
        }
        this.#show(source);
    }

    async #choose(source, deviceId) {
        this.#wanted[source] = true;
        this.#explain('');
        try {
            await this.#media.choose(source, deviceId);
        } catch (error) {
            this.#wanted[source] = false;
            this.#explain(error.message);
        }
        this.#show(source);
    }

    async #listDevices(source) {
        const devices = await this.#media.list(source);
        const current = this.#media.deviceId(source);
        this.#selects[source].replaceChildren(...devices.map((device, index) => h('option',
            { value: device.deviceId, selected: device.deviceId === current },
            device.label || `${source === 'mic' ? 'Microphone' : 'Camera'} ${index + 1}`)));
        this.#selects[source].disabled = devices.length === 0;
    }

    #show(source) {
        const track = this.#media.track(source);
        const button = this.#buttons[source];
        const [noun, name] = source === 'mic' ? ['microphone', 'mic'] : ['camera', 'camera'];
        button.classList.toggle('off', !track);
        button.setAttribute('aria-pressed', String(Boolean(track)));
        button.setAttribute('aria-label', `Turn ${noun} ${track ? 'off' : 'on'}`);
        button.title = button.getAttribute('aria-label');
        setIcon(button, track ? name : `${name}-off`);
        if (source === 'webcam') {
            this.#video.srcObject = track ? new MediaStream([track]) : null;
            this.#video.parentElement?.classList.toggle('no-picture', !track);
        } else {
            this.#meter?.close();
            this.#meter = track ? new MicMeter(track) : null;
        }
        if (this.#selects[source].options.length === 0) {
            this.#selects[source].replaceChildren(h('option', { value: '' }, `Default ${noun}`));
            this.#selects[source].disabled = true;
        }
    }

    #showAvatar() {
        this.#avatar.textContent = initials(this.#name.value) || '?';
    }

    #showLevel() {
        const level = Math.min(1, (this.#meter?.level() ?? 0) * 4);
        this.#level.style.transform = `scaleX(${level.toFixed(3)})`;
    }

    #explain(message) {
        this.#hint.textContent = message;
    }
}

function field(id, label, control) {
    return h('div', { class: 'field' }, h('label', { for: id }, label), control);
}
