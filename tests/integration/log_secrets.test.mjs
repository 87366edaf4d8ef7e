// A whole call at the most verbose level, with everything that may go wrong: no token, password or key is logged, and
// the console and the statistics show none.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import dgram from 'node:dgram';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { Person } from './lib/person.mjs';
import { Server, TOKEN, binDir, eventually } from './lib/server.mjs';

const run = promisify(execFile);
const secret = () => randomBytes(16).toString('hex');

const UUID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;
// A key in hex or base64, a password or a token. SRTP's keys are not known to the test: none looks otherwise.
const LOOKS_SECRET = /[A-Za-z0-9+=]{24,}/g;

const console_ = (server, ...words) => run(path.join(binDir, 'kolabmeetctl'), ['--runtime-dir', server.runtimeDir, ...words]);

// What a peer is told that is nobody else's business.
function passwordsOf(text) {
    return [...text.matchAll(/"(?:password|credential|usernameFragment)":"([^"]+)"/g)].map(([, word]) => word);
}

test('a whole call at debug says no secret', { timeout: 120000 }, async () => {
    const settings = {
        LOG_LEVEL: 'debug',
        TURN_SERVER: 'turn:127.0.0.1:3478?transport=tcp',
        TURN_STATIC_SECRET: secret(),
        WEBHOOK_URL: 'http://127.0.0.1:9/hook', // nobody: its failures are logged
        WEBHOOK_TOKEN: secret(),
    };
    const server = await Server.start(settings);
    const secrets = new Set([TOKEN, settings.TURN_STATIC_SECRET, settings.WEBHOOK_TOKEN]);
    let shown = '';
    try {
        const room = await server.createRoom();
        const alice = await Person.join(server, room, 31, 'Alice');
        secrets.add(alice.peer.authToken);
        const heard = [JSON.stringify(await alice.connect())]; // roomBack with TURN credentials
        for (const transportId of [alice.sending, alice.receiving])
            heard.push(JSON.stringify(await alice.request('restartIce', { transportId })));
        heard.push(JSON.stringify(await alice.must('createWebRtcTransport', { consuming: true })));
        for (const word of heard.flatMap(passwordsOf)) secrets.add(word);
        assert.ok(secrets.size >= 4 + 3 * 2, 'ICE passwords and fragments, TURN credentials');

        const wrong = secret();
        secrets.add(wrong);
        await fetch(`http://127.0.0.1:${server.port}/meetmedia/api/sessions`, { headers: { 'X-Auth-Token': wrong } });
        await fetch(`http://127.0.0.1:${server.port}/meetmedia/signaling/?EIO=4&transport=polling&peerId=${alice.id}` +
            `&roomId=${room}&authToken=${wrong}`);
        await alice.request('connectWebRtcTransport', { transportId: alice.sending, dtlsParameters: { fingerprints: [] } });
        const stranger = dgram.createSocket('udp4');
        await eventually('the forwarder says what was dropped', () => {
            for (const data of [randomBytes(64), Buffer.from([0x80])]) stranger.send(data, server.mediaPort, '127.0.0.1');
            return / DEBUG drops: worker \d dropped /.test(server.stderr);
        }, 60000, 100);

        // ICE, DTLS and SRTP, by both profiles, joined and left.
        for (const profile of ['aes256gcm', 'aescm'])
            await run(path.join(binDir, 'kolabmeet-load'), [`--url=http://127.0.0.1:${server.port}`,
                `--token=${TOKEN}`, '--publishers=2', '--subscribers=1', '--duration=1',
                `--profile=${profile}`]);
        for (const words of [['peers'], ['rooms'], ['dump', room], ['dump', alice.id], ['stats', room], ['usage'],
            ['dump', 'worker', '0'], ['--json', 'dump', 'transport', alice.sending]])
            shown += (await console_(server, ...words)).stdout;
        shown += await (await server.request('GET', '/stats')).body;
        process.kill((await server.forwarder()).pid, 'SIGKILL'); // another goes on with its keys
        await eventually('another forwarder', () => / forwarder: process \d+ ended/.test(server.stderr), 20000);
        await eventually('it is healthy', async () => (await server.health()) === 200, 20000);
        stranger.close();
        await alice.close();
        shown += readFileSync(path.join(server.runtimeDir, 'stats')).toString('latin1');
    } finally {
        await server.stop();
    }
    assert.match(server.stderr, / DEBUG /);
    for (const [what, text] of [['logged', server.stderr], ['shown', shown]])
        for (const word of secrets) assert.ok(!text.includes(word), `${what}: ${word}`);
    const suspects = server.stderr.replace(UUID, 'ID').match(LOOKS_SECRET) ?? [];
    assert.deepEqual(suspects, []);
});
