// LAST_N: who is offered whose camera, and what unmodified clients hear when that changes. Nobody speaks here, so the
// order is that of arrival; what speech does to it is in tests/unit/control/room_last_n_test.c.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Person, rtpCapabilities } from './lib/person.mjs';
import { Server, eventually } from './lib/server.mjs';

const PUBLISHER = 3;

let server;

before(async () => {
    server = await Server.start({ LAST_N: '1' });
});

after(() => server?.stop());

// What the person was offered, by the id of the producer; and what it was told of since.
async function listen(person) {
    person.offers ??= new Map();
    person.told = [];
    for (const [method, data] of await person.hear()) {
        if (method === 'newConsumer') {
            person.offers.set(data.producerId, data);
        } else if (method === 'consumerPaused' || method === 'consumerResumed') {
            const [producer] = [...person.offers.values()].filter(({ id }) => id === data.consumerId);
            person.told.push([method, producer.producerId]);
        }
    }
    return person.told;
}

async function consumerOf(person, producer) {
    const { consumers } = (await server.request('GET', `/stats/${person.id}`)).json();
    return consumers.find(({ producerId }) => producerId === producer);
}

describe('last-N', () => {
    test('a room of three: joiner, pause, leaver', async () => {
        const room = await server.createRoom();
        const anna = await Person.join(server, room, PUBLISHER, 'Anna');
        const bert = await Person.join(server, room, PUBLISHER, 'Bert');
        const annas = await anna.produce('webcam');
        anna.sending = (await anna.must('createWebRtcTransport', { producing: true })).id;
        const mic = await anna.produce();
        const berts = await bert.produce('webcam');
        await listen(anna);
        await listen(bert);
        assert.equal(anna.offers.get(berts).producerPaused, false);
        assert.equal(bert.offers.get(annas).producerPaused, false);

        const carl = await Person.enter(server, room, PUBLISHER);
        carl.sending = (await carl.must('createWebRtcTransport', { producing: true })).id;
        await carl.must('createWebRtcTransport', { consuming: true });
        await carl.must('join', { nickname: 'Carl', rtpCapabilities });
        const carls = await carl.produce('webcam');
        await eventually('Carl hears of all', async () => (await listen(carl), carl.offers.size === 3));
        assert.equal(carl.offers.get(annas).producerPaused, false);
        assert.equal(carl.offers.get(mic).producerPaused, false);
        assert.equal(carl.offers.get(berts).producerPaused, true);
        await listen(anna);
        assert.equal(anna.offers.get(carls).producerPaused, true);
        assert.equal((await consumerOf(anna, carls)).hidden, true);
        assert.equal((await consumerOf(anna, carls)).paused, true);

        // It asks for it all the same: the server's pause stands.
        await anna.must('resumeConsumer', { consumerId: anna.offers.get(carls).id });
        assert.equal((await consumerOf(anna, carls)).paused, true);

        await anna.must('pauseProducer', { producerId: annas });
        assert.deepEqual(await listen(carl), [['consumerResumed', berts], ['consumerPaused', annas]]);
        assert.deepEqual((await listen(bert)).toSorted(), [['consumerPaused', annas], ['consumerResumed', carls]]);
        await anna.must('resumeProducer', { producerId: annas });
        assert.deepEqual((await listen(carl)).toSorted(), [['consumerPaused', berts], ['consumerResumed', annas]]);
        assert.deepEqual((await listen(bert)).toSorted(), [['consumerPaused', carls], ['consumerResumed', annas]]);
        assert.deepEqual(await listen(anna), []);

        bert.socket.send('41');
        assert.deepEqual(await eventually('Anna sees Carl', async () => (await listen(anna)).length && anna.told),
            [['consumerResumed', carls]]);
        assert.equal((await consumerOf(anna, carls)).paused, false);
        await Promise.all([anna, bert, carl].map((person) => person.close()));
        server.assertUnharmed();
    });
});
