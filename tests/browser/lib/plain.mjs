// Programs that speak plain RTP, run by the very commands of README.md, and the participants that they stand for.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { Person, rtpCapabilities } from '../../integration/lib/person.mjs';
import { eventually } from '../../integration/lib/server.mjs';

const README = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8');

const VIDEO = {
    kind: 'video',
    appData: { source: 'webcam' },
    rtpParameters: {
        codecs: [{ mimeType: 'video/VP8', payloadType: 101, clockRate: 90000 }],
        encodings: [{ ssrc: 2222 }],
    },
};
const AUDIO = {
    kind: 'audio',
    appData: { source: 'mic' },
    rtpParameters: {
        codecs: [{ mimeType: 'audio/opus', payloadType: 100, clockRate: 48000, channels: 2 }],
        encodings: [{ ssrc: 1111 }],
    },
};

// The indented lines of README.md from the one that begins so on.
function block(first) {
    const lines = README.split('\n');
    const start = lines.findIndex((line) => line.startsWith(`    ${first}`));
    assert.ok(start >= 0, `README.md has "${first}"`);
    const length = lines.slice(start).findIndex((line) => !line.startsWith('    '));
    return lines.slice(start, start + length).map((line) => line.slice(4)).join('\n');
}

// The session description of README.md with these ports.
export function sessionDescription(videoPort, audioPort) {
    return `${block('v=0').replace('51000', videoPort).replace('51002', audioPort)}\n`;
}

// A command of README.md, running.
export class Program {
    output = '';

    constructor(title, variables) {
        const command = block(`# ${title}`).split('\n').slice(1).join('\n');
        this.title = title;
        this.child = spawn('sh', ['-c', `exec ${command}`], {
            env: { ...process.env, ...variables },
            stdio: ['ignore', 'pipe', 'pipe'],
        });
        for (const stream of [this.child.stdout, this.child.stderr])
            stream.on('data', (data) => (this.output = (this.output + data).slice(-4000)));
        this.ended = new Promise((resolve) => this.child.on('close', (code, signal) => resolve(code ?? signal)));
    }

    get isRunning() {
        return this.child.exitCode === null && this.child.signalCode === null;
    }

    async stop(signal = 'SIGKILL') {
        if (this.isRunning) this.child.kill(signal);
        return this.ended;
    }
}

export async function roomOf(meeting) {
    const [{ roomId }] = (await meeting.server.request('GET', '/sessions')).json();
    return roomId;
}

// An encoder in the room, with the variables that a command needs.
export class Encoder {
    static async join(meeting, name, rtcpFeedback = []) {
        const encoder = new Encoder();
        encoder.name = name;
        encoder.person = await Person.enter(meeting.server, await roomOf(meeting), 3);
        await encoder.person.must('join', { nickname: name });
        const { codecs: [codec], encodings } = VIDEO.rtpParameters;
        const video = await encoder.#produce({ ...VIDEO, rtpParameters: { codecs: [{ ...codec, rtcpFeedback }], encodings } });
        const audio = await encoder.#produce(AUDIO);
        encoder.variables = {
            IP: video.ip,
            VIDEO_PORT: String(video.port),
            VIDEO_RTCP_PORT: String(video.rtcpPort),
            AUDIO_PORT: String(audio.port),
            AUDIO_RTCP_PORT: String(audio.rtcpPort),
        };
        return encoder;
    }

    async #produce(stream) {
        const transport = await this.person.must('createPlainTransport', { producing: true });
        await this.person.must('produce', { ...stream, transportId: transport.id });
        return transport;
    }

    id() {
        return this.person.id;
    }

    close() {
        return this.person.close();
    }
}

// A recorder of one kind of media: a participant that can receive nothing else.
export class Recorder {
    static async join(meeting, kind) {
        const recorder = new Recorder();
        recorder.person = await Person.enter(meeting.server, await roomOf(meeting), 1);
        recorder.transport = await recorder.person.must('createPlainTransport', { consuming: true });
        await recorder.person.must('join', {
            nickname: `Recorder of ${kind}`,
            rtpCapabilities: {
                ...rtpCapabilities,
                codecs: rtpCapabilities.codecs.filter((codec) => /opus|VP8/.test(codec.mimeType) && codec.kind === kind),
            },
        });
        await eventually(`a consumer of ${kind}`, async () =>
            (await recorder.person.hear()).some(([method, data]) => method === 'newConsumer' && data.kind === kind));
        return recorder;
    }

    async connect(port) {
        const { id } = this.transport;
        await this.person.must('connectPlainTransport', {
            transportId: id, ip: '127.0.0.1', port, rtcpPort: port + 1 });
    }

    close() {
        return this.person.close();
    }
}
