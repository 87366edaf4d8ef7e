// A real coturn of a test's own, on loopback or in a network namespace, which takes credentials made by a secret that
// the server knows too.

import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { eventually, freePort, makeRuntimeDir, removeDir } from '../../integration/lib/server.mjs';

const LOOPBACK = '127.0.0.1';
const RELAY_PORTS = 32;

export class Turn {
    log = '';
    secret = randomBytes(16).toString('hex');

    // `listens` and `relays` are its addresses on either side; `namespace` is the path of one, or it runs in this.
    static async start({ listens = LOOPBACK, relays = listens, namespace } = {}) {
        const turn = new Turn();
        turn.host = listens;
        turn.dir = makeRuntimeDir();
        turn.port = await freePort();
        const first = 34900 + (process.pid % 8) * RELAY_PORTS;
        const [program, ...before] = [...namespace ? ['nsenter', `--net=${namespace}`] : [], 'turnserver'];
        turn.child = spawn(program, [...before, '-n', '--verbose', '--log-file=stdout', '--simple-log', '--no-cli', '--no-tls',
            '--no-dtls', '--no-multicast-peers', '--allow-loopback-peers', '--realm=kolabmeet.test',
            '--use-auth-secret', `--static-auth-secret=${turn.secret}`, `--listening-ip=${listens}`, `--relay-ip=${relays}`,
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
            return turn.log.replaceAll(' :', ':').includes(`listener opened on: ${listens}`);
        }, 10000).catch((error) => turn.stop().then(() => {
            throw new Error(`${error.message}\n${turn.log}`);
        }));
        return turn;
    }

    // Settings of a server whose clients are told of it, by UDP or TCP.
    env(transport) {
        return { TURN_SERVER: `turn:${this.host}:${this.port}?transport=${transport}`, TURN_STATIC_SECRET: this.secret };
    }

    async stop() {
        this.child.kill('SIGKILL');
        await this.exited;
        removeDir(this.dir);
    }
}
