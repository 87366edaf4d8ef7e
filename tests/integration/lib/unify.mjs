// Compares what the server says with what the recording says, and learns which live id stands for which recorded
// one: the first meeting of two ids binds them, every later one must agree, in both directions.
//
// What is ignored is what signaling.md names: ids, sids, SSRCs, ports, key material and dates. Even these keep their
// shape, and equal ones stay equal. Keys, types and all other values must be the same.

import { parseFrame, requestMethod } from './frame.mjs';

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/;
const HEX32 = /(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])/;
const IDS = new RegExp(`${UUID.source}|${HEX32.source}`, 'g');
const SID_OF_QUERY = /(?<=[?&]sid=)[A-Za-z0-9_-]+/g;
const NIL_UUID = '00000000-0000-4000-8000-000000000000';

export class Bindings {
    constructor() {
        this.live = new Map();
        this.recorded = new Map();
    }

    fork() {
        const copy = new Bindings();
        copy.live = new Map(this.live);
        copy.recorded = new Map(this.recorded);
        return copy;
    }

    adopt(other) {
        this.live = other.live;
        this.recorded = other.recorded;
    }

    // Binds within a kind ("id", "ssrc", …). Returns whether the pair agrees with what is known.
    bind(kind, recorded, live) {
        const key = `${kind} ${recorded}`;
        const back = `${kind} ${live}`;
        if (this.live.has(key) || this.recorded.has(back))
            return this.live.get(key) === live && this.recorded.get(back) === recorded;
        this.live.set(key, live);
        this.recorded.set(back, recorded);
        return true;
    }

    liveOf(kind, recorded) {
        return this.live.get(`${kind} ${recorded}`);
    }

    // What was recorded, with the ids that are known by now put in.
    substitute(text) {
        return text
            .replace(IDS, (id) => this.liveOf('id', id) ?? id)
            .replace(SID_OF_QUERY, (sid) => this.liveOf('sid', sid) ?? sid);
    }
}

const bound = (kind, shape) => (recorded, live, bindings) =>
    shape(live) && typeof live === typeof recorded && bindings.bind(kind, recorded, live);

const matches = (pattern) => (value) => typeof value === 'string' && pattern.test(value);
const integerIn = (low, high) => (value) => Number.isInteger(value) && value >= low && value <= high;

const serverCname = matches(/^[0-9a-f]{8}$/);

const IGNORED = {
    sid: bound('sid', matches(/^[A-Za-z0-9_-]{16,32}$/)),
    usernameFragment: bound('ufrag', matches(/^[a-z0-9]{32}$/)),
    password: bound('password', matches(/^[a-z0-9]{32}$/)),
    ssrc: bound('ssrc', integerIn(1, 0xffffffff)),
    port: bound('port', integerIn(1, 0xffff)),
    rtcpPort: bound('port', integerIn(1, 0xffff)),
    // One that the server made up; a client's own comes back as it was.
    cname: (recorded, live, bindings) =>
        serverCname(recorded) ? serverCname(live) && bindings.bind('cname', recorded, live) : recorded === live,
    credential: (recorded, live) => matches(/^[A-Za-z0-9+/]{27}=$/)(live),
    username: (recorded, live, bindings) =>
        matches(/^\d{10}:/)(live) &&
        Math.abs(parseInt(live, 10) - 86400 - Date.now() / 1000) < 60 &&
        bindings.bind('id', recorded.split(':')[1], live.split(':')[1]),
    createdAt: (recorded, live) => Number.isInteger(live) && Math.abs(live - Date.now() / 1000) < 300,
};

function isFingerprint(path) {
    return /\.fingerprints\[\d+\]\.value$/.test(path);
}

// Appends to `differences` what is not the same. `options.iceTcp`: whether TCP candidates are expected;
// `options.anyMid`: whether consumers may have been numbered in another order.
export function unify(recorded, live, bindings, options = {}, path = '$', differences = []) {
    const differ = (what) => differences.push(`${path}: ${what}`);
    const key = /\.(\w+)$/.exec(path)?.[1];

    if (kindOf(recorded) !== kindOf(live)) {
        differ(`expected ${brief(recorded)}, got ${brief(live)}`);
    } else if (Array.isArray(recorded)) {
        if (key === 'iceCandidates' && !options.iceTcp)
            recorded = recorded.filter((candidate) => candidate.protocol !== 'tcp');
        if (key === 'fingerprints')
            // in any order: the old server's changed from start to start
            [recorded, live] = [byAlgorithm(recorded), byAlgorithm(live)];
        if (recorded.length !== live.length)
            differ(`expected ${recorded.length} elements, got ${live.length}: ${brief(live)}`);
        else recorded.forEach((item, i) => unify(item, live[i], bindings, options, `${path}[${i}]`, differences));
    } else if (kindOf(recorded) === 'object') {
        unifyObject(recorded, live, bindings, options, path, differences);
    } else if (Object.hasOwn(IGNORED, key ?? '')) {
        if (!IGNORED[key](recorded, live, bindings))
            differ(`${brief(live)} cannot stand for the recorded ${brief(recorded)}`);
    } else if (options.anyMid && path.endsWith('.rtpParameters.mid')) {
        if (!/^\d{1,8}$/.test(live) || !bindings.bind('mid', recorded, live))
            differ(`${brief(live)} cannot stand for the recorded ${brief(recorded)}`);
    } else if (isFingerprint(path)) {
        if (
            live.length !== recorded.length ||
            !/^[0-9A-F]{2}(:[0-9A-F]{2})*$/.test(live) ||
            !bindings.bind('fingerprint', recorded, live)
        )
            differ(`${brief(live)} cannot stand for the recorded ${brief(recorded)}`);
    } else if (typeof recorded === 'string') {
        unifyString(recorded, live, bindings, differ);
    } else if (recorded !== live) {
        differ(`expected ${brief(recorded)}, got ${brief(live)}`);
    }
    return differences;
}

function byAlgorithm(fingerprints) {
    return fingerprints.toSorted((a, b) => String(a?.algorithm).localeCompare(String(b?.algorithm)));
}

function unifyObject(recorded, live, bindings, options, path, differences) {
    for (const name of Object.keys(recorded))
        if (Object.hasOwn(live, name))
            unify(recorded[name], live[name], bindings, options, `${path}.${name}`, differences);
        else differences.push(`${path}: the key "${name}" is missing`);
    for (const name of Object.keys(live))
        if (!Object.hasOwn(recorded, name))
            differences.push(`${path}: the key "${name}" was not recorded: ${brief(live[name])}`);
    if (recorded.rtx?.ssrc === recorded.ssrc + 1 && live.rtx?.ssrc !== live.ssrc + 1)
        differences.push(`${path}: the RTX SSRC does not follow the SSRC`);
}

// Ids inside of a string are bound, the text between them is compared.
function unifyString(recorded, live, bindings, differ) {
    const frame = (text) => text.replace(IDS, (id) => (id === NIL_UUID ? id : id.length === 32 ? '<token>' : '<uuid>'));
    if (frame(recorded) !== frame(live)) {
        differ(`expected ${brief(recorded)}, got ${brief(live)}`);
        return;
    }
    const liveIds = live.match(IDS) ?? [];
    (recorded.match(IDS) ?? []).forEach((id, i) => {
        if (!bindings.bind('id', id, liveIds[i]))
            differ(`the id ${liveIds[i]} stands for another than the recorded ${id}`);
    });
}

// Compares two whole frames; what they taught is kept only if they agree.
export function unifyFrames(recordedText, liveText, bindings, options = {}) {
    const recorded = parseFrame(recordedText);
    const live = parseFrame(liveText);
    const trial = bindings.fork();
    const differences = [];
    for (const part of ['engine', 'socket', 'namespace', 'attachments'])
        if (recorded[part] !== live[part])
            differences.push(`${part}: expected ${brief(recorded[part])}, got ${brief(live[part])}`);
    if (requestMethod(recorded) !== undefined && live.id !== undefined) {
        if (!trial.bind('ack', recorded.id, live.id)) differences.push(`acknowledgement id ${live.id} was used before`);
    } else if (recorded.id !== live.id) {
        differences.push(`acknowledgement id: expected ${recorded.id}, got ${live.id}`);
    }
    if (differences.length === 0) unify(recorded.data, live.data, trial, options, '$', differences);
    if (differences.length === 0) bindings.adopt(trial);
    return differences;
}

function kindOf(value) {
    return Array.isArray(value) ? 'array' : value === null ? 'null' : typeof value;
}

function brief(value) {
    const text = JSON.stringify(value) ?? 'undefined';
    return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}
