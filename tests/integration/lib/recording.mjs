// Reads the recorded exchanges of the old server (golden/INDEX tells their format).
//
// A recording is a list of steps in the order of its lines:
//   { line, ms, peer, dir, text }    dir: '<' received, '>' sent, '*' event of the recorder
//   { line, dir: '#', text }         a remark
// An HTTP step has `raw` besides, the bytes as a latin1 string, and `bytes`, their recorded number.

import { readFileSync, readdirSync } from 'node:fs';

const STEP = /^\[ *(\d+)ms\] (\w+) ([<>*]) ?(.*)$/s;
const BLOCK = /^--- (?:(\d+) bytes|webhook request) ---$/;
const ELIDED = /\.\.\.\[(\d+) chars\]$/;
const INDENT = '    ';

export const goldenDir = new URL('../golden/', import.meta.url);

export function recordingNames() {
    return readdirSync(goldenDir)
        .filter((name) => name.endsWith('.txt'))
        .map((name) => name.slice(0, -4))
        .sort();
}

export function loadRecording(name) {
    return parseRecording(name, readFileSync(new URL(`${name}.txt`, goldenDir), 'utf8'));
}

export function parseRecording(name, text) {
    const lines = text.split('\n');
    const steps = [];
    for (let i = 0; i < lines.length; i++) {
        const line = lines[i];
        const match = STEP.exec(line);
        if (match) {
            const [, ms, peer, dir, text] = match;
            const step = { line: i + 1, ms: Number(ms), peer, dir, text: restoreFrame(line, dir, text) };
            const block = BLOCK.exec(step.text);
            if (block) {
                const body = [];
                while (i + 1 < lines.length && !STEP.test(lines[i + 1]) && !lines[i + 1].startsWith('# '))
                    body.push(lines[++i]);
                step.raw = restoreBytes(body, Number(block[1]));
                step.bytes = Number(block[1] ?? step.raw.length);
            }
            steps.push(step);
        } else if (line.startsWith('#')) {
            steps.push({ line: i + 1, dir: '#', text: line.slice(1).trim() });
        } else if (line.trim() !== '') {
            throw new Error(`${name}:${i + 1}: not a line of a recording: ${line.slice(0, 80)}`);
        }
    }
    return { name, steps };
}

// Lines that ended with CRLF stand indented by four blanks, those after a bare LF do not. A line of a body that is
// itself indented is told apart by its deeper indent. Control characters are escaped (\x1e); \xfffd was no UTF-8.
function restoreBytes(lines, bytes) {
    let raw = '';
    lines.forEach((line, i) => {
        const crlf = line.startsWith(INDENT) && !line.startsWith(INDENT + ' ');
        if (i > 0) raw += crlf ? '\r\n' : '\n';
        raw += crlf ? line.slice(INDENT.length) : line;
    });
    raw = raw.replace(/\\x(?!fffd)([0-9a-f]{2})/g, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
    raw = Buffer.from(raw, 'utf8').toString('latin1');
    return raw.includes(' more chars elided by the recorder]') ? restoreElided(raw, bytes) : raw;
}

// The recorder cut long frames of one repeated character too; all of them end with the same brackets. For what it
// received it counted the whole line.
function restoreFrame(line, dir, text) {
    const elided = ELIDED.exec(text);
    if (!elided) return text;
    const head = text.slice(0, elided.index);
    const tail = '"}}]';
    const length = Number(elided[1]) - (dir === '<' ? line.length - text.length : 0);
    return head + head.at(-1).repeat(length - head.length - tail.length) + tail;
}

// The recorder cut long JSON bodies that repeat one character: repeat it, then close what is open.
function restoreElided(raw, bytes) {
    const head = raw.slice(0, raw.search(/\n?\.\.\.\[\d+ more chars/));
    const fill = head.at(-1);
    const body = head.slice(head.indexOf('\r\n\r\n') + 4);
    const tail = body.startsWith('{') ? '"}' : '"';
    return head + fill.repeat(bytes - head.length - tail.length) + tail;
}

// The roles that peers were created with: label -> role, from the remarks and from what the server told about them.
export function rolesOf(recording) {
    const roles = new Map();
    const labels = new Map();
    for (const step of recording.steps) {
        const open = step.dir === '*' && /^open .*[?&]peerId=([0-9a-f-]+)/.exec(step.text);
        if (open) labels.set(open[1], step.peer);
        if (step.dir === '#')
            for (const [, label, role] of step.text.matchAll(/\b([A-Z]\d?) (?:has )?role (\d+)\b/g))
                roles.set(label, Number(role));
    }
    for (const step of recording.steps)
        if (step.dir === '<')
            for (const [, id, role] of step.text.matchAll(
                /\{"id":"([0-9a-f-]{36})","language":[^{}]*?"role":("?\d+"?)/g,
            ))
                if (labels.has(id) && !roles.has(labels.get(id))) roles.set(labels.get(id), JSON.parse(role));
    return roles;
}

// The transcript does not tell who closed a websocket without a code. The server does so at once, as its answer to
// what the peer sent or after its own disconnect packet; the recorder closed after a pause or after an answer.
export function closedByServer(recording, step) {
    if (!/code=1005/.test(step.text)) return !/code=1000/.test(step.text);
    const before = recording.steps.filter((other) => other.peer === step.peer && other.line < step.line);
    const last = before.at(-1);
    if (!last || step.ms - last.ms > 20) return false;
    const afterRequest = before.slice(-2).some((other) => other.dir === '>') && /^0\{/.test(last.text);
    return last.dir === '>' || last.text === '41' || afterRequest;
}
