// Calls with joins and leaves all the time, near what one worker can do: nothing may leak, drift, or be dropped without a
// reason. Prints a line every few seconds and a verdict.

import { execFile, execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Server, TOKEN, binDir, eventually } from '../integration/lib/server.mjs';
import { cpuTime, memory } from './signaling_process.mjs';

const run = promisify(execFile);
const SAMPLE_S = 5;
const CALIBRATIONS = 2;
const CALIBRATION_S = 8;
const GROWTH_ALLOWED_KIB = 1024; // and 3 percent
const GROWTH_ALLOWED = 0.03;
const CPU_MISSED_MIN_S = 0.5; // a receive buffer holds more than that
const SLOWER_ALLOWED = 1.4; // CPU of a packet; other work on the machine can do as much

// What joining, leaving and choosing layers cause by themselves. Every other name is a failure.
const EXPECTED_DROPS = new Set([
    'unknown_tuple', 'no_keys', 'unknown_ssrc', 'unknown_payload_type', 'stream_gone', 'feedback_unknown_ssrc', 'padding_only',
    'producer_paused', 'consumer_paused', 'consumer_waits_key_frame', 'consumer_other_layer', 'consumer_no_address',
    'key_frame_limit', 'nack_repeated', 'nack_not_sent',
]);

// What takes packets from calls that go on, by no fault of the server (its CPU was not there, or a receiver said that it loses
// packets), and from how many receivers each one at most. They are listed; a packet that is lost beyond them is a failure.
const PUBLISHERS = 2;
const SUBSCRIBERS = 40;
const LOSING_DROPS = new Map([
    ['receive_buffer_overflow', PUBLISHERS + SUBSCRIBERS - 1],
    ['consumer_suspended', 1],
    ['consumer_temporal_layer', 1],
]);

const settings = { seconds: '600', share: '80', cpus: '0,1', rooms: undefined };
const loadOptions = [`--publishers=${PUBLISHERS}`, `--subscribers=${SUBSCRIBERS}`, '--churn=1', '--ramp=40'];
for (const argument of process.argv.slice(2)) {
    const [, name, value] = /^--([a-z]+)=(.*)$/.exec(argument) ?? [];
    if (name in settings) settings[name] = value;
    else loadOptions.push(argument);
}
const [serverCpu, generatorCpu] = settings.cpus.split(',');

const failures = [];
const fail = (what) => failures.push(what);
const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];
const mib = (kib) => (kib / 1024).toFixed(1);

const server = await Server.start({
    MEDIASOUP_NUM_WORKERS: '1',
    LOG_LEVEL: 'info',
    STORE_MIB: '8', // else it is still being touched for the first time when the measurement begins
    INITIAL_OUTGOING_BITRATE: '20000000',
    MAX_INCOMING_BITRATE: '0',
    MAX_ADDRESS_CONNECTIONS: '0',
    MAX_CONNECTION_RATE: '0',
    MAX_ADDRESS_CONNECTION_RATE: '0',
    MAX_REQUEST_RATE: '0',
    MAX_ADDRESS_REQUEST_RATE: '0',
});

// Looking must not take the server's CPU from it: only what the generator leaves is used.
execFileSync('taskset', ['-a', '-c', '-p', generatorCpu, String(process.pid)]);

async function statistics() {
    const command = [path.join(binDir, 'kolabmeetctl'), '--runtime-dir', server.runtimeDir, '--json', 'stats'];
    const { stdout } = await run('nice', ['-n', '19', ...command], { maxBuffer: 1 << 26 });
    return JSON.parse(stdout);
}

// Seconds that the worker's thread was ready to run, but something else had its CPU.
function workerWaited() {
    const threads = `/proc/${forwarderPid}/task`;
    const worker = readdirSync(threads).find((id) => readFileSync(`${threads}/${id}/comm`, 'utf8').startsWith('worker 0'));
    return Number(readFileSync(`${threads}/${worker}/schedstat`, 'utf8').split(' ')[1]) / 1e9;
}

// Seconds that the host of a virtual machine took from it, of all CPUs.
function stolen() {
    return Number(readFileSync('/proc/stat', 'utf8').split(/\s+/)[8]) / 100;
}

const forwarderPid = (await statistics()).control.forwarderPid;
for (const pid of [server.pid, forwarderPid]) execFileSync('taskset', ['-a', '-c', '-p', serverCpu, String(pid)]);

function load(rooms, seconds) {
    return run(
        path.join(binDir, 'kolabmeet-load'),
        [
            `--url=http://127.0.0.1:${server.port}`, `--token=${TOKEN}`, `--cpu=${generatorCpu}`, `--forwarder-pid=${forwarderPid}`,
            `--control-pid=${server.pid}`, `--duration=${seconds}`, `--rooms=${rooms}`, '--json=-', ...loadOptions,
        ],
        { maxBuffer: 1 << 26 },
    ).then(({ stdout }) => JSON.parse(stdout));
}

// How many rooms bring the forwarder to its share of the core. A packet costs less where there are more.
async function calibrate() {
    let rooms = 2;
    for (let i = 0; i < CALIBRATIONS; i++) {
        const { forwarder, seconds } = await load(rooms, CALIBRATION_S);
        const share = (forwarder.cpu_s / seconds) * 100;
        console.error(`calibration: ${rooms} rooms, ${share.toFixed(0)} % of the core`);
        rooms = Math.max(1, Math.min(4 * rooms, Math.round((rooms * Number(settings.share)) / share)));
    }
    return rooms;
}

let waitedBefore;
let stolenBefore;
let cpuMissed; // seconds
const samples = [];
let finished = false;

// Memory of both, and what a packet costs the forwarder since the sample before.
async function sampling() {
    let before;
    while (!finished) {
        const { workers } = await statistics();
        const now = { sent: workers[0].packetsSent, cpuMs: cpuTime(forwarderPid).all, waited: workerWaited() };
        if (before && now.sent > before.sent) {
            const sample = {
                control: memory(server.pid).all,
                forwarder: memory(forwarderPid).all,
                usPerPacket: ((now.cpuMs - before.cpuMs) * 1000) / (now.sent - before.sent),
                consumers: workers[0].consumers,
            };
            samples.push(sample);
            console.error(
                `${(samples.length * SAMPLE_S).toString().padStart(4)} s  control ${mib(sample.control)} MiB, forwarder ` +
                    `${mib(sample.forwarder)} MiB, ${sample.consumers} consumers, ` +
                    `${((now.sent - before.sent) / SAMPLE_S).toFixed(0)} packets/s, ${sample.usPerPacket.toFixed(2)} µs each, waited ` +
                    `${((now.waited - before.waited) * 1000).toFixed(0)} ms for the CPU`,
            );
        }
        before = now;
        await sleep(SAMPLE_S * 1000);
    }
}

// From the second quarter to the last: the first is for what everything has to grow to once.
function checkDrift() {
    const quarter = Math.floor(samples.length / 4);
    if (quarter < 2) return fail(`only ${samples.length} samples: too short to say anything of drift`);
    const part = (name, from, to) => median(samples.slice(from, to).map((sample) => sample[name]));
    for (const name of ['control', 'forwarder']) {
        const [early, late] = [part(name, quarter, 2 * quarter), part(name, 3 * quarter)];
        console.log(`${name}: ${mib(early)} MiB in the second quarter, ${mib(late)} MiB in the last`);
        if (late - early > GROWTH_ALLOWED_KIB + early * GROWTH_ALLOWED) fail(`${name} has grown by ${mib(late - early)} MiB`);
    }
    const [early, late] = [part('usPerPacket', quarter, 2 * quarter), part('usPerPacket', 3 * quarter)];
    console.log(`CPU of a packet: ${early.toFixed(2)} µs in the second quarter, ${late.toFixed(2)} in the last`);
    if (late > early * SLOWER_ALLOWED) fail(`a packet costs ${(late / early).toFixed(2)} times what it did`);
}

// A packet that was sent and did not arrive has a source, or the run fails.
function checkLosses(result, dropsBefore, dropsAfter) {
    let unexplained = result.lost;
    console.log(`missing: ${result.lost + result.lost_own} of ${result.expected}`);
    console.log(
        `  ${result.lost_own} fell out of the generator's receive buffers (${(result.generator.receive_buffer_bytes / 2 ** 20).toFixed(0)} ` +
            `MiB; ${result.socket_drops} messages${result.generator.counts_packets ? '' : ', each counted as one packet: no BPF'})`,
    );
    for (const [name, receivers] of LOSING_DROPS) {
        const count = dropsAfter[name] - dropsBefore[name];
        if (count === 0) continue;
        const explained = Math.min(unexplained, count * receivers);
        console.log(`  ${explained} by the server's ${name} ${count}${receivers > 1 ? `, of up to ${receivers} receivers each` : ''}`);
        unexplained -= explained;
    }
    console.log(`  ${unexplained} without a known source`);
    if (unexplained > 0) fail(`${unexplained} packets were lost, and nothing explains it`);
    if (dropsAfter.receive_buffer_overflow > dropsBefore.receive_buffer_overflow && cpuMissed < CPU_MISSED_MIN_S)
        fail('the worker had its CPU, and yet did not empty its receive buffer');
}

function checkLoad(result) {
    const { counters, latency } = result;
    console.log(
        `${result.seconds.toFixed(0)} s, ${result.consumers} consumers, ${result.left} left and others came, ` +
            `${result.packets_per_second.toFixed(0)} packets/s forwarded, the forwarder ` +
            `${((result.forwarder.cpu_s / result.seconds) * 100).toFixed(0)} % of its core`,
    );
    console.log(
        `latency p50 ${Math.round(latency.p50_us)} µs, p99 ${Math.round(latency.p99_us)} µs, p99.9 ${Math.round(latency.p999_us)} µs; beside it ${counters.caught_up} packets ` +
            `that joiners were sent out of the store`,
    );
    for (const name of ['reordered', 'duplicates', 'not_authentic', 'replayed', 'malformed', 'foreign', 'send_failures'])
        if (counters[name] > 0) fail(`${name}: ${counters[name]}`);
    for (const name of ['failed', 'silent']) if (result[name] > 0) fail(`${name}: ${result[name]}`);
    for (const limit of result.generator_limits) console.log(`the generator's limit: ${limit}`);
    const [waited, taken] = [workerWaited() - waitedBefore, stolen() - stolenBefore];
    cpuMissed = waited + taken;
    console.log(`the worker waited ${waited.toFixed(1)} s for its CPU, the host took ${taken.toFixed(1)} s`);
    console.log(`the generator was up to ${(result.generator.late_max_us / 1000).toFixed(0)} ms late`);
}

// A warning that says nothing but what is accounted for already: "worker 0 dropped 3 receive_buffer_overflow".
function isOfLosingDrops(line) {
    const list = / dropped (.*)$/.exec(line)?.[1].split(', ') ?? [];
    return list.length > 0 && list.every((item) => LOSING_DROPS.has(item.split(' ')[1]));
}

// When all have left, everything has been given back.
async function checkRest(result, dropsBefore) {
    await eventually(
        'rooms close',
        async () => (await server.request('GET', '/sessions')).text === '[]',
        30000,
        250,
    ).catch(() => fail('rooms are still open'));
    await sleep(1500);
    const { workers, control, transports, streams, consumers } = await statistics();
    const drops = Object.entries(workers[0].drops).filter(([, count]) => count > 0);
    console.log(`drops: ${drops.map(([name, count]) => `${name} ${count}`).join(', ') || 'none'}`);
    for (const [name, count] of drops)
        if (!EXPECTED_DROPS.has(name) && !LOSING_DROPS.has(name)) fail(`dropped without a reason: ${name} ${count}`);
    checkLosses(result, dropsBefore, workers[0].drops);
    for (const [name, list] of Object.entries({ transports, streams, consumers }))
        if (list.length > 0) fail(`${list.length} ${name} are left`);
    if (control.forwarderStarts !== 1) fail(`the forwarder was started ${control.forwarderStarts} times`);
    if (control.refusedCommands > 0) fail(`${control.refusedCommands} commands were refused`);
    if (workers[0].eventsLost > 0) fail(`${workers[0].eventsLost} events were lost`);
    const errors = server.stderr
        .split('\n')
        .filter((line) => /\b(error|warn(ing)?)\b/i.test(line) && !isOfLosingDrops(line));
    if (errors.length > 0) fail(`the log has ${errors.length} errors and warnings, the first: ${errors[0]}`);
    console.log(`at rest: control ${mib(memory(server.pid).all)} MiB, forwarder ${mib(memory(forwarderPid).all)} MiB`);
}

try {
    const rooms = Number(settings.rooms) || (await calibrate());
    console.error(`${rooms} rooms`);
    [waitedBefore, stolenBefore] = [workerWaited(), stolen()];
    const dropsBefore = (await statistics()).workers[0].drops;
    const loading = load(rooms, settings.seconds).finally(() => (finished = true));
    const [result] = await Promise.all([loading, sampling()]);
    checkLoad(result);
    checkDrift();
    await checkRest(result, dropsBefore);
} finally {
    await server.stop();
}
for (const failure of failures) console.log(`FAILED: ${failure}`);
if (failures.length === 0) console.log('nothing leaked, drifted, or was dropped without a reason');
process.exitCode = failures.length > 0 ? 1 : 0;
