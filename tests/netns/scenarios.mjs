// What is measured. Each has phases that follow each other, in which the link of the bad receiver, that of the good one,
// or that of the publishers is as said (Network.set()); what a phase does not say stays. A phase without `shown` only
// leads to the next.

const down = (settings) => ({ bad: { down: settings } });
const kbps = 1000;

const steady = (name, rate, sends = 1) => ({
    name, sends, rate,
    phases: [
        { name: 'begin', seconds: 10, ...down({ rate }) },
        { name: 'steady', seconds: 20, shown: true },
    ],
});

const loss = (percent) => ({
    name: `loss ${percent} % down`,
    phases: [{ name: 'begin', seconds: 4, ...down({ loss: percent }) }, { name: 'loss', seconds: 20, shown: true }],
});

const path = (name, link) => ({ name, phases: [{ name: 'begin', seconds: 4, ...link }, { name: 'path', seconds: 20, shown: true }] });

const both = (name, settings) => ({ [name]: { down: settings, up: settings } });

export const scenarios = [
    { name: 'clean', phases: [{ name: 'clean', seconds: 15, shown: true }] },
    ...[1, 5, 10, 20].map(loss),
    path('loss 5 % both ways', both('bad', { loss: 5 })),
    path('publisher: loss 5 % both ways', both('publisher', { loss: 5 })),
    path('reordered 5 % by 20 ms', down({ reorder: 5, hold: 20 })),
    path('jitter 40 ms', down({ jitter: 40 })),
    path('delay 100 ms', both('bad', { delay: 100 })),
    steady('2 Mbit/s', 2000 * kbps),
    steady('800 kbit/s', 800 * kbps),
    steady('600 kbit/s', 600 * kbps),
    steady('400 kbit/s', 400 * kbps),
    steady('200 kbit/s', 200 * kbps),
    steady('800 kbit/s, two cameras', 800 * kbps, 2),
    steady('800 kbit/s, three cameras', 800 * kbps, 3),
    {
        name: 'cut 3 Mbit/s to 400 kbit/s and back', rate: 400 * kbps,
        phases: [
            { name: 'before', seconds: 6, ...down({ rate: 3000 * kbps }), rate: 3000 * kbps },
            { name: 'cut', seconds: 20, ...down({ rate: 400 * kbps }), shown: true, lower: true },
            { name: 'back', seconds: 25, ...down({ rate: 3000 * kbps }), rate: 3000 * kbps, shown: true, top: true },
        ],
    },
    {
        name: 'roaming',
        phases: [
            { name: 'address 1', seconds: 4 },
            { name: 'address 2', seconds: 6, roam: 3, shown: true },
            { name: 'address 3', seconds: 6, roam: 4, shown: true },
        ],
    },
    { name: 'joiners', joins: 6, phases: [] },
];
