// Plays a recording against a live server: sends what each peer sent, with the live ids put in, and compares what
// comes back. Lines are taken in their order; a peer's frames wait in its own queue, so that the order within one
// socket is kept and that between sockets is free. Pauses are kept as recorded: a silence is a claim too.

import { setTimeout as sleep } from 'node:timers/promises';
import { compareResponse } from './compare_http.mjs';
import { parseFrame, requestMethod } from './frame.mjs';
import { RawConnection, parseResponses } from './http.mjs';
import { closedByServer, loadRecording, rolesOf } from './recording.mjs';
import { Bindings, unify, unifyFrames } from './unify.mjs';
import { FrameSocket } from './websocket.mjs';

const NIL_UUID = '00000000-0000-4000-8000-000000000000';
const DEFAULT_ROLE = 3;
const PATIENCE_MS = 30000;
const LONG_GAP_MS = 2000;
const EARLY_MS = 1500;
const AGAIN = 'GET /meetmedia/api/ping HTTP/1.1\r\nHost: x\r\n\r\n';

export class Replay {
    // `setup` (cases.mjs) says what the recording does not, `exemptions` (exemptions.mjs) where another answer is right.
    constructor(recording, server, setup = {}, exemptions = []) {
        this.recording = recording;
        this.server = server;
        this.setup = setup;
        this.exemptions = new Map(exemptions.map((exemption) => [exemption.line, exemption]));
        this.bindings = new Bindings();
        this.bindings.bind('port', 44444, server.mediaPort);
        this.roles = rolesOf(recording);
        this.rooms = new Map();
        this.peers = new Map();
        this.sockets = new Map();
        this.connections = new Map();
    }

    async run() {
        let step;
        try {
            for (const room of this.setup.rooms ?? []) await this.ensureRoom(room);
            const steps = this.recording.steps.filter(({ line }) => !(line > this.setup.upTo));
            for (step of farewellsLast(steps)) await this.play(step);
            for (const [peer, socket] of this.sockets) this.assertSilent(peer, socket);
        } catch (error) {
            const where = step ? `${this.recording.name}:${step.line}` : this.recording.name;
            throw new Error(`${where}: ${error.message}${step ? `\n  recorded: ${step.text.slice(0, 300)}` : ''}`, {
                cause: error,
            });
        } finally {
            for (const socket of this.sockets.values()) await socket.close();
            for (const connection of this.connections.values()) connection.destroy();
        }
    }

    async play(step) {
        if (step.dir === '#') {
            this.obeyRemark(step);
            return;
        }
        const closing = step.dir === '*' && step.text.startsWith('ws close');
        if (step.dir !== '<' && !closing) await this.waitRecordedGap(step);
        if (closing) await this.playClose(step, this.sockets.get(step.peer));
        else if (step.dir === '*') await this.playEvent(step);
        else if (step.dir === '>') await (step.raw === undefined ? this.sendFrame(step) : this.sendHttp(step));
        else if (step.peer === 'H') await this.receiveAnswer(step);
        else if (step.peer === 'K') await this.receiveWebhook(step);
        else await (step.raw === undefined ? this.receiveFrames(step) : this.receiveHttp(step));
        this.last = { recordedMs: step.ms, liveMs: Date.now() };
        if (step.dir === '>') this.lastSent = this.last;
    }

    recordedGap(step) {
        return this.last ? (step.ms - this.last.recordedMs) * (this.setup.pace ?? 1) : 0;
    }

    async waitRecordedGap(step) {
        const rest = this.recordedGap(step) - (this.last ? Date.now() - this.last.liveMs : 0);
        if (rest > 0) await sleep(rest);
    }

    // ---- rooms and peers

    async ensureRoom(recorded) {
        if (recorded === NIL_UUID || this.setup.missingRooms?.includes(recorded)) return recorded;
        if (!this.rooms.has(recorded)) {
            const live = await this.server.createRoom(recorded);
            this.rooms.set(recorded, live);
            this.bindings.bind('id', recorded, live);
        }
        return this.rooms.get(recorded);
    }

    // The query with live ids; whatever of it is wrong in the recording stays wrong.
    async liveQuery(query, label) {
        const parameters = new URLSearchParams(query);
        const roomId = parameters.get('roomId');
        const peerId = parameters.get('peerId');
        const authToken = parameters.get('authToken');
        if (!roomId || !peerId) return query;
        const room = await this.ensureRoom(roomId);
        if (!this.peers.has(peerId)) {
            const elsewhere = this.setup.peerOfOtherRoom || room === NIL_UUID;
            const home = elsewhere ? await this.server.createRoom() : room;
            this.peers.set(
                peerId,
                await this.server.createPeer(home, this.roles.get(label) ?? DEFAULT_ROLE, { peerId, authToken }),
            );
        }
        const peer = this.peers.get(peerId);
        if (peerId !== NIL_UUID) this.bindings.bind('id', peerId, peer.id);
        if (!/^f{32}$/.test(authToken)) this.bindings.bind('id', authToken, peer.authToken);
        return this.bindings.substitute(query);
    }

    // ---- websockets

    async playEvent(step) {
        const open = /^open ws:\/\/[^/]+(\/[^?]*)\?(.*)$/.exec(step.text);
        const socket = this.sockets.get(step.peer);
        if (open) {
            const query = await this.liveQuery(open[2], step.peer);
            const opened = new FrameSocket(`ws://127.0.0.1:${this.server.port}${open[1]}?${query}`);
            this.sockets.set(step.peer, opened);
            await opened.opened;
        } else if (this.connections.has(step.peer)) {
            await this.endHttp(step);
        } else if (socket) {
            this.assertSilent(step.peer, socket);
        }
    }

    async playClose(step, socket) {
        const recorded = { code: Number(/code=(\d+)/.exec(step.text)[1]), reason: /reason="(.*)"/.exec(step.text)[1] };
        const byServer = this.setup.serverCloses?.includes(step.line) || closedByServer(this.recording, step);
        const exemption = this.exemptions.get(step.line);
        if (exemption) {
            await exemption.check(socket, this);
            await socket.close();
        } else if (byServer || recorded.code === 1000) {
            await this.waitAlmost(step, () => socket.closed);
            if (!(await socket.until(() => socket.closed, EARLY_MS + PATIENCE_MS)))
                throw new Error('the server does not close the websocket');
            if (socket.closed.code !== recorded.code) throw new Error(`closed with code ${socket.closed.code}`);
            this.assertSilent(step.peer, socket);
        } else {
            await this.waitRecordedGap(step);
            this.assertSilent(step.peer, socket);
            if (socket.closed) throw new Error(`the server closed the websocket: ${JSON.stringify(socket.closed)}`);
            await socket.close();
        }
    }

    assertSilent(peer, socket) {
        if (socket.frames.length > 0)
            throw new Error(`${peer} got what was not recorded: ${socket.frames[0].slice(0, 300)}`);
    }

    sendFrame(step) {
        const [, hex] = /^hex ([0-9a-f]+)$/.exec(step.text) ?? [];
        if (hex) {
            this.connections.get(step.peer).send(Buffer.from(hex, 'hex').toString('latin1'));
            return;
        }
        const acknowledged = /^43(\d+)(.*)$/s.exec(step.text);
        const id = acknowledged && this.bindings.liveOf('ack', acknowledged[1]);
        const text = id === undefined || id === null ? step.text : `43${id}${acknowledged[2]}`;
        this.sockets.get(step.peer).send(this.bindings.substitute(text));
    }

    // After a long pause, what the server does by itself must not come early.
    async waitAlmost(step, happened) {
        const gap = this.recordedGap(step);
        if (gap <= LONG_GAP_MS) return;
        await sleep(Math.max(0, gap - EARLY_MS - (Date.now() - this.last.liveMs)));
        if (happened()) throw new Error('too early');
    }

    async receiveFrames(step) {
        const socket = this.sockets.get(step.peer);
        const gap = this.recordedGap(step);
        await this.waitAlmost(step, () => socket.frames.length > 0);
        const exemption = this.exemptions.get(step.line);
        for (const expected of exemption?.expect?.(step.text) ?? [step.text])
            await this.receiveFrame(socket, expected, gap);
    }

    async receiveFrame(socket, expected, gapMs) {
        const consumer = this.setup.consumersInAnyOrder && isNewConsumer(expected);
        const movable = consumer || this.setup.acknowledgementsInAnyOrder;
        const options = { iceTcp: this.setup.iceTcp, anyMid: consumer };
        let differences = null;
        await socket.until(() => {
            const due = this.dueFrames(socket.frames, expected, consumer);
            differences = null;
            for (const frame of due) {
                const found = unifyFrames(expected, frame, this.bindings, options);
                if (found.length === 0) {
                    socket.frames.splice(socket.frames.indexOf(frame), 1);
                    differences = [];
                    return true;
                }
                differences ??= found;
            }
            return socket.closed || (consumer ? socket.frames.length > due.length : !movable && due.length > 0);
        }, gapMs + PATIENCE_MS);
        if (differences === null)
            throw new Error(
                socket.closed ? 'the websocket closed instead' : `got ${socket.frames[0]?.slice(0, 300) ?? 'nothing'}`,
            );
        if (differences.length > 0)
            throw new Error(`got ${socket.frames[0].slice(0, 300)}\n    ${differences.join('\n    ')}`);
    }

    // Those of the frames that may be the expected one.
    dueFrames(frames, expected, consumer) {
        if (consumer) return leading(frames, isNewConsumer);
        if (!this.setup.acknowledgementsInAnyOrder) return frames.slice(0, 1);
        return isAcknowledgement(expected)
            ? frames.filter(isAcknowledgement)
            : frames.filter((frame) => !isAcknowledgement(frame)).slice(0, 1);
    }

    // ---- the HTTP API beside websockets, answered in lines of peer H: remarks "POST /signal {…}", "GET …", and the
    // answer to a POST …/connection; and webhooks, requests of the server in lines of peer K

    obeyRemark(step) {
        this.room ??= /^room ([0-9a-f-]{36})/.exec(step.text)?.[1];
        const post = /^POST (\/\S+) (\{.*\})$/.exec(step.text);
        if (!post || !this.recording.steps.some((other) => other.peer === 'H')) return;
        this.posted = this.server.request('POST', post[1], JSON.parse(this.bindings.substitute(post[2])));
        this.posted.catch(() => {});
    }

    async receiveAnswer(step) {
        const [, status, body] = /^(\d{3}) (.*)$/.exec(step.text) ?? [];
        if (status) compareJson(await this.posted, Number(status), body, this.bindings);
        else if (step.text.startsWith('GET /sessions/:id')) await this.watchRoom(step);
        else await this.createRecordedPeer(step);
    }

    // The pace is kept from what was sent last, so that many short waits do not add up.
    async watchRoom(step) {
        if (this.exemptions.get(step.line)?.check()) return;
        const expected = Number(/-> (\d+)$/.exec(step.text)[1]);
        const room = await this.ensureRoom(this.room ?? 'room');
        this.lastSent ??= { recordedMs: step.ms, liveMs: Date.now() };
        const recordedMs = (step.ms - this.lastSent.recordedMs) * (this.setup.pace ?? 1);
        await sleep(Math.max(0, this.lastSent.liveMs + recordedMs - Date.now()));
        const deadline = Date.now() + (expected === 404 ? PATIENCE_MS : 0);
        for (;;) {
            const { status } = await this.server.request('GET', `/sessions/${room}`);
            if (status === expected) return;
            if (Date.now() >= deadline) throw new Error(`status ${status}`);
            await sleep(100);
        }
    }

    async createRecordedPeer(step) {
        const recorded = JSON.parse(step.text);
        const query = new URL(recorded.token).searchParams;
        const room = await this.ensureRoom(query.get('roomId'));
        const response = await this.server.request('POST', `/sessions/${room}/connection`, { role: this.setup.role });
        compareJson(response, 200, step.text, this.bindings);
        const { id, token } = response.json();
        this.peers.set(recorded.id, { id, authToken: new URL(token).searchParams.get('authToken') });
    }

    async receiveWebhook(step) {
        const request = await this.setup.webhook.next();
        const [head, body] = step.raw.split('\r\n\r\n');
        const [requestLine, ...fields] = head.split('\r\n');
        const recorded = new Map(fields.map((field) => field.split(': ')));
        if (`${request.method} ${request.url} HTTP/1.1` !== requestLine)
            throw new Error(`${request.method} ${request.url}`);
        for (const name of ['Content-Type', 'X-Auth-Token', 'Accept'])
            if (request.headers[name.toLowerCase()] !== recorded.get(name))
                throw new Error(`${name}: ${request.headers[name.toLowerCase()]}`);
        const differences = unify(JSON.parse(body), JSON.parse(request.body), this.bindings);
        if (differences.length > 0) throw new Error(differences.join('; '));
    }

    // ---- raw HTTP

    async sendHttp(step) {
        const [requestLine] = step.raw.split('\r\n', 1);
        for (const [, room] of requestLine.matchAll(/\/sessions\/([0-9a-f-]{36})/g)) await this.ensureRoom(room);
        const query = /\?(\S*roomId=\S*) /.exec(requestLine)?.[1];
        if (query) await this.liveQuery(query, step.peer);
        const connection = new RawConnection(this.server.port);
        connection.requestStep = step;
        connection.head = /^HEAD /.test(requestLine);
        this.connections.get(step.peer)?.destroy();
        this.connections.set(step.peer, connection);
        await connection.opened;
        connection.send((await this.exemptions.get(step.line)?.send?.(this)) ?? this.bindings.substitute(step.raw));
    }

    // The recorder kept the answer to a websocket's handshake, but not the handshake.
    async sendHandshake(step) {
        const { query } = await this.server.createPeer(await this.server.createRoom());
        const recorded = loadRecording('ws-00-upgrade-raw').steps.find((each) => each.raw);
        const raw = recorded.raw.replace(/peerId=[^ ]*/, `${query}&EIO=4&transport=websocket`);
        await this.sendHttp({ ...step, raw });
    }

    // Bytes behind the answer to a websocket's handshake; "\\xfffd" stands for any that are no UTF-8.
    async receiveBytes(step, connection) {
        const expected = [...step.raw.matchAll(/\\xfffd|[^]/g)].map(([one]) => one);
        await connection.until(() => connection.received.length >= expected.length || connection.closed, PATIENCE_MS);
        const { received } = connection;
        connection.received = '';
        const same = (one, i) => (one === '\\xfffd' ? received.charCodeAt(i) >= 0x80 : received[i] === one);
        if (received.length !== expected.length || !expected.every(same))
            throw new Error(`got ${JSON.stringify(received.slice(0, 300))}`);
    }

    async receiveHttp(step) {
        if (!this.connections.has(step.peer)) await this.sendHandshake(step);
        const connection = this.connections.get(step.peer);
        if (connection.isWebsocket) {
            await this.receiveBytes(step, connection);
            return;
        }
        const { head } = connection;
        const { check, responses = Number(step.raw !== '') } = this.exemptions.get(step.line) ?? {};
        const recorded = check ? null : parseResponses(step.raw, { head, closed: true });
        const count = recorded?.responses.length ?? responses;
        const parse = () => parseResponses(connection.received, { head, closed: connection.closed });
        if (count === 0) await this.waitRecordedGap(step);
        else if (!(await connection.until(() => parse().responses.length >= count || connection.closed, PATIENCE_MS)))
            throw new Error(`no whole response came: ${JSON.stringify(connection.received.slice(0, 300))}`);
        if (recorded?.rest) await connection.until(() => parse().rest.length >= 2 || connection.closed, PATIENCE_MS);
        const live = parse();
        connection.received = '';
        connection.isWebsocket = live.responses.at(-1)?.status === 101;
        if (check) {
            await check(live.responses, connection, this, live.rest);
            return;
        }
        if (live.responses.length !== count) throw new Error(`${live.responses.length} responses instead of ${count}`);
        recorded.responses.forEach((response, i) => compareResponse(response, live.responses[i], this.bindings));
        if (recorded.rest !== '' || live.rest !== '') this.compareFirstFrame(recorded.rest, live.rest);
    }

    // What follows a 101: one unmasked text frame, its header escaped by the recorder as "\xfffdk".
    compareFirstFrame(recorded, live) {
        const length = live.charCodeAt(1);
        if (live.charCodeAt(0) !== 0x81 || length > 125 || live.length !== 2 + length)
            throw new Error(`not one short text frame: ${JSON.stringify(live)}`);
        const differences = unifyFrames(recorded.replace(/^\\xfffd[^]/, ''), live.slice(2), this.bindings);
        if (differences.length > 0) throw new Error(differences.join('; '));
    }

    async endHttp(step) {
        const connection = this.connections.get(step.peer);
        this.connections.delete(step.peer);
        const exemption = this.exemptions.get(step.line);
        try {
            if (exemption?.check) await exemption.check(connection, this);
            else if (/^closed$|closed the connection/.test(step.text)) await assertCloses(connection);
            else if (/left open/.test(step.text)) await assertReusable(connection);
        } finally {
            connection.destroy();
        }
    }
}

function compareJson(response, status, body, bindings) {
    if (response.status !== status) throw new Error(`status ${response.status}`);
    const differences = unify(JSON.parse(body), response.json(), bindings);
    if (differences.length > 0) throw new Error(differences.join('; '));
}

// What a peer got after it had said 41 was on its way to it by then, caused by another socket; between sockets there is
// no order, so the recorded one is kept by waiting for it before saying 41.
export function farewellsLast(steps) {
    const result = [...steps];
    for (const frame of steps) {
        if (frame.dir !== '<' || !frame.text?.startsWith('42')) continue;
        const at = result.indexOf(frame);
        const farewell = result.findLastIndex((step, i) => i < at && step.peer === frame.peer && step.dir !== '<');
        if (farewell < 0 || result[farewell].dir !== '>' || result[farewell].text !== '41') continue;
        result.splice(at, 1);
        result.splice(farewell, 0, frame);
    }
    return result;
}

function leading(frames, predicate) {
    const end = frames.findIndex((frame) => !predicate(frame));
    return end < 0 ? frames : frames.slice(0, end);
}

function isNewConsumer(text) {
    return requestMethod(parseFrame(text)) === 'newConsumer';
}

function isAcknowledgement(text) {
    return /^43\d/.test(text);
}

async function assertCloses(connection) {
    if (!(await connection.until(() => connection.closed, PATIENCE_MS)))
        throw new Error('the server leaves the connection open');
    if (connection.received !== '')
        throw new Error(`more than the recorded answer: ${JSON.stringify(connection.received.slice(0, 200))}`);
}

// A connection that was left open takes another request (one without a token, for its short answer).
async function assertReusable(connection) {
    if (connection.received !== '')
        throw new Error(`more than the recorded answer: ${JSON.stringify(connection.received.slice(0, 200))}`);
    const { raw } = connection.requestStep;
    const [head, body = ''] = raw.split('\r\n\r\n');
    const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
    if (/upgrade: websocket/i.test(head) || length > body.length) return;
    connection.send(AGAIN);
    const parse = () => parseResponses(connection.received, { closed: connection.closed }).responses;
    if (!(await connection.until(() => parse().length > 0, PATIENCE_MS)))
        throw new Error('the connection does not take another request');
    if (parse()[0].status !== 403)
        throw new Error(`the next request on the connection is answered with ${parse()[0].status}`);
}
