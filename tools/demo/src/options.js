// What the page's URL may say: ?room= and ?name= fill the lobby; the rest is for tests and links.
//   autojoin=1   join without the lobby
//   video=0      start without camera         audio=0   start without microphone
//   codec=h264   preferred video codec (vp8, h264, vp9, av1); another is taken when the browser lacks it
//   svc=L3T3_KEY video in one stream with layers of this mode (vp9, av1), instead of simulcast
//   relay=1      media only by the TURN server
//   tcp=1        media only over TCP to the server
//   role=<bits>  role asked of the server
const NAME_KEY = 'kolabmeet.name';

function flag(params, name, fallback) {
    const value = params.get(name);
    return value === null ? fallback : value !== '0' && value !== 'false';
}

export function readOptions(search) {
    const params = new URLSearchParams(search);
    const role = Number.parseInt(params.get('role') ?? '', 10);

    return {
        room: params.get('room') ?? '',
        name: params.get('name') ?? rememberedName(),
        autojoin: flag(params, 'autojoin', false),
        video: flag(params, 'video', true),
        audio: flag(params, 'audio', true),
        codec: params.get('codec')?.toLowerCase() || null,
        svc: params.get('svc') || null,
        relay: flag(params, 'relay', false),
        tcp: flag(params, 'tcp', false),
        role: Number.isInteger(role) ? role : undefined,
    };
}

// Storage throws where the browser forbids it (private windows, blocked cookies): the name is then just not kept.
export function rememberName(name) {
    try {
        localStorage.setItem(NAME_KEY, name);
    } catch {}
}

function rememberedName() {
    try {
        return localStorage.getItem(NAME_KEY) ?? '';
    } catch {
        return '';
    }
}
