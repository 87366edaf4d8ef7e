// kolabmeet-load against the daemon: what it sends arrives, whole and authentic.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import path from 'node:path';
import { describe, test } from 'node:test';
import { Server, TOKEN, binDir } from './lib/server.mjs';

const SECONDS = 3;

// Nothing is held back: what the generator misses was lost.
const withoutEstimate = { INITIAL_OUTGOING_BITRATE: '0' };

// Runs the generator; resolves to { status, report, stderr }.
function load(server, ...options) {
    const child = spawn(path.join(binDir, 'kolabmeet-load'), [
        `--url=http://127.0.0.1:${server.port}`, `--token=${TOKEN}`, '--json=-', `--duration=${SECONDS}`, ...options,
    ], { stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
    return new Promise((resolve, reject) => {
        child.once('error', reject);
        child.once('close', (status) => resolve({ status, stderr, report: stdout ? JSON.parse(stdout) : null }));
    });
}

function assertWhole(run) {
    assert.equal(run.status, 0, run.stderr);
    const { report } = run;
    assert.equal(report.lost, 0, run.stderr);
    assert.equal(report.silent, 0);
    assert.equal(report.failed, 0);
    for (const name of ['not_authentic', 'replayed', 'malformed', 'unknown_ssrc', 'foreign', 'duplicates'])
        assert.equal(report.counters[name], 0, name);
    assert.ok(report.latency.p50_us > 0 && report.latency.p50_us <= report.latency.max_us);
}

// What a run of SECONDS gives at this rate; less, where a busy machine made it skip what was overdue.
function assertAbout(value, perSecond, what) {
    const expected = perSecond * SECONDS;
    assert.ok(value > expected * 0.1 && value < expected * 1.1, `${what}: ${value}, about ${expected} expected`);
}

describe('kolabmeet-load', () => {
    test('2 publishers and 3 subscribers: every packet reaches everybody else', async () => {
        const server = await Server.start(withoutEstimate);
        try {
            const run = await load(server, '--publishers=2', '--subscribers=3');
            assertWhole(run);
            assert.equal(run.report.participants, 5);
            assert.equal(run.report.consumers, 16); // 3 subscribers × 2 publishers × 2 kinds, and 2 × 1 × 2
            assertAbout(run.report.counters.sent, 2 * 160, 'sent');
            assert.equal(run.report.expected, 4 * run.report.counters.sent); // everybody but its sender gets each
            assert.equal(run.report.latency.count, run.report.counters.decrypted);
            server.assertUnharmed();
        } finally {
            await server.stop();
        }
    });

    for (const options of [
        ['--profile=aes256gcm', '--dtls-role=server', '--feedback=none'],
        ['--profile=aescm', '--srtp-backend=libsrtp2', '--feedback=remb', '--even'],
        ['--check=10', '--no-publisher-subscribe', '--rooms=2', '--local=off'],
    ])
        test(`the same with ${options.join(' ')}`, async () => {
            const server = await Server.start(withoutEstimate);
            try {
                assertWhole(await load(server, '--publishers=2', '--subscribers=2', ...options));
                server.assertUnharmed();
            } finally {
                await server.stop();
            }
        });

    test('subscribers leave and others come: what the others receive stays whole', async () => {
        const server = await Server.start(withoutEstimate);
        try {
            const run = await load(server, '--publishers=1', '--subscribers=4', '--churn=2', '--duration=6');
            assertWhole(run);
            assert.ok(run.report.left >= 1 && run.report.left <= 6, `${run.report.left} left`);
            assert.equal(run.report.participants, 5);
            assert.ok(run.report.join.count >= 5 + run.report.left);
            const { caught_up, decrypted } = run.report.counters; // what is older than its receiver is no latency
            assert.equal(run.report.latency.count + caught_up, decrypted);
            server.assertUnharmed();
        } finally {
            await server.stop();
        }
    });

    test('what is thrown away on purpose is found to be lost', async () => {
        const server = await Server.start(withoutEstimate);
        try {
            const { status, report, stderr } = await load(server, '--publishers=2', '--subscribers=2', '--lose-received=10');
            assert.equal(status, 0, stderr);
            assert.ok(report.lost > 0 && report.lost <= report.counters.thrown_away,
                `${report.lost} lost, ${report.counters.thrown_away} thrown away`);
            assert.ok(report.loss > 0.07 && report.loss < 0.13, `${report.loss}`);
        } finally {
            await server.stop();
        }
    });

    // Frames of 60 packets come at once, and 16 KiB hold a dozen of them: its own kernel throws away the rest.
    for (const sockets of [['--local=off', '--receive-buffer=8'], ['--receive-buffer=64']])
        test(`what falls out of its own receive buffers is not the server's loss: ${sockets.join(' ')}`, async () => {
            const server = await Server.start(withoutEstimate);
            try {
                const { status, report, stderr } = await load(server, '--publishers=1', '--subscribers=8', '--video=600x1100@10',
                    '--progress', ...sockets);
                assert.equal(status, 0, stderr);
                assert.ok(report.lost_own > 0, stderr);
                assert.ok(report.socket_drops > 0);
                assert.ok(report.generator_limits.includes('socket'));
                assert.match(stderr, /in own buffers [1-9]/);
                assert.match(stderr, /THE GENERATOR ITSELF WAS THE LIMIT: its own receive buffers overflowed/);
                if (report.generator.counts_packets) assert.equal(report.lost, 0, stderr);
                else assert.ok(report.lost_own <= report.socket_drops);
            } finally {
                await server.stop();
            }
        });

    test('a wrong token is an error in words', async () => {
        const server = await Server.start(withoutEstimate);
        try {
            const run = await load(server, '--token=wrong');
            assert.equal(run.status, 1);
            assert.match(run.stderr, /status 403/);
            assert.equal(run.report, null);
        } finally {
            await server.stop();
        }
    });
});
