// Every request of the contract, right and wrong. A wrong one gets its error, changes nothing, tells nobody, and the
// next right one works.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { assertServes } from './lib/client.mjs';
import { Person, recordedData, rtpCapabilities } from './lib/person.mjs';
import { REQUESTS, wrongRequests } from './lib/request_table.mjs';
import { Server, eventually } from './lib/server.mjs';

const NOBODY = '00000000-0000-4000-8000-000000000000';
const OWNER = 31;
const MODERATOR = 7;
const PUBLISHER = 3;
const SUBSCRIBER = 1;

let server;

before(async () => {
    server = await Server.start();
});

after(() => server?.stop());

// A room with an owner, a moderator, a publisher who produces, and a subscriber who consumes; and one next door.
async function meet() {
    const room = await server.createRoom();
    const meeting = {
        room,
        owner: await Person.join(server, room, OWNER, 'Olga'),
        moderator: await Person.join(server, room, MODERATOR, 'Mona'),
        publisher: await Person.join(server, room, PUBLISHER, 'Paul'),
        subscriber: await Person.join(server, room, SUBSCRIBER, 'Susi'),
        stranger: await Person.join(server, await server.createRoom(), OWNER, 'Stan'),
    };
    meeting.all = [meeting.owner, meeting.moderator, meeting.publisher, meeting.subscriber];
    meeting.publisher.plain = (await meeting.publisher.must('createPlainTransport', {})).id;
    meeting.mic = await meeting.publisher.produce();
    meeting.strangersMic = await meeting.stranger.produce();
    for (const person of meeting.all) {
        const asked = (await person.hear()).find(([method]) => method === 'newConsumer');
        person.consumer = asked?.[1].id;
    }
    return meeting;
}

async function leave({ all, stranger }) {
    await Promise.all([...all, stranger].map((person) => person.close()));
}

async function stateOf(room) {
    const stats = (await server.request('GET', '/stats')).json()[room];
    return JSON.stringify(stats, (key, value) => (['score', 'currentLayers', 'stats'].includes(key) ? undefined : value));
}

describe('wrong requests', () => {
    let meeting;

    before(async () => {
        meeting = await meet();
    });

    after(() => leave(meeting));

    test('each method of the server is in the table', () => {
        const source = readFileSync(new URL('../../control/signaling/dispatch.c', import.meta.url), 'utf8');
        const methods = [...source.matchAll(/^ {4}\{"([^"]+)", .*request_/gm)].map(([, method]) => method);
        assert.deepEqual(methods.sort(), Object.keys(REQUESTS).sort());
    });

    for (const method of Object.keys(REQUESTS))
        test(`${method}: every field with every wrong value, every role that is not enough`, async (t) => {
            const before = await stateOf(meeting.room);
            let count = 0;
            for (const [who, data] of wrongRequests(method, meeting)) {
                await meeting[who].mustFail(method, data);
                await meeting[who].must('ping');
                count++;
            }
            assert.equal(await stateOf(meeting.room), before, 'nothing has changed');
            for (const person of [...meeting.all, meeting.stranger]) await person.mustHear();
            t.diagnostic(`${count} wrong requests`);
        });

    test('what only the roles of both forbid', async () => {
        const { owner, moderator, publisher } = meeting;
        await moderator.mustFail('moderator:removeRole', { peerId: owner.id, role: 4 });
        await moderator.mustFail('moderator:closeRoom', {});
        await publisher.mustFail('moderator:addRole', { peerId: publisher.id, role: 4 });
        for (const person of meeting.all) await person.mustHear();
    });

    test('methods that do not exist', async () => {
        for (const method of [
            '',
            'foo',
            'toString',
            '__proto__',
            'constructor',
            'Join',
            'join ',
            'moderator:',
            'join\0',
        ]) {
            const expected = [500, `unknown request.method "${method}"`];
            assert.deepEqual(await meeting.owner.request(method, {}), expected);
        }
        await assertServes(server);
    });

    test('afterwards everything still works', async () => {
        const { publisher, subscriber, mic: producerId } = meeting;
        await publisher.must('pauseProducer', { producerId });
        await subscriber.mustHear(['consumerPaused', { consumerId: subscriber.consumer }]);
        await publisher.must('resumeProducer', { producerId });
        await subscriber.mustHear(['consumerResumed', { consumerId: subscriber.consumer }]);
    });
});

describe('right requests', () => {
    test('each is answered, and not by an error', async () => {
        const meeting = await meet();
        for (const [method, { by, right }] of Object.entries(REQUESTS)) await meeting[by].must(method, right(meeting));
        await leave(meeting);
        await assertServes(server);
    });
});

test('what one peer may have is bounded, and the next one has its own', async () => {
    const room = await server.createRoom();
    const greedy = await Person.join(server, room, PUBLISHER, 'Greedy');
    for (let i = 2; i < 32; i++) await greedy.must('createWebRtcTransport', { producing: true });
    await greedy.mustFail('createWebRtcTransport', { producing: true });
    const produce = (transportId, ssrc) => {
        const data = structuredClone({ ...recordedData('ws-25-produce-mic', 'produce'), transportId });
        data.rtpParameters.encodings[0].ssrc = ssrc;
        data.rtpParameters.mid = String(ssrc);
        return data;
    };
    for (let i = 0; i < 16; i++) await greedy.must('produce', produce(greedy.sending, 1000 + i));
    await greedy.mustFail('produce', produce(greedy.sending, 2000));
    for (let i = 0; i < 16; i++) await greedy.must('produce', produce(greedy.receiving, 3000 + i));
    await greedy.mustFail('produce', produce(greedy.sending, 4000));
    const next = await Person.join(server, room, PUBLISHER, 'Next');
    await next.must('createWebRtcTransport', { producing: true });
    await next.produce();
    await Promise.all([greedy.close(), next.close()]);
});

describe('before and after joining', () => {
    test('who has not joined may have transports, chat and a name, but not produce', async () => {
        const room = await server.createRoom();
        const alice = await Person.join(server, room, PUBLISHER, 'Alice');
        const bob = await Person.enter(server, room, PUBLISHER);
        bob.sending = (await bob.must('createWebRtcTransport', { producing: true })).id;
        const produce = { ...recordedData('ws-25-produce-mic', 'produce'), transportId: bob.sending };
        await bob.mustFail('produce', produce);
        await bob.must('changeNickname', { nickname: 'Bob' });
        await bob.must('chatMessage', { message: { any: ['thing'] } });
        await alice.mustHear(
            ['changeNickname', { peerId: bob.id, nickname: 'Bob' }],
            ['chatMessage', { peerId: bob.id, nickname: 'Bob', message: { any: ['thing'] } }],
        );
        await bob.must('join', { nickname: 'Bob', rtpCapabilities });
        await bob.must('produce', produce);
        const heard = await alice.hear();
        assert.deepEqual(
            heard.map(([method]) => method),
            ['newPeer', 'newConsumer'],
        );
        await Promise.all([alice.close(), bob.close()]);
    });

    test('a second join answers again, with the new name, and makes no second consumers', async () => {
        const room = await server.createRoom();
        const alice = await Person.join(server, room, PUBLISHER, 'Alice');
        const bob = await Person.join(server, room, SUBSCRIBER, 'Bob');
        await alice.produce();
        assert.deepEqual(
            (await bob.hear()).map(([method]) => method),
            ['newConsumer'],
        );
        await alice.hear();
        const joined = await bob.must('join', { nickname: 'Robert', rtpCapabilities });
        assert.equal(joined.nickname, 'Robert');
        assert.deepEqual(
            joined.peers.map(({ id, nickname, role, language, raisedHand }) => ({
                id,
                nickname,
                role,
                language,
                raisedHand,
            })),
            [{ id: alice.id, nickname: 'Alice', role: PUBLISHER, language: null, raisedHand: false }],
        );
        await bob.mustHear(['changeNickname', { peerId: bob.id, nickname: 'Robert' }]);
        assert.deepEqual(
            (await alice.hear()).map(([method]) => method),
            ['changeNickname', 'newPeer'],
        );
        await Promise.all([alice.close(), bob.close()]);
    });

    test('who joins without capabilities hears of everybody and consumes nothing', async () => {
        const room = await server.createRoom();
        const alice = await Person.join(server, room, PUBLISHER, 'Alice');
        const bob = await Person.enter(server, room, SUBSCRIBER);
        await bob.must('createWebRtcTransport', { consuming: true });
        await bob.must('join', { nickname: 'Bob' });
        await alice.produce();
        await bob.mustHear(['changeNickname', { peerId: bob.id, nickname: 'Bob' }]);
        await Promise.all([alice.close(), bob.close()]);
    });
});

describe('roles and signals', () => {
    test('losing PUBLISHER: language, role, then silence; gaining it again puts the hand down', async () => {
        const meeting = await meet();
        const { owner, publisher, subscriber } = meeting;
        const peerId = publisher.id;
        await owner.must('moderator:changeLanguage', { peerId, language: 'fr' });
        await owner.must('moderator:removeRole', { peerId, role: 2 });
        const told = [
            ['changeLanguage', { peerId, language: 'fr' }],
            ['changeLanguage', { peerId, language: null }],
            ['changeRole', { peerId, role: 1 }],
        ];
        await publisher.mustHear(...told);
        await subscriber.mustHear(...told);
        // The ids are valid, for the client closes them itself.
        await publisher.must('pauseProducer', { producerId: meeting.mic });
        await publisher.must('resumeProducer', { producerId: meeting.mic });
        await publisher.mustFail('produce', {
            ...recordedData('ws-25-produce-mic', 'produce'),
            transportId: publisher.sending,
        });
        await publisher.must('closeProducer', { producerId: meeting.mic });
        await subscriber.hear();
        await publisher.must('raisedHand', { raisedHand: true });
        await owner.must('moderator:addRole', { peerId, role: '2' });
        await subscriber.mustHear(
            ['changeRaisedHand', { peerId, raisedHand: true }],
            ['changeRaisedHand', { peerId, raisedHand: false }],
            ['changeRole', { peerId, role: 3 }],
        );
        await leave(meeting);
    });

    test('signals reach a role, or with null and without a role everybody, joined or not', async () => {
        const room = await server.createRoom();
        const [owner, moderator, guest] = await Promise.all(
            [OWNER, MODERATOR, 0].map((role) => Person.enter(server, room, role)),
        );
        const send = (role) =>
            server.request('POST', '/signal', { roomId: room, type: 'test', data: { role: role ?? 'none' }, role });
        for (const role of [undefined, null, 16, 4, 6, 0, '4', 99]) assert.equal((await send(role)).status, 200);
        const roles = async (person) => (await person.hear()).map(([method, data]) => [method, data.role]);
        const test_ = (role) => ['signal:test', role];
        assert.deepEqual(await roles(owner), ['none', 'none', 16, 4, 6, '4'].map(test_));
        assert.deepEqual(await roles(moderator), ['none', 'none', 4, 6, '4'].map(test_));
        assert.deepEqual(await roles(guest), ['none', 'none'].map(test_));
        await Promise.all([owner, moderator, guest].map((person) => person.close()));
    });

    test('a kicked peer is gone, its token dead, and who is away can be kicked too', async () => {
        const meeting = await meet();
        const { owner, publisher, subscriber } = meeting;
        await owner.must('moderator:kickPeer', { peerId: publisher.id });
        await subscriber.mustHear(
            ['peerClosed', { peerId: publisher.id }],
            ['consumerClosed', { consumerId: subscriber.consumer }],
        );
        await assert.rejects(publisher.connect(), /closed|no frame/);
        await subscriber.close();
        await owner.hear();
        await owner.must('moderator:kickPeer', { peerId: subscriber.id });
        await owner.mustHear(['peerClosed', { peerId: subscriber.id }]);
        await assert.rejects(subscriber.connect(), /closed|no frame/);
        await leave(meeting);
    });
});

describe('coming back', () => {
    test('what happened meanwhile comes after roomBack, once, and requests are handled once', async () => {
        const meeting = await meet();
        const { owner, publisher, subscriber } = meeting;
        await subscriber.socket.close();
        await owner.must('chatMessage', { message: 'while away' });
        await owner.must('moderator:addRole', { peerId: subscriber.id, role: 2 });
        await publisher.must('pauseProducer', { producerId: meeting.mic });
        assert.deepEqual(await subscriber.connect(), { method: 'roomBack', data: {} });
        await subscriber.mustHear(
            ['chatMessage', { peerId: owner.id, nickname: 'Olga', message: 'while away' }],
            ['changeRole', { peerId: subscriber.id, role: 3 }],
            ['consumerPaused', { consumerId: subscriber.consumer }],
        );
        await owner.hear();
        await subscriber.must('chatMessage', { message: 'once' });
        await owner.mustHear(['chatMessage', { peerId: subscriber.id, nickname: 'Susi', message: 'once' }]);
        assert.equal((await subscriber.must('restartIce', { transportId: subscriber.receiving })).iceLite, true);
        await leave(meeting);
    });

    test('a second connection takes the place of the first', async () => {
        const room = await server.createRoom();
        const alice = await Person.join(server, room, PUBLISHER, 'Alice');
        const old = alice.socket;
        assert.equal((await alice.connect()).method, 'roomBack');
        await eventually('the old one is told', () => old.frames.includes('41'));
        old.send('420["request",{"method":"chatMessage","data":{"message":"from the grave"}}]');
        await alice.mustHear();
        await Promise.all([old.close(), alice.close()]);
    });
});
