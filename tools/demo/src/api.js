// The helper route that exists only in demo mode: it makes the room and the connection, so that the token of the
// HTTP API never reaches a browser.

const EXPLANATIONS = new Map([
    [403, 'The server refuses this page. Is it running in demo mode?'],
    [404, 'The demo is switched off on this server.'],
    [503, 'The server is not ready for calls at the moment. Please try again.'],
]);

/** Asks for a place in the room named `room`: {roomId, peerId, query}, where query is for the websocket. */
export async function requestPlace(room, role) {
    let response;
    try {
        response = await fetch('/demo/api/join', {
            method: 'POST',
            headers: { 'Content-Type': 'application/json' },
            body: JSON.stringify(role === undefined ? { room } : { room, role }),
        });
    } catch {
        throw new Error('The server cannot be reached. Check the connection and try again.');
    }
    if (!response.ok) {
        throw new Error(EXPLANATIONS.get(response.status) ?? `The server refused the call (status ${response.status}).`);
    }
    const { roomId, peerId, url } = await response.json();

    // Only the query counts: the page may have been loaded under another name than the server's public domain.
    return { roomId, peerId, query: Object.fromEntries(new URL(url).searchParams) };
}

/** The server's statistics of the peer that `query` (of a place) names: the object of GET /stats/ID. */
export async function askOwnStats({ roomId, peerId, authToken }) {
    const response = await fetch('/demo/api/stats', {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ roomId, peerId, authToken }),
    });
    if (!response.ok) {
        throw new Error(`The server gave no statistics (status ${response.status}).`);
    }
    return response.json();
}
