// usage: run BIN_DIR measure.mjs [JOINS]
//
// Measures and prints as JSON: the time from the click on "join" to the first decoded frame of a participant who is
// there already (median of JOINS, 10 by default), and for a call of two, over 10 s: CPU of both processes and their
// resident memory, and how packets came and left: by calls, and in runs of one size to one destination.

import { readFile } from 'node:fs/promises';
import { execFileSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { binDir } from '../integration/lib/server.mjs';
import { Meeting } from './lib/meeting.mjs';

const joins = Number(process.argv[2] ?? 10);
const CALL_SECONDS = 10;
const ticksPerSecond = Number(execFileSync('getconf', ['CLK_TCK']));

// Of all workers together.
function batches(server) {
    const text = execFileSync(`${binDir}/kolabmeetctl`, ['stats', '--json', '--runtime-dir', server.runtimeDir]);
    const { workers } = JSON.parse(text);
    const sum = (read) => workers.reduce((total, worker) => total + read(worker), 0);
    return {
        received: sum((worker) => worker.packetsReceived),
        receiveBatches: sum((worker) => worker.stages.batches.reduce((total, count) => total + count, 0)),
        sent: sum((worker) => worker.packetsSent),
        sentInRuns: sum((worker) => worker.stages.sentInRuns),
        sentRuns: sum((worker) => worker.stages.sentRuns),
        sendCalls: sum((worker) => worker.stages.sendCalls),
    };
}

async function usage(pid) {
    const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).replace(/^.*\) /, '').split(' ');
    const status = await readFile(`/proc/${pid}/status`, 'utf8');
    return {
        cpuSeconds: (Number(fields[11]) + Number(fields[12])) / ticksPerSecond,
        residentMib: Number(/VmRSS:\s+(\d+)/.exec(status)[1]) / 1024,
    };
}

function median(values) {
    const sorted = [...values].sort((a, b) => a - b);
    return (sorted[Math.floor((sorted.length - 1) / 2)] + sorted[Math.floor(sorted.length / 2)]) / 2;
}

async function firstFrameMs(meeting, others) {
    const participant = await meeting.join('Joiner');
    const id = await others[0].id();
    await participant.until('sees the first frame', (from) => {
        const frames = window.kolabmeet.timings.frames ?? {};
        return Object.keys(frames).some((tile) => tile.startsWith(from));
    }, id);
    const ms = await participant.evaluate((from) => {
        const { join, frames } = window.kolabmeet.timings;
        return frames[Object.keys(frames).find((tile) => tile.startsWith(from))] - join;
    }, id);
    await participant.press(/leave/i);
    await participant.page.context().close();
    return ms;
}

const meeting = await Meeting.open();
try {
    const { pid } = meeting.server;
    const forwarder = (await meeting.server.forwarder()).pid;
    const alice = await meeting.join('Alice');
    const idle = { control: await usage(pid), forwarder: await usage(forwarder) };
    const times = [];
    for (let i = 0; i < joins; i++)
        times.push(await firstFrameMs(meeting, [alice]));

    const bob = await meeting.join('Bob');
    await bob.seesMore(alice, 30);
    const before = { control: await usage(pid), forwarder: await usage(forwarder) };
    const batchesBefore = batches(meeting.server);
    await sleep(CALL_SECONDS * 1000);
    const after = { control: await usage(pid), forwarder: await usage(forwarder) };
    const batchesAfter = batches(meeting.server);
    const during = (name) => batchesAfter[name] - batchesBefore[name];
    const share = (name) => Number(((after[name].cpuSeconds - before[name].cpuSeconds) / CALL_SECONDS * 100).toFixed(2));
    console.log(JSON.stringify({
        joinToFirstFrameMs: { median: Math.round(median(times)), all: times.map(Math.round) },
        callOfTwo: {
            cpuPercentOfACore: { kolabmeetd: share('control'), forwarder: share('forwarder') },
            residentMib: { kolabmeetd: Number(after.control.residentMib.toFixed(1)),
                forwarder: Number(after.forwarder.residentMib.toFixed(1)) },
            packets: {
                sent: during('sent'),
                inRunsPercent: Number((during('sentInRuns') / during('sent') * 100).toFixed(1)),
                ofARun: Number((during('sentInRuns') / Math.max(1, during('sentRuns'))).toFixed(2)),
                ofAReceive: Number((during('received') / during('receiveBatches')).toFixed(2)),
            },
        },
        residentMibAtStart: { kolabmeetd: Number(idle.control.residentMib.toFixed(1)),
            forwarder: Number(idle.forwarder.residentMib.toFixed(1)) },
    }, null, 2));
    await meeting.close();
} finally {
    await meeting.abandon();
}
