// What of an HTTP response is part of the contract: status, Strict-Transport-Security where it was recorded (it may
// stand elsewhere too), Allow, the websocket handshake, and type and content of a body. Not part of it: framing, caching
// headers, X-Powered-By, and the HTML pages that the old server's framework made for errors (the application looks at
// the status only).

import { decodedBody } from './http.mjs';
import { unify, unifyFrames } from './unify.mjs';

const COMPARED_HEADERS = ['allow', 'upgrade', 'sec-websocket-accept', 'sec-websocket-extensions'];
const POLLING_TYPE = 'text/plain;charset=utf-8';
const SEPARATOR = '\x1e';

export function compareResponse(recorded, live, bindings) {
    const problems = [];
    if (live.status !== recorded.status) problems.push(`status ${live.status} instead of ${recorded.status}`);
    const security = recorded.headers.get('strict-transport-security');
    if (security && security !== live.headers.get('strict-transport-security'))
        problems.push(`strict-transport-security: ${live.headers.get('strict-transport-security')}`);
    for (const name of COMPARED_HEADERS)
        if (normal(live.headers.get(name)) !== normal(recorded.headers.get(name)))
            problems.push(`${name}: ${live.headers.get(name)} instead of ${recorded.headers.get(name)}`);
    if (!isErrorPage(recorded)) problems.push(...compareBody(recorded, live, bindings));
    if (problems.length > 0) throw new Error(problems.join('; '));
}

function compareBody(recorded, live, bindings) {
    if (recorded.body === '')
        return live.body === '' ? [] : [`a body where none was recorded: ${JSON.stringify(live.body.slice(0, 200))}`];
    const type = normal(recorded.headers.get('content-type'));
    if (normal(live.headers.get('content-type')) !== type)
        return [`content-type ${live.headers.get('content-type')} instead of ${type}`];
    const liveText = decodedBody(live);
    if (type === POLLING_TYPE) return comparePackets(recorded.body, liveText, bindings);
    if (!type?.startsWith('application/json'))
        return liveText === recorded.body ? [] : [`body ${JSON.stringify(liveText.slice(0, 200))}`];
    try {
        return unify(JSON.parse(Buffer.from(recorded.body, 'latin1').toString('utf8')), JSON.parse(liveText), bindings);
    } catch (error) {
        return [`${error.message}: ${JSON.stringify(liveText.slice(0, 200))}`];
    }
}

// A payload of long polling.
function comparePackets(recorded, live, bindings) {
    const expected = recorded.split(SEPARATOR);
    const packets = live.split(SEPARATOR);
    if (packets.length !== expected.length) return [`${packets.length} packets instead of ${expected.length}: ${live}`];
    return expected.flatMap((packet, i) => unifyFrames(packet, packets[i], bindings));
}

function isErrorPage(response) {
    return response.status >= 400 && /text\/html/.test(response.headers.get('content-type') ?? '');
}

function normal(value) {
    return value?.toLowerCase().replaceAll(' ', '');
}
