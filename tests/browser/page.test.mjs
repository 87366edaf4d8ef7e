// The page itself: tiles fit every screen, everything has a name and a key, a shared screen is large, faults are told.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertAllMeet, inMeeting } from './lib/meeting.mjs';

const SCREENS = [[1280, 800], [1920, 1080], [768, 1024], [390, 844], [844, 390], [320, 568]];

// What is wrong with the tiles as they are laid out now, in words.
function misplacedTiles() {
    const area = document.querySelector('.grid').getBoundingClientRect();
    const tiles = [...document.querySelectorAll('.tile')].map((tile) => tile.getBoundingClientRect());
    const faults = [];
    if (document.documentElement.scrollWidth > innerWidth)
        faults.push(`the page is ${document.documentElement.scrollWidth} wide in ${innerWidth}`);
    tiles.forEach((tile, index) => {
        const where = `tile ${index} (${tile.left},${tile.top} ${tile.width}×${tile.height})`;
        if (Math.abs(tile.width / tile.height - 16 / 9) > 0.05)
            faults.push(`${where} is not 16:9`);
        if (tile.left < area.left - 1 || tile.right > area.right + 1 || tile.top < area.top - 1 || tile.bottom > area.bottom + 1)
            faults.push(`${where} is outside of the grid`);
        if (tiles.some((other, at) => at < index && other.left < tile.right - 1 && tile.left < other.right - 1
            && other.top < tile.bottom - 1 && tile.top < other.bottom - 1))
            faults.push(`${where} covers another`);
    });
    return faults;
}

// All tiles are where they belong, once the page has drawn them.
async function assertPlaced(participant, what) {
    let misplaced;
    for (let i = 0; i < 100; i++) {
        await participant.page.waitForTimeout(150);
        misplaced = await participant.evaluate(misplacedTiles);
        if (misplaced.length === 0) return;
    }
    assert.deepEqual(misplaced, [], what);
}

test('tiles are 16:9 and fit, on desktops, tablets and phones, also beside the chat', () => inMeeting(async (meeting) => {
    const people = [];
    for (const name of ['Alice', 'Bob', 'Carol'])
        people.push(await meeting.join(name, { video: '0', audio: '0' }));
    const [alice] = people;
    await alice.until('has three tiles', () => document.querySelectorAll('.tile').length === 3);
    for (const chat of [false, true]) {
        if (chat)
            await alice.page.locator('[data-tool=chat]').click();
        for (const [width, height] of SCREENS) {
            await alice.page.setViewportSize({ width, height });
            await assertPlaced(alice, `${width}×${height}, chat ${chat}`);
        }
    }
}));

test('everything is named, and keys do what buttons do', () => inMeeting(async (meeting) => {
    const alice = await meeting.join('Alice');
    const nameless = await alice.evaluate(() => [...document.querySelectorAll('button, input, textarea, select')]
        .filter((control) => !(control.getAttribute('aria-label') || control.labels?.length || control.textContent.trim()))
        .map((control) => control.outerHTML));
    assert.deepEqual(nameless, []);

    const pressed = (tool) => alice.page.locator(`[data-tool=${tool}]`).getAttribute('aria-pressed');
    await alice.until('sends', () => window.kolabmeet.producers.length === 2);
    assert.equal(await pressed('mic'), 'true');
    await alice.page.keyboard.press('m');
    await alice.until('is muted', () => window.kolabmeet.producers.find(({ source }) => source === 'mic').paused);
    await alice.page.getByLabel('Microphone off').first().waitFor();
    assert.equal(await pressed('mic'), 'false');

    await alice.page.keyboard.press('c');
    await alice.page.keyboard.type('mm'); /* in the message these are letters */
    assert.equal(await pressed('mic'), 'false');
    await alice.page.keyboard.press('Escape');
    assert.equal(await pressed('chat'), 'false');
    assert.equal(await alice.evaluate(() => document.activeElement.dataset.tool), 'chat');
}));

test('each tile tells bitrate, size, frame rate and loss', () => inMeeting(async (meeting) => {
    const alice = await meeting.join('Alice');
    const bob = await meeting.join('Bob');
    await assertAllMeet([alice, bob]);
    for (const from of [alice, bob]) {
        await bob.until(`shows numbers of ${from.name}`, (id) =>
            /^\d+×\d+ ?\d+ fps ?[\d.]+ [kM]bit\/s ?\d+\.\d %$/.test(document.querySelector(`[data-tile="${id}"] .tile-stats`)
                .textContent), await from.id());
    }
}));

test('statistics: a plot in each tile, drawn, told in words, with what the server knows', () => inMeeting(async (meeting) => {
    const alice = await meeting.join('Alice');
    const bob = await meeting.join('Bob');
    await assertAllMeet([alice, bob]);
    assert.equal(await bob.page.locator('.tile-plot').first().isVisible(), false);
    let asked = 0;
    bob.page.on('request', (request) => (asked += request.url().endsWith('/demo/api/stats')));
    await bob.page.locator('[data-tool=plots]').click();
    await bob.until('tells of Alice\'s bitrate and layer', (id) => /\d+ [kM]bit\/s.*layer \d of 2/.test(
        document.querySelector(`[data-tile="${id}"] .tile-plot canvas`).getAttribute('aria-label')), await alice.id());
    await bob.until('tells what it sends and receives', (id) => /in \d+.*out \d+/.test(
        document.querySelector(`[data-tile="${id}"] .tile-plot`).textContent), await bob.id());
    await bob.until('has drawn', () => [...document.querySelectorAll('.tile-plot canvas')].every((canvas) => {
        const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
        return new Set(new Uint32Array(data.buffer)).size > 10;
    }));
    assert.ok(asked > 0);
    for (const [width, height] of SCREENS) {
        await bob.page.setViewportSize({ width, height });
        await assertPlaced(bob, `${width}×${height}`);
    }
    await bob.page.keyboard.press('p');
    assert.equal(await bob.page.locator('.tile-plot').first().isVisible(), false);
    await bob.page.waitForTimeout(1500);
    const before = asked;
    await bob.page.waitForTimeout(2500);
    assert.equal(asked, before, 'nothing is asked for what nobody sees');
    assert.deepEqual(bob.errors, []);
}));

test('a shared screen is the large tile until it ends', () => inMeeting(async (meeting) => {
    const alice = await meeting.join('Alice', { video: '0' });
    const bob = await meeting.join('Bob', { video: '0' });
    await alice.page.locator('[data-tool=screen]').click();
    await bob.until('sees the screen', async () => {
        const { consumers } = await window.kolabmeet.stats();
        return consumers.some((consumer) => consumer.source === 'screen' && consumer.framesDecoded > 5);
    });
    assert.equal(await bob.page.locator('.stage .tile').getAttribute('aria-label'), 'Alice’s screen');
    for (const [width, height] of SCREENS) {
        await bob.page.setViewportSize({ width, height });
        await assertPlaced(bob, `${width}×${height}`);
    }
    await alice.page.locator('[data-tool=screen]').click();
    await bob.until('has no large tile', () => !document.querySelector('.stage .tile'));
    assert.equal(await bob.evaluate(() => document.querySelectorAll('.tile').length), 2);
}));

test('who leaves is in the lobby and can come back', () => inMeeting(async (meeting) => {
    const alice = await meeting.join('Alice');
    const bob = await meeting.join('Bob');
    await assertAllMeet([alice, bob]);
    await alice.press(/leave/i);
    await alice.page.getByText('You left the room.').waitFor();
    await alice.page.getByRole('button', { name: 'Join' }).click();
    await alice.until('is back', () => window.kolabmeet.state === 'joined');
    await assertAllMeet([alice, bob]);
}));

test('faults are told in words', () => inMeeting(async (meeting) => {
    const alice = await meeting.join('Alice', { video: '0', audio: '0' });
    await alice.press(/leave/i);
    const answers = [[404, /demo is switched off/], [503, /not ready/], [500, /refused the call \(status 500\)/]];
    for (const [status, words] of answers) {
        await alice.page.route('**/demo/api/join', (route) => route.fulfill({ status, body: '' }));
        await alice.page.getByRole('button', { name: 'Join' }).click();
        await alice.page.getByText(words).waitFor();
        await alice.page.unroute('**/demo/api/join');
    }
    await alice.page.route('**/demo/api/join', (route) => route.abort());
    await alice.page.getByRole('button', { name: 'Join' }).click();
    await alice.page.getByText(/cannot be reached/).waitFor();
    await alice.page.unroute('**/demo/api/join');

    await alice.page.getByRole('button', { name: 'Join' }).click();
    await alice.until('is joined', () => window.kolabmeet.state === 'joined');
    await alice.page.context().setOffline(true);
    await alice.evaluate(() => window.kolabmeet.room.signaling.breakConnection());
    await alice.page.getByText('Reconnecting').waitFor();
    await alice.page.context().setOffline(false);
    await alice.notified('roomBack');
    await alice.page.getByText('Reconnecting').waitFor({ state: 'hidden' });
}));
