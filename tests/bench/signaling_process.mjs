// What a process has used, from /proc.

import { readFileSync } from 'node:fs';

const MS_PER_TICK = 10; // USER_HZ is 100 everywhere Linux runs on

function cpuMs(statFile) {
    const stat = readFileSync(statFile, 'utf8');
    // From the third field on; the second is a name, which may hold anything.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK;
}

// CPU time (user and system) in ms: { all, main, others }, of the process, its main thread and its other threads.
export function cpuTime(pid) {
    const main = cpuMs(`/proc/${pid}/task/${pid}/stat`);
    const all = cpuMs(`/proc/${pid}/stat`);
    return { all, main, others: all - main };
}

export function cpuSince(pid, before) {
    const now = cpuTime(pid);
    return { all: now.all - before.all, main: now.main - before.main, others: now.others - before.others };
}

// Resident memory in KiB: { all, anonymous, shared, file }; shared is what the forwarder's segment takes.
export function memory(pid) {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const kib = (name) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0);
    return { all: kib('VmRSS'), anonymous: kib('RssAnon'), shared: kib('RssShmem'), file: kib('RssFile') };
}
