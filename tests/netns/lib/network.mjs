// Links of a test, each to a network namespace of its own: delay, jitter, reordering and rate by netns-relay, loss by
// nftables at the end that receives. This process itself has to be in a namespace of its own (see run), which is the
// server's. All of it ends with this process, however it ends.

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { binDir } from '../../integration/lib/server.mjs';

export const SERVER_ADDRESS = '10.77.0.1';

// For a link like a good one: 20 ms round trip.
const GOOD = { down: { rate: 0, queue: 500, delay: 10, jitter: 0, reorder: 0, hold: 0, loss: 0 } };
GOOD.up = GOOD.down;

// What the relay is told, out of ours: ms, %, bit/s.
function words({ rate, queue, delay, jitter, reorder, hold }) {
    return Object.entries({
        rate, queue,
        delay: delay === undefined ? undefined : delay * 1000,
        jitter: jitter === undefined ? undefined : jitter * 1000,
        reorder: reorder === undefined ? undefined : reorder * 10000,
        hold: hold === undefined ? undefined : hold * 1000,
    }).filter(([, value]) => value !== undefined).map(([name, value]) => `${name}=${Math.round(value)}`).join(' ');
}

export class Network {
    #relay;
    #answers = [];
    #fds;

    static async open(names) {
        execFileSync('ip', ['link', 'set', 'lo', 'up']);
        execFileSync('ip', ['addr', 'replace', `${SERVER_ADDRESS}/32`, 'dev', 'lo']);
        const network = new Network();
        network.names = names;
        network.#relay = spawn(path.join(binDir, 'netns-relay'), names, { stdio: ['pipe', 'pipe', 'inherit'] });
        createInterface({ input: network.#relay.stdout }).on('line', (line) => network.#answers.shift()?.(line));
        network.#fds = JSON.parse(await new Promise((resolve, reject) => {
            network.#answers.push(resolve);
            network.#relay.once('close', () => reject(new Error('netns-relay ended')));
        }));
        // A relay that waits for a CPU is a bad link.
        execFileSync('chrt', ['--fifo', '--pid', '10', String(network.#relay.pid)], { stdio: 'ignore' });
        for (const name of names) await network.mend(name);
        return network;
    }

    #ask(line) {
        return new Promise((resolve, reject) => {
            this.#answers.push((answer) => (answer === 'error' ? reject(new Error(`netns-relay refuses ${line}`)) : resolve(answer)));
            this.#relay.stdin.write(`${line}\n`);
        });
    }

    // Path of the namespace of `name`, for nsenter.
    namespace(name) {
        return `/proc/${this.#relay.pid}/fd/${this.#fds[name]}`;
    }

    // `settings`: {down, up}, each of {rate (bit/s, 0: none), queue, delay, jitter, hold (ms), reorder, loss (%)}.
    async set(name, settings) {
        for (const direction of ['down', 'up']) {
            const some = settings[direction];
            if (!some) continue;
            await this.#ask(`set ${name} ${direction} ${words(some)}`);
            if (some.loss !== undefined) this.#lose(name, direction, some.loss);
        }
    }

    mend(name) {
        return this.set(name, GOOD);
    }

    #lose(name, direction, percent) {
        const number = this.names.indexOf(name) + 1;
        const hook = direction === 'down' ? 'iifname "client"' : `iifname "link${number}"`;
        const rule = percent ? `${hook} numgen random mod 10000 < ${Math.round(percent * 100)} counter drop` : '';
        const table = `loss_${name}`;
        const text = `table ip ${table}\ndelete table ip ${table}\n`
            + `table ip ${table} {\nchain c {\ntype filter hook prerouting priority raw;\n${rule}\n}\n}\n`;
        execFileSync('nsenter', [...direction === 'down' ? [`--net=${this.namespace(name)}`] : [], 'nft', '-f', '-'], { input: text });
    }

    // What passed since the last time: {packets, bytes, dropped, queueP50Ms, queueP95Ms, queueMaxMs}.
    async read(name, direction = 'down') {
        return JSON.parse(await this.#ask(`read ${name} ${direction}`));
    }

    // As when a phone changes its network: the server sees UDP from there with another address.
    roam(name, host) {
        return this.#ask(`roam ${name} ${host}`);
    }

    async close() {
        this.#relay.stdin.end();
        if (this.#relay.exitCode === null) await once(this.#relay, 'close');
    }
}
