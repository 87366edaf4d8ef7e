// Calls with joins and leaves all the time, near what one worker can do: nothing may leak, drift, or be dropped without a
// reason. Prints a line every few seconds and a verdict.

import { execFile, execFileSync } from 'node:child_process';
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
const SLOWER_ALLOWED = 1.4; // CPU of a packet; other work on the machine can do as much

// What joining, leaving and choosing layers cause by themselves. Every other name is a failure.
const EXPECTED_DROPS = new Set([
    'unknown_tuple', 'no_keys', 'unknown_ssrc', 'unknown_payload_type', 'stream_gone', 'feedback_unknown_ssrc', 'padding_only',
    'producer_paused', 'consumer_paused', 'consumer_waits_key_frame', 'consumer_suspended', 'consumer_temporal_layer',
    'consumer_other_layer', 'consumer_no_address', 'key_frame_limit', 'nack_repeated', 'nack_not_sent',
]);

const settings = { seconds: '600', share: '80', cpus: '0,1', rooms: undefined };
const loadOptions = ['--publishers=2', '--subscribers=40', '--churn=1', '--ramp=40'];
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

async function statistics() {
    const { stdout } = await run(path.join(binDir, 'kolabmeetctl'), ['--runtime-dir', server.runtimeDir, '--json', 'stats'], {
        maxBuffer: 1 << 26,
    });
    return JSON.parse(stdout);
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

const samples = [];
let finished = false;

// Memory of both, and what a packet costs the forwarder since the sample before.
async function sampling() {
    let before;
    while (!finished) {
        const { workers } = await statistics();
        const now = { sent: workers[0].packetsSent, cpuMs: cpuTime(forwarderPid).all };
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
                    `${((now.sent - before.sent) / SAMPLE_S).toFixed(0)} packets/s, ${sample.usPerPacket.toFixed(2)} µs each`,
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

function checkLoad(result) {
    const { counters, latency } = result;
    console.log(
        `${result.seconds.toFixed(0)} s, ${result.consumers} consumers, ${result.left} left and others came, ` +
            `${result.packets_per_second.toFixed(0)} packets/s received, the forwarder ` +
            `${((result.forwarder.cpu_s / result.seconds) * 100).toFixed(0)} % of its core`,
    );
    console.log(`lost ${result.lost} of ${result.expected}; latency p50 ${latency.p50_us} µs, p99 ${latency.p99_us} µs`);
    for (const name of ['reordered', 'duplicates', 'not_authentic', 'replayed', 'malformed', 'foreign', 'send_failures'])
        if (counters[name] > 0) fail(`${name}: ${counters[name]}`);
    for (const name of ['lost', 'failed', 'silent', 'socket_drops']) if (result[name] > 0) fail(`${name}: ${result[name]}`);
    for (const limit of result.generator_limits) console.log(`the generator's limit: ${limit}`);
}

// When all have left, everything has been given back.
async function checkRest() {
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
    for (const [name, count] of drops) if (!EXPECTED_DROPS.has(name)) fail(`dropped without a reason: ${name} ${count}`);
    for (const [name, list] of Object.entries({ transports, streams, consumers }))
        if (list.length > 0) fail(`${list.length} ${name} are left`);
    if (control.forwarderStarts !== 1) fail(`the forwarder was started ${control.forwarderStarts} times`);
    if (control.refusedCommands > 0) fail(`${control.refusedCommands} commands were refused`);
    if (workers[0].eventsLost > 0) fail(`${workers[0].eventsLost} events were lost`);
    const errors = server.stderr.split('\n').filter((line) => /\b(error|warn(ing)?)\b/i.test(line));
    if (errors.length > 0) fail(`the log has ${errors.length} errors and warnings, the first: ${errors[0]}`);
    console.log(`at rest: control ${mib(memory(server.pid).all)} MiB, forwarder ${mib(memory(forwarderPid).all)} MiB`);
}

try {
    const rooms = Number(settings.rooms) || (await calibrate());
    console.error(`${rooms} rooms`);
    const loading = load(rooms, settings.seconds).finally(() => (finished = true));
    const [result] = await Promise.all([loading, sampling()]);
    checkLoad(result);
    checkDrift();
    await checkRest();
} finally {
    await server.stop();
}
for (const failure of failures) console.log(`FAILED: ${failure}`);
if (failures.length === 0) console.log('nothing leaked, drifted, or was dropped without a reason');
process.exitCode = failures.length > 0 ? 1 : 0;
