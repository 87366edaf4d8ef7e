// Settings out of a file, secrets out of files, and what --check-config says.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Server, TOKEN, daemonPath, defaultEnv, makeRuntimeDir, removeDir } from './lib/server.mjs';

let dir;

before(() => {
    dir = makeRuntimeDir();
});

after(() => removeDir(dir));

function file(name, text) {
    const where = path.join(dir, name);
    writeFileSync(where, text, { mode: 0o600 });
    return where;
}

// Runs kolabmeetd to its end.
async function run(options, env = {}) {
    const child = spawn(daemonPath, options, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (text) => (stdout += text));
    child.stderr.on('data', (text) => (stderr += text));
    const status = await new Promise((resolve) => child.once('close', resolve));
    return { status, stdout, stderr };
}

const LEAST = 'AUTH_TOKEN=token-of-the-file\nSSL_CERT=none\nWEBRTC_LISTEN_IP=127.0.0.1\nTURN_SERVER=none\n';

describe('settings', { concurrency: 2 }, () => {
    test('a server that has all of its settings from a file, and its token from another', async () => {
        const { LISTENING_PORT, WEBRTC_LISTEN_PORT, ...env } = await defaultEnv();
        const token = file('token', `${TOKEN}\n`);
        const config = file(
            'full.env',
            `# a server\nAUTH_TOKEN_FILE=${token}\nLISTENING_PORT=${LISTENING_PORT}\n` +
                `WEBRTC_LISTEN_PORT=${WEBRTC_LISTEN_PORT}\nWEBRTC_LISTEN_IP=127.0.0.1\nSSL_CERT=none\nPUBLIC_DOMAIN=meet.example.org\n`,
        );
        const server = await Server.start(
            {
                ...Object.fromEntries(Object.keys(env).map((name) => [name, undefined])),
                PATH: env.PATH,
                AUTH_TOKEN: undefined,
                LISTENING_PORT: undefined,
                WEBRTC_LISTEN_PORT: undefined,
                PUBLIC_DOMAIN: 'other.example.org',
            },
            { options: ['--config', config, '--webrtc-listen-ip=127.0.0.1'], port: Number(LISTENING_PORT) },
        );
        try {
            const room = await server.createRoom();
            const { token: url } = (await server.request('POST', `/sessions/${room}/connection`, {})).json();
            assert.match(url, /^ws:\/\/other\.example\.org\?/);
        } finally {
            await server.stop();
        }
    });

    test('--check-config', async () => {
        const { status, stdout, stderr } = await run(['--check-config', `--config=${file('fine.env', LEAST)}`]);
        assert.equal(status, 0, stderr);
        assert.equal(stdout, 'the configuration is fine\n');
        assert.match(stderr, /clients get the candidates udp and tcp 127\.0\.0\.1 port 44444/);
        assert.match(stderr, /only clients on this machine can send media to 127\.0\.0\.1/);
        assert.doesNotMatch(stderr, /token-of-the-file/);
    });

    const wrong = {
        'an unknown setting': ['AUTH_TOKN=hush-hush\n', 78, /\.env line 5: unknown setting AUTH_TOKN$/],
        'a value that is no number': [
            '\nMAX_ROOMS=many\n',
            78,
            /line 6: MAX_ROOMS: "many" is no number from 1 to 1000000$/,
        ],
        quotes: ['WEBHOOK_TOKEN="hush-hush"\n', 78, /line 5: a value has no quotes around it$/],
        'a secret twice': ['AUTH_TOKEN_FILE=/x\n', 78, /AUTH_TOKEN and AUTH_TOKEN_FILE are both set$/],
        'a secret that is not there': [
            'WEBHOOK_TOKEN_FILE=/nonexistent\n',
            78,
            /WEBHOOK_TOKEN_FILE: \/nonexistent: No such file/,
        ],
        'codecs that do not exist': ['CODECS=opus,H266\n', 78, /H266/],
        'a webhook that is no URL': ['WEBHOOK_URL=kolab.example.org\n', 78, /WEBHOOK_URL: not a URL/],
        'networks that are none': ['TRUSTED_PROXIES=10.0.0.0/99\n', 78, /TRUSTED_PROXIES: not a list/],
    };
    for (const [what, [text, expected, about]] of Object.entries(wrong))
        test(what, async () => {
            const config = file(`wrong ${what}.env`, LEAST + text);
            for (const options of [
                ['--config', config],
                ['--config', config, '--check-config'],
            ]) {
                const { status, stdout, stderr } = await run(options, {
                    RUNTIME_DIR: dir,
                    FORWARDER: daemonPath.replace('kolabmeetd', 'kolabmeet-forwarder'),
                    LISTENING_PORT: '1',
                    WEBRTC_LISTEN_PORT: '28999',
                });
                assert.equal(status, expected, stderr);
                assert.equal(stdout, '');
                assert.match(stderr.trimEnd().split('\n').at(-1), about);
                assert.doesNotMatch(stderr, /hush-hush/);
            }
        });

    test('no listen address in the file', async () => {
        const { status } = await run(['--config', file('noip.env', 'AUTH_TOKEN=x\nSSL_CERT=none\n')]);
        assert.equal(status, 3);
    });

    test('--help names every setting as it is written everywhere', async () => {
        const { status, stdout } = await run(['--help']);
        assert.equal(status, 0);
        assert.match(stdout, /^ {2}LISTENING_PORT, --listening-port\n {6}its port \[12443\]$/m);
        assert.match(stdout, /--check-config/);
    });
});
