// Runs a kolabmeetd of its own for a test: own ports, own runtime directory, watched to its end.

import { spawn } from 'node:child_process';
import dgram from 'node:dgram';
import { mkdtempSync, rmSync } from 'node:fs';
import { readFile, readdir } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export const TOKEN = 'Welcome2KolabSystems';
export const binDir = process.env.KM_BIN_DIR ?? new URL('../../../build/dev/bin', import.meta.url).pathname;
export const daemonPath = path.join(binDir, 'kolabmeetd');

const SANITIZER = /(Address|Leak|Thread|Memory|UndefinedBehavior)Sanitizer|runtime error:/;
const SECRET_SETTINGS = ['AUTH_TOKEN', 'TURN_STATIC_SECRET', 'WEBHOOK_TOKEN'];
const START_TIMEOUT_MS = 60000;
const STOP_TIMEOUT_MS = 30000;

let nextPort = Number(process.env.KM_TEST_PORT_BASE ?? 23000) + (process.pid % 64) * 40;

function bindable(port) {
    const tcp = new Promise((resolve) => {
        const server = net.createServer();
        server.once('error', () => resolve(false));
        server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
    });
    const udp = new Promise((resolve) => {
        const socket = dgram.createSocket('udp4');
        socket.once('error', () => resolve(false));
        socket.bind(port, '127.0.0.1', () => socket.close(() => resolve(true)));
    });
    return Promise.all([tcp, udp]).then((free) => free.every(Boolean));
}

export async function freePort() {
    for (;;) {
        const port = nextPort++;
        if (await bindable(port)) return port;
    }
}

export function makeRuntimeDir() {
    return mkdtempSync(path.join(tmpdir(), 'kolabmeet-test-'));
}

export function removeDir(dir) {
    rmSync(dir, { recursive: true, force: true });
}

export async function defaultEnv() {
    return {
        PATH: process.env.PATH,
        ASAN_OPTIONS: process.env.ASAN_OPTIONS ?? '',
        UBSAN_OPTIONS: process.env.UBSAN_OPTIONS ?? '',
        TSAN_OPTIONS: process.env.TSAN_OPTIONS ?? '',
        AUTH_TOKEN: TOKEN,
        SSL_CERT: 'none',
        LISTENING_HOST: '127.0.0.1',
        LISTENING_PORT: String(await freePort()),
        WEBRTC_LISTEN_IP: '127.0.0.1',
        WEBRTC_LISTEN_PORT: String(await freePort()),
        // Whole suites can be run otherwise: KM_WORKERS=2 KM_STEERING=off ctest -L integration
        MEDIASOUP_NUM_WORKERS: process.env.KM_WORKERS ?? '2',
        STEERING: process.env.KM_STEERING ?? 'on',
        TURN_SERVER: 'none',
        LOG_LEVEL: 'debug',
    };
}

// The living processes whose environment has `setting` (NAME=value): [{ pid, name }]. A daemon's children inherit its.
export async function processesWith(setting) {
    const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
    const found = await Promise.all(
        pids.map(async (pid) => {
            const environ = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
            if (!environ.split('\0').includes(setting)) return null;
            const name = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '');
            return { pid: Number(pid), name: name.trim() };
        }),
    );
    return found.filter(Boolean);
}

// Polls `probe` until it returns something true; throws after the timeout.
export async function eventually(what, probe, timeoutMs = 30000, everyMs = 25) {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
        const result = await probe();
        if (result) return result;
        if (Date.now() > deadline) throw new Error(`${what}: not within ${timeoutMs} ms`);
        await sleep(everyMs);
    }
}

export class Server {
    // Starts the daemon without waiting for it. `env` replaces or (with undefined) removes defaults; `port` and
    // `mediaPort` are what it listens on where the environment does not say.
    static async launch(env = {}, { options = [], port, mediaPort } = {}) {
        const server = new Server();
        server.runtimeDir = makeRuntimeDir();
        const settings = {
            ...(await defaultEnv()),
            RUNTIME_DIR: server.runtimeDir,
            KM_TEST: server.runtimeDir,
            ...env,
        };
        for (const name of Object.keys(settings)) if (settings[name] === undefined) delete settings[name];
        server.port = port ?? Number(settings.LISTENING_PORT);
        server.mediaPort = mediaPort ?? Number(settings.WEBRTC_LISTEN_PORT);
        server.secrets = new Set(SECRET_SETTINGS.map((name) => settings[name]).filter((text) => text?.length >= 8));
        server.stderr = '';
        server.stdout = '';
        server.child = spawn(daemonPath, options, { env: settings, stdio: ['ignore', 'pipe', 'pipe'] });
        server.child.stderr.setEncoding('utf8').on('data', (text) => (server.stderr += text));
        server.child.stdout.setEncoding('utf8').on('data', (text) => (server.stdout += text));
        server.exited = new Promise((resolve, reject) => {
            server.child.once('error', reject);
            server.child.once('close', (status, signal) => resolve({ status, signal }));
        });
        server.exited.then(
            (end) => (server.end = end),
            (error) => (server.end = { error }),
        );
        return server;
    }

    // Starts the daemon and waits until it is healthy.
    static async start(env = {}, more = {}) {
        const server = await Server.launch(env, more);
        try {
            await eventually(
                'kolabmeetd answers /health with 200',
                async () => {
                    if (server.end)
                        throw new Error(
                            `kolabmeetd ended at its start: ${JSON.stringify(server.end)}\n${server.stderr}`,
                        );
                    return (await server.health()) === 200;
                },
                START_TIMEOUT_MS,
                50,
            );
        } catch (error) {
            await server.kill();
            throw new Error(`${error.message}\n--- stderr of kolabmeetd:\n${server.stderr}`);
        }
        return server;
    }

    get pid() {
        return this.child.pid;
    }

    async request(method, target, body, headers = {}) {
        const response = await fetch(`http://127.0.0.1:${this.port}/meetmedia/api${target}`, {
            method,
            headers: {
                'X-Auth-Token': TOKEN,
                ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
                ...headers,
            },
            body: body === undefined ? undefined : JSON.stringify(body),
            signal: AbortSignal.timeout(10000),
        });
        const text = await response.text();
        return { status: response.status, headers: response.headers, text, json: () => JSON.parse(text) };
    }

    // The status of GET /health, or 0 while there is no answer.
    health() {
        return this.request('GET', '/health').then(
            (response) => response.status,
            () => 0,
        );
    }

    async createRoom() {
        const response = await this.request('POST', '/sessions', {});
        if (response.status !== 200) throw new Error(`POST /sessions: ${response.status}`);
        return response.json().id;
    }

    // A new peer of a room: { id, authToken, query }.
    async createPeer(roomId, role = 3) {
        const response = await this.request('POST', `/sessions/${roomId}/connection`, { role });
        if (response.status !== 200) throw new Error(`POST /sessions/${roomId}/connection: ${response.status}`);
        const { id, token } = response.json();
        const authToken = new URL(token).searchParams.get('authToken');
        this.secrets.add(authToken);
        return { id, authToken, query: `peerId=${id}&roomId=${roomId}&authToken=${authToken}` };
    }

    // All processes of this server: [{ pid, name }].
    processes() {
        return processesWith(`KM_TEST=${this.runtimeDir}`);
    }

    forwarder() {
        return this.processes().then((all) => all.find(({ pid }) => pid !== this.pid));
    }

    // Throws when the daemon has died or a sanitizer has spoken.
    assertUnharmed() {
        if (SANITIZER.test(this.stderr)) throw new Error(`a sanitizer reports:\n${this.stderr}`);
        if (this.end) throw new Error(`kolabmeetd has ended: ${JSON.stringify(this.end)}\n${this.stderr}`);
    }

    // Throws when the log tells a token, a password or a key that tests have used.
    assertDiscreet() {
        for (const secret of this.secrets)
            if (this.stderr.includes(secret) || this.stdout.includes(secret))
                throw new Error(`the log tells a secret, ${secret}:\n${this.stderr}`);
    }

    // Ends the daemon as an administrator does; throws unless it and its forwarder end well.
    async stop() {
        try {
            this.assertUnharmed();
            this.assertDiscreet();
            this.child.kill('SIGTERM');
            const end = await Promise.race([this.exited, sleep(STOP_TIMEOUT_MS, null, { ref: false })]);
            if (end?.status !== 0)
                throw new Error(`SIGTERM ended kolabmeetd with ${JSON.stringify(end)}\n${this.stderr}`);
            if (SANITIZER.test(this.stderr)) throw new Error(`a sanitizer reports:\n${this.stderr}`);
            const left = await this.processes();
            if (left.length > 0) throw new Error(`outlived kolabmeetd: ${JSON.stringify(left)}`);
        } finally {
            await this.kill();
        }
    }

    // Ends what is left of the server, and removes its files.
    async kill() {
        for (const { pid } of await this.processes()) process.kill(pid, 'SIGKILL');
        removeDir(this.runtimeDir);
    }
}
