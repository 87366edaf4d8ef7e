// Webhooks while the application is well, slow, broken and away: delivered in the end, and nobody waits for them.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, test } from 'node:test';
import { Person } from './lib/person.mjs';
import { Server, eventually } from './lib/server.mjs';
import { WebhookReceiver } from './lib/webhook.mjs';

async function withWebhook(answer, body) {
    const receiver = await WebhookReceiver.start(answer);
    const server = await Server.start({ WEBHOOK_URL: receiver.url, WEBHOOK_TOKEN: 'token-of-webhooks' });
    try {
        await body(server, receiver, async () => (await server.request('GET', '/counters')).json());
    } finally {
        receiver.close();
        await server.stop();
    }
}

describe('webhooks', { concurrency: 4 }, () => {
    test('join requests, and a room that its owner closes', () =>
        withWebhook(undefined, async (server, receiver, counters) => {
            const room = await server.createRoom();
            const owner = await Person.join(server, room, 31, 'Olga');
            await owner.must('moderator:joinRequestAccept', { requestId: 'one' });
            const accepted = await receiver.next();
            assert.equal(accepted.headers['x-auth-token'], 'token-of-webhooks');
            assert.deepEqual(JSON.parse(accepted.body), {
                requestId: 'one',
                roomId: room,
                event: 'joinRequestAccepted',
            });
            await owner.must('moderator:joinRequestDeny', { requestId: 2 });
            assert.deepEqual(JSON.parse((await receiver.next()).body), {
                requestId: 2,
                roomId: room,
                event: 'joinRequestDenied',
            });
            await owner.must('moderator:joinRequestDeny', {});
            assert.deepEqual(JSON.parse((await receiver.next()).body), { roomId: room, event: 'joinRequestDenied' });
            await owner.must('moderator:closeRoom');
            assert.deepEqual(JSON.parse((await receiver.next()).body), { roomId: room, event: 'roomClosed' });
            await eventually('all are counted', async () => (await counters()).webhooksDelivered === 4);
        }));

    test('a room that everybody has left', () =>
        withWebhook(undefined, async (server, receiver) => {
            const room = await server.createRoom();
            const guest = await Person.enter(server, room, 1);
            const leftAt = Date.now();
            guest.socket.send('41');
            const { body, at } = await receiver.next(15000);
            assert.deepEqual(JSON.parse(body), { roomId: room, event: 'roomClosed' });
            assert.ok(at - leftAt >= 9500, `after ${at - leftAt} ms`);
            await guest.close();
        }));

    test('an application that fails is asked again, a little later each time', () =>
        withWebhook(
            (request, response, number) => {
                response.statusCode = number < 3 ? 503 : 200;
                response.end();
            },
            async (server, receiver, counters) => {
                const owner = await Person.enter(server, await server.createRoom(), 31);
                await owner.must('moderator:joinRequestAccept', { requestId: 'again' });
                const [first, second, third] = [
                    await receiver.next(),
                    await receiver.next(),
                    await receiver.next(10000),
                ];
                assert.equal(second.body, first.body);
                assert.equal(third.body, first.body);
                assert.ok(second.at - first.at >= 900, `${second.at - first.at} ms`);
                assert.ok(third.at - second.at >= 3600, `${third.at - second.at} ms`);
                await eventually('it is counted', async () => (await counters()).webhooksDelivered === 1);
                assert.equal((await counters()).webhookRetries, 2);
                await owner.close();
            },
        ));

    test('an application that never answers holds nobody up, and is given up after 5 s', () =>
        withWebhook(
            () => {},
            async (server, receiver) => {
                const owner = await Person.enter(server, await server.createRoom(), 31);
                for (let i = 0; i < 6; i++) await owner.must('moderator:joinRequestAccept', { requestId: `r${i}` });
                await owner.must('ping');
                const first = await receiver.next();
                await eventually(
                    'a second try',
                    () => receiver.requests.find(({ body }) => body === first.body),
                    12000,
                );
                const again = receiver.requests.find(({ body }) => body === first.body);
                assert.ok(again.at - first.at >= 5500, `${again.at - first.at} ms`);
                await owner.must('ping');
                await owner.close();
            },
        ));

    test('an answer of 10 MB is read past, not kept', () =>
        withWebhook(
            (request, response) => response.end(Buffer.alloc(10 << 20)),
            async (server, receiver, counters) => {
                const resident = async () =>
                    Number(/VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${server.pid}/status`, 'utf8'))[1]);
                const owner = await Person.enter(server, await server.createRoom(), 31);
                const before = await resident();
                for (let i = 0; i < 8; i++) await owner.must('moderator:joinRequestAccept', { requestId: `r${i}` });
                await eventually('all are delivered', async () => (await counters()).webhooksDelivered === 8);
                const grown = (await resident()) - before;
                assert.ok(grown < 20 << 10, `${grown} KiB more`);
                await owner.close();
            },
        ));

    test('a redirect is not followed', () =>
        withWebhook(
            (request, response) => {
                response.writeHead(307, { Location: '/elsewhere' }).end();
            },
            async (server, receiver, counters) => {
                const owner = await Person.enter(server, await server.createRoom(), 31);
                await owner.must('moderator:joinRequestAccept', { requestId: 'r' });
                await eventually('it is given up', async () => (await counters()).webhooksLost === 1);
                assert.deepEqual(
                    receiver.requests.map(({ url }) => url),
                    ['/hook'],
                );
                await owner.close();
            },
        ));
});
