// The chat panel: messages in order, those of one person that follow each other under one name.
import { displayName, h, hueOf, icon } from './dom.js';

const JOIN_MS = 120000;

export class ChatPanel {
    #list = h('ol', { class: 'chat-list', role: 'log', 'aria-live': 'polite', 'aria-label': 'Messages', tabIndex: 0 });
    #empty = h('p', { class: 'chat-empty' }, 'No messages yet. What you write here is seen by everybody in the room.');
    #input = h('textarea', { rows: 1, 'aria-label': 'Message', placeholder: 'Write a message', maxLength: 4000, enterkeyhint: 'send' });
    #last = null;
    #unread = 0;

    /** `onSend(text)` returns a promise; `onUnread(count)` is told what has not been seen. */
    constructor({ ownId, onSend, onClose, onUnread }) {
        this.ownId = ownId;
        this.onUnread = onUnread;
        const form = h('form', { class: 'chat-form' }, this.#input,
            h('button', { class: 'chat-send', type: 'submit', 'aria-label': 'Send message' }, icon('send')));
        form.addEventListener('submit', (event) => {
            event.preventDefault();
            this.#send(onSend);
        });
        this.#input.addEventListener('keydown', (event) => {
            if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
                event.preventDefault();
                form.requestSubmit();
            }
        });
        this.#input.addEventListener('input', () => this.#grow());
        this.element = h('aside', { class: 'chat', 'aria-label': 'Chat', hidden: true },
            h('header', {}, h('h2', {}, 'Chat'),
                h('button', { class: 'plain', type: 'button', 'aria-label': 'Close chat', onclick: onClose }, icon('close'))),
            this.#empty, this.#list, form);
    }

    get open() {
        return !this.element.hidden;
    }

    toggle(open) {
        this.element.hidden = !open;
        if (open) {
            this.#setUnread(0);
            this.#list.scrollTop = this.#list.scrollHeight;
            this.#input.focus();
        }
    }

    add({ peerId, nickname, message, time }) {
        const text = typeof message === 'string' ? message : JSON.stringify(message) ?? '';
        const own = peerId === this.ownId;
        const atEnd = this.#list.scrollHeight - this.#list.scrollTop - this.#list.clientHeight < 60;
        const bubble = h('p', { class: 'bubble' }, text);

        this.#empty.hidden = true;
        if (this.#last?.peerId === peerId && this.#last.nickname === nickname && time - this.#last.time < JOIN_MS) {
            this.#last.body.append(bubble);
            this.#last.time = time;
        } else {
            const body = h('div', { class: 'bubbles' }, bubble);
            const group = h('li', { class: own ? 'own' : '' },
                h('div', { class: 'chat-who' },
                    h('span', { class: 'chat-name' }, own ? 'You' : displayName(nickname)),
                    h('time', { datetime: time.toISOString() }, time.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' }))),
                body);
            group.style.setProperty('--hue', hueOf(peerId));
            this.#list.append(group);
            this.#last = { peerId, nickname, time, body };
        }
        if (own || atEnd) {
            this.#list.scrollTop = this.#list.scrollHeight;
        }
        if (!this.open) {
            this.#setUnread(this.#unread + 1);
        }
    }

    async #send(onSend) {
        const text = this.#input.value.trim();
        if (!text) {
            return;
        }
        this.#input.value = '';
        this.#grow();
        if (!(await onSend(text))) {
            this.#input.value ||= text; // not delivered: give it back
        }
    }

    #grow() {
        this.#input.style.height = 'auto';
        this.#input.style.height = `${Math.min(this.#input.scrollHeight, 120)}px`;
    }

    #setUnread(count) {
        this.#unread = count;
        this.onUnread(count);
    }
}
