// What anybody may have of a server with a demo page, who does not know its token.

import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Person, rtpCapabilities } from './lib/person.mjs';
import { Server, TOKEN } from './lib/server.mjs';

const GUEST = 3;
const ALL = 31;

async function withServer(env, body) {
    const server = await Server.start(env);
    const join = async (data, headers = {}) => {
        const response = await fetch(`http://127.0.0.1:${server.port}/demo/api/join`, {
            method: 'POST', headers: { 'Content-Type': 'application/json', ...headers }, body: JSON.stringify(data),
        });
        return { status: response.status, place: response.ok ? await response.json() : null };
    };
    try {
        await body(server, join);
    } finally {
        await server.stop();
    }
}

describe('demo routes', () => {
    let folder;

    before(async () => {
        folder = await mkdtemp(path.join(tmpdir(), 'kolabmeet-demo-'));
        await writeFile(path.join(folder, 'index.html'), '<!doctype html>');
    });

    after(() => rm(folder, { recursive: true }));

    test('who opens a room owns it; who comes later is a guest, whatever it asks for', () =>
        withServer({ DEMO: folder }, async (server, join) => {
            const take = async (data, headers) => {
                const { place } = await join(data, headers);
                const person = Object.assign(new Person(), {
                    server, room: place.roomId, id: place.peerId, nextId: 0, peer: { query: new URL(place.url).search.slice(1) },
                });
                await person.connect();
                await person.must('join', { nickname: 'X', rtpCapabilities });
                return person;
            };
            const owner = await take({ room: 'Tea' });
            const roleOfNext = async (...request) => {
                const person = await take(...request);
                assert.equal(person.room, owner.room);
                const [, peer] = (await owner.hear()).find(([method, { id }]) => method === 'newPeer' && id === person.id);
                await person.close();
                await owner.hear();
                return peer.role;
            };
            assert.equal(await roleOfNext({ room: 'Tea' }), GUEST);
            assert.equal(await roleOfNext({ room: 'Tea', role: ALL }), GUEST);
            assert.equal(await roleOfNext({ room: 'Tea', role: 1 }), 1);
            assert.equal(await roleOfNext({ room: 'Tea', role: ALL }, { 'X-Auth-Token': TOKEN }), ALL);
            await owner.must('moderator:closeRoom');
            await owner.close();
        }));

    test('an address may not ask without end', () =>
        withServer({ DEMO: folder, MAX_ADDRESS_REQUEST_RATE: '5', TRUSTED_PROXIES: 'none' }, async (server, join) => {
            const answers = [];
            for (let i = 0; i < 40; i++) answers.push((await join({ room: 'a' })).status);
            assert.equal(answers[0], 200);
            assert.ok(answers.includes(429));
        }));

    test('without a demo page there are none', () =>
        withServer({}, async (server, join) => {
            assert.equal((await join({ room: 'a' })).status, 403);
        }));
});
