// Which recordings are played against the server, and what to prepare for them: all of them, as the self-test says.
//
// setup: rooms            recorded ids of rooms that exist before the first line
//        missingRooms     recorded ids of rooms that do not exist
//        upTo             the last line that is played; another test has the rest
//        fresh            needs a server without any other room
//        peerOfOtherRoom  the peer belongs to another room than the URL says
//        serverCloses     lines of closings that are the server's though they come after a pause
//        consumersInAnyOrder  newConsumer requests that follow each other may come in another order
//        acknowledgementsInAnyOrder  acknowledgements may overtake each other, and notifications
//        role             of the peer that a recorded POST …/connection makes
//        env              settings of a server of its own; a function of { webhookUrl }

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
    'ws-06-eio3': {},
    'ws-07-wrong-path': {},
    'ws-08-polling': {},
    'ws-09-garbage-frames': {},
    'ws-10-before-connect': {},
    'ws-11-namespace': {},
    'ws-12-large-message': {},
    'ws-13-fragmented-and-masked': {},
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
    'ws-30-newconsumer-unanswered': {},
    'ws-31-drop-and-timeout': {},
    'ws-32-room-never-joined': {},
    'ws-37-produce-errors': {},
    'ws-39-moderator-roles': {},
    'ws-40-moderator-language': {},
    'ws-41-moderator-joinrequest': {},
    'ws-42-moderator-kickPeer': {},
    'ws-43-moderator-closeRoom': {},
    'ws-44-unknown-and-missing-data': {},
    'ws-45-ping-dumpStats': {},
    'ws-46-unknown-events': {},
    // The old server answered when its media workers had; which of two pipelined requests that was is chance.
    'ws-47-pipelined': { acknowledgementsInAnyOrder: true },
    'ws-48-leave-with-producers': {},
    'ws-49-reconnect-doubled': {},
    'ws-50-plain-transport': {},
    'ws-51-media-score-layers': { upTo: 38 }, // then comes media: plain.test.mjs
    'webhook-and-turn': {
        role: 31,
        env: ({ webhookUrl }) => ({
            TURN_SERVER: 'turn:127.0.0.1:3478?transport=tcp',
            TURN_STATIC_SECRET: 'secret',
            FORCE_WSS: '1',
            PUBLIC_DOMAIN: 'meet.example.org',
            WEBRTC_ANNOUNCED_ADDRESS: '127.0.0.9',
            WEBHOOK_URL: webhookUrl,
            WEBHOOK_TOKEN: 'hooktoken',
        }),
    },
    'crash-connection-body-null': {},
    'crash-extra-argument': {},
    'crash-newconsumer-odd-ack': {},
    'crash-request-after-kick': {},
    'crash-request-null': {},
    'crash-request-without-ack': {},
    'crash-request-without-argument': {},
    'crash-signal-json-array': {},
    'crash-stats-with-room': { rooms: ['11111111-1111-4111-8111-111111111111'] },
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
