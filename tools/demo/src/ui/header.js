// The line above the tiles: where this is, how many are here, the link to hand on, the own name to change.
import { h, icon, setIcon } from './dom.js';
import { toast } from './toast.js';

export class Header {
    #count = h('span', { class: 'count-number' });
    #people = h('span', { class: 'count', role: 'status' }, icon('users'), this.#count);
    #own = h('span', {});
    #input = h('input', { type: 'text', id: 'nickname', maxlength: '60', required: true, autocomplete: 'name' });
    #dialog;

    constructor({ roomName, onRename }) {
        const form = h('form', { method: 'dialog' }, h('h2', {}, 'Change your name'),
            h('div', { class: 'field' }, h('label', { for: 'nickname' }, 'Your name'), this.#input),
            h('div', { class: 'dialog-buttons' },
                h('button', { class: 'secondary', type: 'button', onclick: () => this.#dialog.close() }, 'Cancel'),
                h('button', { class: 'primary', type: 'submit' }, 'Save')));
        form.addEventListener('submit', () => onRename(this.#input.value.trim()));
        this.#dialog = h('dialog', { 'aria-label': 'Change your name' }, form);
        this.element = h('header', { class: 'meeting-header' },
            h('img', { class: 'meeting-logo', src: 'icon.svg', alt: 'kolabmeet', width: '28', height: '28' }),
            h('h1', { title: roomName }, roomName), this.#people,
            h('button', { class: 'plain copy-link', type: 'button', onclick: (event) => copyLink(event.currentTarget) }, icon('link'), h('span', {}, 'Copy link')),
            h('button', { class: 'plain own-name', type: 'button', title: 'Change your name', onclick: () => this.#edit() }, this.#own, icon('edit')),
            this.#dialog);
    }

    setCount(count) {
        if (this.#count.textContent !== String(count)) {
            this.#count.textContent = String(count);
            this.#people.setAttribute('aria-label', `${count} ${count === 1 ? 'person' : 'people'} here`);
        }
    }

    setName(name) {
        this.#own.textContent = name;
        this.#own.parentElement?.setAttribute('aria-label', `Change your name: ${name}`);
    }

    #edit() {
        this.#input.value = this.#own.textContent;
        this.#dialog.showModal();
        this.#input.select();
    }
}

async function copyLink(button) {
    const link = new URL(location.href);
    link.search = new URLSearchParams({ room: new URLSearchParams(location.search).get('room') ?? '' });
    try {
        await navigator.clipboard.writeText(link.href);
        setIcon(button, 'check');
        setTimeout(() => setIcon(button, 'link'), 2000);
        toast('The link to this room is on the clipboard.');
    } catch {
        toast(`The browser refuses the clipboard. The link is ${link.href}`, 'error');
    }
}
