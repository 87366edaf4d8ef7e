// Splits an engine.io 4 / socket.io 5 text frame into its parts, for comparing:
//   { engine, socket?, namespace?, attachments?, id?, data? }
// `data` is the parsed JSON, or { text } where there is none to parse.

export function parseFrame(text) {
    const frame = { engine: text[0] ?? '' };
    let rest = text.slice(1);
    if (frame.engine === '4') {
        const match = /^(\d)(?:(\d+)-)?(?:(\/[^,]*),)?(\d+)?([^]*)$/.exec(rest);
        if (!match) return { ...frame, data: { text: rest } };
        const [, socket, attachments, namespace, id, payload] = match;
        Object.assign(frame, { socket });
        if (attachments !== undefined) frame.attachments = attachments;
        if (namespace !== undefined) frame.namespace = namespace;
        if (id !== undefined) frame.id = id;
        rest = payload;
    }
    if (rest !== '') frame.data = parseJson(rest);
    return frame;
}

function parseJson(text) {
    try {
        return JSON.parse(text);
    } catch {
        return { text };
    }
}

// The method of a `request` event of either side, or undefined.
export function requestMethod(frame) {
    if (frame.engine === '4' && frame.socket === '2' && Array.isArray(frame.data) && frame.data[0] === 'request')
        return frame.data[1]?.method;
    return undefined;
}
