// The row of buttons under the tiles, and their keys. Toggles say by aria-pressed whether they are on.
import { screenShareSupported } from '../local_media.js';
import { h, icon, setIcon } from './dom.js';

const BUTTONS = [
    { id: 'mic', key: 'm', on: ['mic', 'Mute'], off: ['mic-off', 'Unmute'], offIsBad: true },
    { id: 'webcam', key: 'v', on: ['camera', 'Stop video'], off: ['camera-off', 'Start video'], offIsBad: true },
    { id: 'screen', key: 's', on: ['screen-off', 'Stop sharing'], off: ['screen', 'Share screen'] },
    { id: 'hand', key: 'r', on: ['hand', 'Lower hand'], off: ['hand', 'Raise hand'] },
    { id: 'chat', key: 'c', on: ['chat', 'Close chat'], off: ['chat', 'Chat'] },
    { id: 'stats', key: 'i', on: ['stats', 'Hide numbers'], off: ['stats', 'Show numbers'] },
    { id: 'plots', key: 'p', on: ['plots', 'Hide statistics'], off: ['plots', 'Statistics'] },
];

export class Toolbar {
    #buttons = new Map();
    #badge = h('span', { class: 'badge', hidden: true });
    #onKey;

    /** `onPress(id)` is called with the id of a button: those of BUTTONS, or `leave`. */
    constructor({ onPress }) {
        const toggles = BUTTONS.filter(({ id }) => id !== 'screen' || screenShareSupported()).map((spec) => {
            const button = h('button', { class: `tool tool-${spec.id}`, type: 'button', 'data-tool': spec.id, onclick: () => onPress(spec.id) },
                h('span', { class: 'tool-icon' }, icon(spec.off[0])), h('span', { class: 'tool-label' }));
            this.#buttons.set(spec.id, { spec, button });
            this.set(spec.id, false);
            return button;
        });
        this.#buttons.get('chat').button.querySelector('.tool-icon').append(this.#badge);
        this.element = h('nav', { class: 'toolbar', 'aria-label': 'Meeting controls' }, toggles,
            h('button', { class: 'tool tool-leave', type: 'button', 'data-tool': 'leave', 'aria-label': 'Leave', title: 'Leave the meeting', onclick: () => onPress('leave') },
                h('span', { class: 'tool-icon' }, icon('leave')), h('span', { class: 'tool-label', 'aria-hidden': 'true' }, 'Leave')));
        this.#onKey = (event) => {
            const typing = event.target.closest?.('input, textarea, select, dialog');
            const found = BUTTONS.find(({ key }) => key === event.key.toLowerCase());
            if (found && !typing && !event.ctrlKey && !event.metaKey && !event.altKey && !event.repeat) {
                this.#buttons.get(found.id)?.button.click();
            }
        };
        document.addEventListener('keydown', this.#onKey);
    }

    set(id, on) {
        const entry = this.#buttons.get(id);
        if (!entry) {
            return;
        }
        const { spec, button } = entry;
        const [iconName, label] = on ? spec.on : spec.off;
        setIcon(button, iconName);
        button.setAttribute('aria-pressed', String(on));
        button.setAttribute('aria-label', label);
        button.title = `${label} (${spec.key.toUpperCase()})`;
        button.querySelector('.tool-label').textContent = label;
        button.classList.toggle('on', on);
        button.classList.toggle('bad', Boolean(spec.offIsBad) && !on);
    }

    enable(id, enabled) {
        const entry = this.#buttons.get(id);
        if (entry) {
            entry.button.disabled = !enabled;
        }
    }

    setUnread(count) {
        this.#badge.hidden = count === 0;
        this.#badge.textContent = count > 9 ? '9+' : String(count);
        const { button } = this.#buttons.get('chat');
        if (count > 0) {
            button.setAttribute('aria-label', `Chat, ${count} unread`);
        }
    }

    focus(id) {
        this.#buttons.get(id)?.button.focus();
    }

    remove() {
        document.removeEventListener('keydown', this.#onKey);
    }
}
