// Three networks: browsers and the server have no way to each other's media but a TURN server that is in both of theirs.
//
//   clients 10.78.1.2 ── 10.78.1.1 turn 10.78.2.1 ── 10.78.2.2 server (this namespace, see run)
//   clients 10.78.3.2 ─────────────────────────────── 10.78.3.1, where nothing but TCP to the signaling port passes
//
// All of it ends with this process, however it ends.

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';

export const TURN = { listens: '10.78.1.1', relays: '10.78.2.1' };
export const SERVER = { media: '10.78.2.2', signaling: '10.78.3.1' };

const ip = (...words) => execFileSync('ip', words);

// A namespace for as long as its process reads.
async function open() {
    const child = spawn('unshare', ['--net', 'sh', '-c', 'ip link set lo up; echo; read -r end'], {
        stdio: ['pipe', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    return { child, path: `/proc/${child.pid}/ns/net`, pid: child.pid };
}

// One end of a link is in a namespace, the other in another or (without one) here.
function link(name, [from, fromAddress], [to, toAddress]) {
    ip('link', 'add', `${name}a`, 'type', 'veth', 'peer', 'name', `${name}b`);
    for (const [end, namespace, address] of [[`${name}a`, from, fromAddress], [`${name}b`, to, toAddress]]) {
        if (namespace) ip('link', 'set', end, 'netns', String(namespace.pid));
        const words = namespace ? ['nsenter', `--net=${namespace.path}`, 'ip'] : ['ip'];
        for (const rest of [['addr', 'add', `${address}/24`, 'dev', end], ['link', 'set', end, 'up']])
            execFileSync(words[0], [...words.slice(1), ...rest]);
    }
}

export class Islands {
    static async open(signalingPort) {
        const islands = new Islands();
        ip('link', 'set', 'lo', 'up');
        islands.clients = await open();
        islands.turn = await open();
        link('ct', [islands.clients, '10.78.1.2'], [islands.turn, TURN.listens]);
        link('ts', [islands.turn, TURN.relays], [null, SERVER.media]);
        link('cs', [islands.clients, '10.78.3.2'], [null, SERVER.signaling]);
        execFileSync('nft', ['-f', '-'], { input: `table ip islands {\nchain c {\ntype filter hook prerouting priority raw;\n`
            + `iifname "csb" tcp dport != ${signalingPort} drop\niifname "csb" meta l4proto udp drop\n}\n}\n` });
        return islands;
    }

    async close() {
        execFileSync('nft', ['delete', 'table', 'ip', 'islands']);
        for (const { child } of [this.clients, this.turn]) {
            child.stdin.end();
            if (child.exitCode === null) await once(child, 'close');
        }
    }
}
