// The page: lobby -> meeting -> lobby.
import './style/base.css';
import './style/lobby.css';
import './style/meeting.css';
import './style/chat.css';
import { requestPlace } from './api.js';
import { exposeDebug } from './debug.js';
import { LocalMedia } from './local_media.js';
import { readOptions, rememberName } from './options.js';
import { Room } from './room.js';
import { Lobby } from './ui/lobby.js';
import { Meeting } from './ui/meeting.js';

const options = readOptions(location.search);
const media = new LocalMedia();
const timings = { join: null, joined: null, frames: {} };
const debug = exposeDebug(timings);
const app = document.getElementById('app');
let wanted = { mic: options.audio, webcam: options.video };
let name = options.name;
let roomName = options.room;

async function showLobby(notice = '') {
    debug.view = 'lobby';
    document.title = 'kolabmeet';
    const lobby = new Lobby({
        media, wanted, name, room: roomName,
        onJoin: (entered) => join(lobby, entered),
    });
    lobby.notice(notice);
    app.replaceChildren(lobby.element);
    lobby.focus();
    await lobby.openDevices();
    return lobby;
}

async function join(lobby, entered) {
    ({ name, room: roomName } = entered);
    wanted = lobby.wanted;
    Object.assign(timings, { join: performance.now(), joined: null, frames: {} });
    lobby.notice('');
    lobby.setBusy(true);
    rememberName(name);
    keepInAddress(roomName);

    let meeting = null;
    try {
        const room = new Room(await requestPlace(roomName, options.role), {
            nickname: name, preferredCodec: options.codec, svc: options.svc, relay: options.relay, tcp: options.tcp,
        });
        debug.follow(room);
        meeting = new Meeting({ room, media, wanted, roomName, timings, onLeave: () => room.leave() });
        await room.enter();
        timings.joined = performance.now();
        room.on('state', (state, reason) => state === 'closed' && leave(meeting, reason));
        // Said goodbye to, the server tells the others at once; it waits for one who only vanishes.
        window.addEventListener('pagehide', () => room.leave(), { once: true });
    } catch (error) {
        meeting?.remove();
        lobby.notice(error.message);
        lobby.setBusy(false);
        return;
    }
    lobby.remove();
    app.replaceChildren(meeting.element);
    debug.view = 'meeting';
    document.title = `${roomName} – kolabmeet`;
}

function leave(meeting, reason) {
    meeting.remove();
    media.closeAll();
    showLobby(reason);
}

/** Reloading the page, or handing on its address, should lead to the same room. */
function keepInAddress(room) {
    const address = new URL(location.href);
    address.searchParams.set('room', room);
    history.replaceState(null, '', address);
}

async function start() {
    const lobby = await showLobby();
    if (options.autojoin && roomName) {
        await join(lobby, { name: name || 'Guest', room: roomName });
    }
}

start();
