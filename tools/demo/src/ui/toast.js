// Short messages at the top: information goes by itself, errors stay longer and can be closed.
import { h, icon } from './dom.js';

const LIFETIME_MS = { info: 3500, error: 9000 };

export function toast(message, kind = 'info') {
    const list = document.getElementById('toasts');
    const same = [...list.children].find((other) => other.dataset.message === message);
    same?.remove();
    const element = h('div', { class: `toast ${kind}`, role: kind === 'error' ? 'alert' : null, 'data-message': message },
        kind === 'error' && icon('warning'),
        h('span', {}, message),
        h('button', { class: 'toast-close', type: 'button', 'aria-label': 'Close message', onclick: () => element.remove() },
            icon('close')));
    list.append(element);
    while (list.children.length > 4) {
        list.firstChild.remove();
    }
    setTimeout(() => element.remove(), LIFETIME_MS[kind]);
}

export function showError(error) {
    console.error(error);
    toast(error.message || String(error), 'error');
}
