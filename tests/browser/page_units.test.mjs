// The page's arithmetic, without a browser: the layout of tiles and the rates they show.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bestGrid, RATIO, stageLayout } from '../../tools/demo/src/ui/layout.js';
import { History, layerCount, SAMPLES, serverFacts } from '../../tools/demo/src/plots.js';
import { formatBitrate, ratesBetween, totalsOf } from '../../tools/demo/src/stats.js';

const AREAS = [[1248, 640], [1888, 920], [374, 720], [820, 250], [304, 440], [500, 500]];
const GAP = 12;

test('a grid holds all tiles, and no other number of columns makes them larger', () => {
    for (const [width, height] of AREAS) {
        for (let count = 1; count <= 24; count++) {
            const grid = bestGrid(count, width, height, GAP);
            const what = `${count} tiles in ${width}×${height}: ${JSON.stringify(grid)}`;
            assert.ok(grid.columns * grid.rows >= count, what);
            assert.ok(grid.columns * grid.width + (grid.columns - 1) * GAP <= width, what);
            assert.ok(grid.rows * grid.height + (grid.rows - 1) * GAP <= height, what);
            assert.ok(Math.abs(grid.width / grid.height - RATIO) < 0.05, what);
            for (let columns = 1; columns <= count; columns++) {
                const rows = Math.ceil(count / columns);
                const other = Math.min((width - GAP * (columns - 1)) / columns, (height - GAP * (rows - 1)) / rows * RATIO);
                assert.ok(grid.width >= Math.floor(other), `${what}, but ${columns} columns give ${other}`);
            }
        }
    }
    assert.equal(bestGrid(2, 1248, 640, GAP).columns, 2);
    assert.equal(bestGrid(2, 374, 720, GAP).columns, 1, 'a phone stacks two tiles');
    assert.equal(bestGrid(3, 0, 0, GAP).width, 0, 'no room, no tiles');
});

test('a large tile and its strip fit, on the side that leaves it larger', () => {
    for (const [width, height] of AREAS) {
        for (let count = 0; count <= 16; count++) {
            const { side, stage, strip } = stageLayout(count, width, height, GAP);
            const what = `${count} beside one in ${width}×${height}`;
            const [across, down] = side === 'right' ? [strip.width + (count && GAP), 0] : [0, strip.height + GAP];
            assert.ok(stage.width + across <= width && stage.height + down <= height, what);
            if (strip.columns > 0) {
                const rows = Math.ceil(count / strip.columns);
                assert.ok(strip.columns * (strip.width + GAP) - GAP <= width, what);
                assert.ok(stage.height + rows * (strip.height + GAP) <= height, what);
            }
        }
    }
    assert.equal(stageLayout(3, 1248, 640, GAP).side, 'right');
    assert.equal(stageLayout(3, 374, 720, GAP).side, 'bottom');
});

test('rates of what is received: bits a second, and loss out of what was to come', () => {
    const at = (timestamp, bytesReceived, packetsReceived, packetsLost) =>
        totalsOf({ timestamp, bytesReceived, packetsReceived, packetsLost, frameWidth: 640, frameHeight: 360, framesPerSecond: 30 });
    const before = at(1000, 10000, 100, 0);
    assert.deepEqual(ratesBetween(before, at(3000, 260000, 190, 10)),
        { bitrate: 1000000, lossPercent: 10, width: 640, height: 360, fps: 30 });
    assert.equal(ratesBetween(null, before), null);
    assert.equal(ratesBetween(before, before), null, 'no interval, no rate');
    assert.equal(ratesBetween(before, at(2000, 10000, 105, -5)).lossPercent, 0, 'late packets take losses back');
});

test('rates of what is sent: layers together, the size of the largest that is alive', () => {
    const at = (timestamp, bytes, packets, lost) => totalsOf({
        packetsLost: lost,
        encodings: [
            { timestamp, bytesSent: bytes, packetsSent: packets, frameWidth: 320, frameHeight: 180, framesPerSecond: 15 },
            { timestamp, bytesSent: bytes, packetsSent: packets, frameWidth: 640, frameHeight: 360, framesPerSecond: 0 },
        ],
    });
    assert.deepEqual(ratesBetween(at(0, 0, 0, 0), at(1000, 12500, 50, 1)),
        { bitrate: 200000, lossPercent: 1, width: 320, height: 180, fps: 15 });
});

test('bitrates read well', () => {
    assert.equal(formatBitrate(0), '0 kbit/s');
    assert.equal(formatBitrate(812345), '812 kbit/s');
    assert.equal(formatBitrate(999600), '1.0 Mbit/s');
    assert.equal(formatBitrate(2540000), '2.5 Mbit/s');
});

test('a history forgets, and its scale is a round number above all that is shown', () => {
    const history = new History();
    assert.equal(history.last.bitrate, null);
    for (let i = 0; i < 2 * SAMPLES; i++) history.add({ bitrate: i * 1000, loss: 0 });
    assert.equal(history.samples.length, SAMPLES);
    assert.equal(history.last.bitrate, (2 * SAMPLES - 1) * 1000);
    assert.equal(history.last.estimate, null);
    assert.equal(history.scale, 200000);
    history.add({ bitrate: 812000, received: 1300000, estimate: 1900000 });
    assert.equal(history.scale, 2000000);
    history.add({ bitrate: 812000, received: 1300000, estimate: 90000000 });
    assert.equal(history.scale, 5000000, 'an estimate far above does not press the rest flat');
    assert.equal(new History().scale, 100000);
});

test('what the server says of the own peer, by consumer', () => {
    const video = (id, numbers, more) => ({ id, kind: 'video', hidden: false, stats: [{ paused: false, ...numbers }], ...more });
    const facts = serverFacts({
        transports: [{ consuming: false, stats: [{ availableOutgoingBitrate: 1 }] },
            { consuming: true, stats: [{ availableOutgoingBitrate: 900000, bandwidth: { reason: 'probe' } }] }],
        consumers: [video('a', { spatialLayer: 1, layerReason: 'preferred' }), video('b', { spatialLayer: 0, layerReason: 'estimate' }),
            video('c', { spatialLayer: -1, layerReason: 'suspended' }), video('g', { spatialLayer: 0, layerReason: 'waits for a key frame' }), video('d', { spatialLayer: 1, paused: true }, { hidden: true }),
            { id: 'e', kind: 'audio', stats: [{}] }, { id: 'f', kind: 'video', stats: [] }],
    });
    assert.equal(facts.estimate, 900000);
    assert.equal(facts.why, 'probe');
    assert.deepEqual([...facts.consumers], [['a', { layer: 1, note: '' }], ['b', { layer: 0, note: 'by bandwidth' }],
        ['c', { layer: null, note: 'no bandwidth left' }], ['g', { layer: 0, note: 'waits for a key frame' }], ['d', { layer: null, note: 'not among the last speakers' }]]);
    assert.deepEqual(serverFacts(null), { estimate: null, why: '', consumers: new Map() });
});

test('layers are counted by the scalability mode', () => {
    const count = (scalabilityMode) => layerCount({ encodings: [{ scalabilityMode }] });
    assert.deepEqual([count('L2T3'), count('S3T1'), count(undefined), layerCount(undefined)], [2, 3, 1, 1]);
});
