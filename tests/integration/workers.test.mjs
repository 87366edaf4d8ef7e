// Several workers behind one port: rooms reach over all of them, with the steering program and without.

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { readFile, readdir } from 'node:fs/promises';
import path from 'node:path';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { Server, TOKEN, binDir, eventually } from './lib/server.mjs';

async function readStats(server) {
    const { stdout } = await promisify(execFile)(path.join(binDir, 'kolabmeetctl'), ['stats', '--json'], {
        env: { ...process.env, RUNTIME_DIR: server.runtimeDir }, timeout: 10000 });
    return JSON.parse(stdout);
}

// Three publishers and three subscribers for 3 s, all of each other's media; resolves to the generator's report.
async function load(server) {
    const child = spawn(path.join(binDir, 'kolabmeet-load'), [
        `--url=http://127.0.0.1:${server.port}`, `--token=${TOKEN}`, '--json=-', '--duration=3',
        '--publishers=3', '--subscribers=3',
    ], { stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
    const status = await new Promise((resolve, reject) => {
        child.once('error', reject);
        child.once('close', resolve);
    });
    assert.equal(status, 0, stderr);
    return JSON.parse(stdout);
}

function sum(stats, key) {
    return stats.workers.reduce((total, worker) => total + worker[key], 0);
}

async function meet(env) {
    const server = await Server.start({ WORKERS: '3', INITIAL_OUTGOING_BITRATE: '0', ...env });
    try {
        const report = await load(server);
        for (const name of ['lost', 'silent', 'failed']) assert.equal(report[name], 0, name);
        for (const name of ['not_authentic', 'replayed', 'malformed', 'unknown_ssrc', 'foreign', 'duplicates'])
            assert.equal(report.counters[name], 0, name);
        // Peers stay for 10 s without their sockets; workers publish from time to time.
        let stats;
        await eventually('all have left, and every packet that was told of was heard of', async () => {
            stats = await readStats(server);
            return stats.transports.length === 0 && sum(stats, 'consumers') === 0 && sum(stats, 'producers') === 0
                && sum(stats, 'referencesReceived') === sum(stats, 'referencesSent')
                && sum(stats, 'takenOver') === sum(stats, 'handedOver');
        }, 60000, 100).catch((error) => {
            throw new Error(`${error.message}: ${JSON.stringify(stats.workers)}, ${stats.transports.length} transports`);
        });
        for (const { rtpForwarded } of stats.workers) assert.ok(rtpForwarded > 100, 'each worker has consumers');
        assert.ok(sum(stats, 'referencesSent') > 1000);
        for (const { drops } of stats.workers) {
            assert.equal(drops.peer_ring_full, 0);
            assert.equal(drops.store_overwritten, 0);
        }
        server.assertUnharmed();
        assert.doesNotMatch(server.stderr, /refused command/);
        return { stats, stderr: server.stderr };
    } finally {
        await server.stop();
    }
}

// { name: list of CPUs } of the threads of a process.
async function cpusOfThreads(pid) {
    const tasks = await readdir(`/proc/${pid}/task`);
    return Object.fromEntries(await Promise.all(tasks.map(async (task) => {
        const status = await readFile(`/proc/${pid}/task/${task}/status`, 'utf8');
        return [/^Name:\t(.*)$/m.exec(status)[1], /^Cpus_allowed_list:\t(.*)$/m.exec(status)[1]];
    })));
}

test('threads are pinned to the CPUs that are given', async () => {
    const server = await Server.start({ WORKERS: '3', CPUS: '0-1' });
    try {
        const cpus = await cpusOfThreads((await server.forwarder()).pid);
        assert.deepEqual([cpus['worker 0'], cpus['worker 1'], cpus['worker 2']], ['0', '1', '0']);
    } finally {
        await server.stop();
    }
});

describe('three workers on one port', () => {
    test('steered by BPF, where that is permitted', async (context) => {
        const { stats, stderr } = await meet({ STEERING: 'on' });
        if (/cannot steer/.test(stderr)) context.diagnostic('BPF is not permitted here: handed over instead');
        else assert.equal(sum(stats, 'handedOver'), 0);
    });

    test('spread by the kernel, and handed over', async () => {
        const { stats } = await meet({ STEERING: 'off' });
        assert.ok(sum(stats, 'handedOver') > 100);
    });
});
