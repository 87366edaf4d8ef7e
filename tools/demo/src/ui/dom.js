// Elements in one expression: h('button', {class: 'x', onclick: f, 'aria-label': 'Leave'}, icon('leave'), 'Leave').
import {
    Activity, ArrowDown, ChartLine, Check, Copy, createElement, Hand, Link, Maximize2, MessageSquareText, Mic, MicOff, Minimize2,
    MonitorUp, MonitorX, Pencil, PhoneOff, SendHorizontal, Users, Video, VideoOff, WifiOff, X, TriangleAlert, VolumeOff,
} from 'lucide';

const ICONS = {
    mic: Mic, 'mic-off': MicOff, camera: Video, 'camera-off': VideoOff, screen: MonitorUp, 'screen-off': MonitorX,
    hand: Hand, chat: MessageSquareText, stats: Activity, plots: ChartLine, leave: PhoneOff, send: SendHorizontal, close: X, copy: Copy,
    link: Link, check: Check, users: Users, edit: Pencil, offline: WifiOff, warning: TriangleAlert, pin: Maximize2,
    unpin: Minimize2, 'sound-off': VolumeOff, down: ArrowDown,
};

export function h(tag, properties = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(properties)) {
        if (name.startsWith('on')) {
            element.addEventListener(name.slice(2), value);
        } else if (name in element && typeof value !== 'string') {
            element[name] = value;
        } else if (value !== null && value !== undefined && value !== false) {
            element.setAttribute(name, value === true ? '' : value);
        }
    }
    element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
    return element;
}

export function icon(name) {
    return createElement(ICONS[name], { class: 'icon', 'aria-hidden': 'true', focusable: 'false' });
}

/** Shows another icon in a button made with icon(); a no-op when it shows that one already. */
export function setIcon(parent, name) {
    if (parent.dataset.icon !== name) {
        parent.dataset.icon = name;
        parent.querySelector('.icon').replaceWith(icon(name));
    }
}

export function displayName(nickname) {
    return typeof nickname === 'string' && nickname.trim() ? nickname.trim() : 'Guest';
}

export function initials(name) {
    const words = name.trim().split(/\s+/);
    const letters = words.length > 1 ? [words[0], words.at(-1)] : [words[0]];
    return letters.map((word) => [...word][0] ?? '').join('').toUpperCase();
}

/** A hue of its own for each participant, the same in every browser. */
export function hueOf(id) {
    let hash = 0;
    for (const character of id) {
        hash = (hash * 31 + character.codePointAt(0)) >>> 0;
    }
    return hash % 360;
}
