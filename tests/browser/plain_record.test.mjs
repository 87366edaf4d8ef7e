// Plain RTP with the real programs, by the commands of README.md: ffmpeg and GStreamer record what Chromium sends.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { inMeeting } from './lib/meeting.mjs';
import { Program, Recorder, sessionDescription } from './lib/plain.mjs';

const run = promisify(execFile);

// What a recorded file holds: { vp8: frames, opus: frames }, all of them decoded.
async function probe(file) {
    const { stdout } = await run('ffprobe', ['-v', 'error', '-count_frames', '-show_entries',
        'stream=codec_name,nb_read_frames', '-of', 'json', file]);
    return Object.fromEntries(JSON.parse(stdout).streams.map((stream) =>
        [stream.codec_name, Number(stream.nb_read_frames)]));
}

// Whether some program has bound that UDP port.
async function listens(port) {
    const bound = await Promise.all(['udp', 'udp6'].map((family) => readFile(`/proc/net/${family}`, 'utf8').catch(() => '')));
    return bound.join().includes(`:${port.toString(16).toUpperCase()} `);
}

async function assertRecords(meeting, title, port, stop) {
    const folder = await mkdtemp(join(tmpdir(), 'kolabmeet-plain-'));
    const [video, audio] = [await Recorder.join(meeting, 'video'), await Recorder.join(meeting, 'audio')];
    const SDP = join(folder, 'session.sdp');
    const FILE = join(folder, 'recorded.webm');
    await writeFile(SDP, sessionDescription(port, port + 2));
    const program = new Program(title, { SDP, FILE, VIDEO_PORT: String(port), AUDIO_PORT: String(port + 2) });
    try {
        while (!(await listens(port)) || !(await listens(port + 2)))
            await sleep(50);
        await video.connect(port);
        await audio.connect(port + 2);
        await stop(program);
        const frames = await probe(FILE);
        assert.ok(frames.vp8 >= 10, `${frames.vp8} frames of video\n${program.output}`);
        assert.ok(frames.opus >= 30, `${frames.opus} frames of audio\n${program.output}`);
    } finally {
        await program.stop();
        await video.close();
        await audio.close();
        await rm(folder, { recursive: true });
    }
}

test('ffmpeg records what a browser sends', () => inMeeting(async (meeting) => {
    await meeting.join('Alice');
    await assertRecords(meeting, 'record with ffmpeg', 51200, async (program) => {
        const late = setTimeout(() => program.stop('SIGINT'), 25000);
        assert.equal(await program.ended, 0, program.output);
        clearTimeout(late);
    });
}));

test('GStreamer records what a browser sends', () => inMeeting(async (meeting) => {
    await meeting.join('Alice');
    await assertRecords(meeting, 'record with GStreamer', 51210, async (program) => {
        await sleep(8000);
        assert.equal(await program.stop('SIGINT'), 0, program.output); // it ends the file first
    });
}));
