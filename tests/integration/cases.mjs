// Which recordings are played against the server, and what to prepare for them. The recordings that are not named
// here wait for the features they show: they are parsed by the self-test all the same.
//
// setup: rooms            recorded ids of rooms that exist before the first line
//        missingRooms     recorded ids of rooms that do not exist
//        fresh            needs a server without any other room
//        peerOfOtherRoom  the peer belongs to another room than the URL says
//        serverCloses     lines of closings that are the server's though they come after a pause
//        consumersInAnyOrder  newConsumer requests that follow each other may come in another order

import { loadRecording, recordingNames } from './lib/recording.mjs';
import { parseResponses } from './lib/http.mjs';

// The rooms that a recorded GET /sessions lists, in their order.
function listedRooms(name) {
    const answer = loadRecording(name).steps.find((step) => step.dir === '<');
    return JSON.parse(parseResponses(answer.raw, { closed: true }).responses[0].body).map((room) => room.roomId);
}

export const WS_CASES = {
    'ws-00-upgrade-raw': {},
    'ws-01-handshake': {},
    'ws-01b-handshake-40-with-auth': {},
    'ws-01c-double-connect': {},
    'ws-02-wrong-authtoken': {},
    'ws-03-wrong-room': {},
    'ws-03b-other-room': { peerOfOtherRoom: true },
    'ws-04-wrong-peer': {},
    'ws-05-missing-params': {},
    'ws-09-garbage-frames': {},
    'ws-10-before-connect': {},
    'ws-11-namespace': {},
    'ws-20-getRouterRtpCapabilities': {},
    'ws-21-join': {},
    'ws-22-createWebRtcTransport': {},
    'ws-23-connectWebRtcTransport': {},
    'ws-24-restartIce': {},
    'ws-25-produce-mic': {},
    'ws-26-produce-webcam-simulcast': {},
    'ws-27-engine-ping-pong': {},
    'ws-28-engine-ping-unanswered': { serverCloses: [8] },
    'ws-29-no-connect-packet': { serverCloses: [6] },
    'ws-33-drop-and-return': {},
    'ws-34-late-joiner': { consumersInAnyOrder: true },
    'ws-35-cannot-consume': {},
    'ws-36-pause-resume-close': {},
    'ws-38-nickname-chat-hand': {},
    'ws-45-ping-dumpStats': {},
    'ws-46-unknown-events': {},
    'ws-48-leave-with-producers': {},
};

const HTTP_SETUPS = {
    'http-early-paths': { fresh: true },
    'http-sessions-get': { fresh: true, rooms: listedRooms('http-sessions-get') },
    'http-sessions-get-big': { fresh: true, rooms: listedRooms('http-sessions-get-big') },
    'http-sessions-get-empty': { fresh: true },
    'http-sessions-get-gzip': { fresh: true, rooms: listedRooms('http-sessions-get-big') },
    'http-stats-empty': { fresh: true },
};

export const HTTP_CASES = Object.fromEntries(
    recordingNames()
        .filter((name) => name.startsWith('http-'))
        .map((name) => [name, HTTP_SETUPS[name] ?? {}]),
);
