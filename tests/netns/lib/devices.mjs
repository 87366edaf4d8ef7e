// Camera and microphone as files. Chromium's own fake camera is so easy to encode that no layer reaches its bitrate,
// and its microphone beeps twice a second between silences, in which nothing is sent that could be lost.

import { writeFile } from 'node:fs/promises';

const WIDTH = 640;
const HEIGHT = 360;
const FPS = 30;
const FRAMES = 60;
const SAMPLE_RATE = 48000;
const SOUND_SECONDS = 10;

function noise(seed) {
    let state = seed >>> 0;
    return () => {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        return (state >>> 8) / 0x1000000;
    };
}

// A person before a wall, moving to and fro so that the end goes over into the beginning, filmed with some grain.
export async function writeCamera(file) {
    const random = noise(1);
    const wall = Uint8Array.from({ length: WIDTH * HEIGHT }, (_, i) => {
        const x = i % WIDTH;
        const y = Math.floor(i / WIDTH);
        return 110 + 50 * Math.sin(x / 9) * Math.cos(y / 7) + 16 * random();
    });
    const person = Uint8Array.from({ length: WIDTH * HEIGHT }, () => 90 + 90 * random());
    const grain = Int8Array.from({ length: 1 << 16 }, () => Math.round(10 * (random() - 0.5)));
    const chroma = Buffer.alloc(WIDTH * HEIGHT / 2, 128);
    const parts = [Buffer.from(`YUV4MPEG2 W${WIDTH} H${HEIGHT} F${FPS}:1 Ip A1:1 C420jpeg\n`)];
    for (let frame = 0; frame < FRAMES; frame++) {
        const phase = 2 * Math.PI * frame / FRAMES;
        const left = Math.round(WIDTH / 2 + 60 * Math.sin(phase));
        const top = Math.round(HEIGHT / 2 + 20 * Math.sin(2 * phase));
        const luma = Buffer.alloc(WIDTH * HEIGHT);
        let dust = Math.floor(65536 * random());
        for (let y = 0, i = 0; y < HEIGHT; y++)
            for (let x = 0; x < WIDTH; x++, i++) {
                const dx = x - left;
                const dy = y - top;
                const isPerson = dx * dx / 10000 + dy * dy / 16900 < 1;
                // Coarse: what an encoder of few bits can follow.
                const body = person[((dy + 512) >> 2) * WIDTH + ((dx + 512) >> 2)];
                luma[i] = (isPerson ? body : wall[i]) + grain[dust++ & 0xffff];
            }
        parts.push(Buffer.from('FRAME\n'), luma, chroma);
    }
    await writeFile(file, Buffer.concat(parts));
}

// A voice that never pauses.
export async function writeMicrophone(file) {
    const count = SAMPLE_RATE * SOUND_SECONDS;
    const wav = Buffer.alloc(44 + count * 2);
    wav.write('RIFF', 0);
    wav.writeUInt32LE(36 + count * 2, 4);
    wav.write('WAVEfmt ', 8);
    wav.writeUInt32LE(16, 16);
    wav.writeUInt16LE(1, 20);
    wav.writeUInt16LE(1, 22);
    wav.writeUInt32LE(SAMPLE_RATE, 24);
    wav.writeUInt32LE(SAMPLE_RATE * 2, 28);
    wav.writeUInt16LE(2, 32);
    wav.writeUInt16LE(16, 34);
    wav.write('data', 36);
    wav.writeUInt32LE(count * 2, 40);
    let angle = 0;
    for (let i = 0; i < count; i++) {
        const seconds = i / SAMPLE_RATE;
        angle += 2 * Math.PI * (150 + 40 * Math.sin(2 * Math.PI * 0.7 * seconds)) / SAMPLE_RATE;
        const loud = 0.6 + 0.4 * Math.sin(2 * Math.PI * 4 * seconds);
        let value = 0;
        for (let harmonic = 1; harmonic <= 12; harmonic++)
            value += Math.sin(harmonic * angle) / harmonic;
        wav.writeInt16LE(Math.round(9000 * loud * value), 44 + i * 2);
    }
    await writeFile(file, wav);
}
