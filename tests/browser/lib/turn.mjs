// A real coturn of a test's own, on loopback only, which hands out credentials by a secret that the server knows too.

import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { eventually, freePort, makeRuntimeDir, removeDir } from '../../integration/lib/server.mjs';

const HOST = '127.0.0.1';
const RELAY_PORTS = 32;

export class Turn {
    log = '';
    secret = randomBytes(16).toString('hex');

    static async start() {
        const turn = new Turn();
        turn.dir = makeRuntimeDir();
        turn.port = await freePort();
        const first = 34900 + (process.pid % 8) * RELAY_PORTS;
        turn.child = spawn('turnserver', ['-n', '--verbose', '--log-file=stdout', '--simple-log', '--no-cli', '--no-tls',
            '--no-dtls', '--no-multicast-peers', '--allow-loopback-peers', '--realm=kolabmeet.test',
            '--use-auth-secret', `--static-auth-secret=${turn.secret}`, `--listening-ip=${HOST}`, `--relay-ip=${HOST}`,
            `--listening-port=${turn.port}`, `--min-port=${first}`, `--max-port=${first + RELAY_PORTS - 1}`,
            `--pidfile=${path.join(turn.dir, 'pid')}`, `--userdb=${path.join(turn.dir, 'db')}`],
        { cwd: turn.dir, stdio: ['ignore', 'pipe', 'pipe'] });
        for (const stream of [turn.child.stdout, turn.child.stderr])
            stream.setEncoding('utf8').on('data', (text) => (turn.log += text));
        turn.exited = new Promise((resolve) => {
            turn.child.once('close', resolve);
            turn.child.once('error', (error) => resolve((turn.log += error.message)));
        });
        turn.exited.then(() => (turn.hasEnded = true));
        await eventually('turnserver listens', () => {
            if (turn.hasEnded) throw new Error(`turnserver ended:\n${turn.log}`);
            return /listener opened on ?: ?127\.0\.0\.1/i.test(turn.log);
        }, 10000).catch((error) => turn.stop().then(() => {
            throw new Error(`${error.message}\n${turn.log}`);
        }));
        return turn;
    }

    // Settings of a server whose clients are told of it, by UDP or TCP.
    env(transport) {
        return { TURN_SERVER: `turn:${HOST}:${this.port}?transport=${transport}`, TURN_STATIC_SECRET: this.secret };
    }

    async stop() {
        this.child.kill('SIGKILL');
        await this.exited;
        removeDir(this.dir);
    }
}
