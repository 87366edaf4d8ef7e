// usage: table [--bin DIR] [--json FILE] [NAME…]     (see README.md)

import { parseArgs } from 'node:util';
import { writeFile } from 'node:fs/promises';
import { LINKS, Stage } from './lib/measure.mjs';
import { Meeting } from './lib/meeting.mjs';
import { scenarios } from './scenarios.mjs';

const COLUMNS = [
    ['fps %', 'fpsPercent'], ['longest freeze ms', 'longestFreezeMs'], ['freezes', 'freezes'], ['frozen ms', 'frozenMs'],
    ['top layer %', 'topPercent'], ['audio concealed %', 'concealedPercent'], ['kbit/s', 'kbps'], ['used %', 'usedPercent'],
    ['queue p95 ms', 'queueP95Ms'], ['queue max ms', 'queueMaxMs'], ['dropped', 'dropped'],
    ['lower after ms', 'lowerAfterMs'], ['top after ms', 'topAfterMs'], ['others’ longest freeze ms', 'othersLongestFreezeMs'],
];

const { values, positionals } = parseArgs({ allowPositionals: true, options: { json: { type: 'string' }, list: { type: 'boolean' } } });
if (values.list) {
    for (const { name } of scenarios) console.log(name);
    process.exit();
}
const chosen = scenarios.filter(({ name }) => positionals.length === 0 || positionals.some((word) => name.includes(word)));
if (chosen.length === 0) {
    console.error('no scenario has such a name; --list names them');
    process.exit(2);
}

function cell(value) {
    return value === null ? '–' : value === undefined ? '' : String(value);
}

const results = [];
let meeting = await Meeting.open(LINKS);
let stage = new Stage(meeting);
console.log(`| scenario | ${COLUMNS.map(([title]) => title).join(' | ')} |\n|${' --- |'.repeat(COLUMNS.length + 1)}`);
try {
    for (const scenario of chosen) {
        const result = await stage.play(scenario).catch((error) => ({ name: scenario.name, phases: [], failure: error.message }));
        results.push(result);
        if (values.json) await writeFile(values.json, `${JSON.stringify(results, null, 1)}\n`);
        for (const phase of result.phases.filter(({ shown }) => shown))
            console.log(`| ${result.name}: ${phase.name} | ${COLUMNS.map(([, key]) => cell(phase[key])).join(' | ')} |`);
        if (result.firstFrameMs) console.log(`\n${result.name}: first frame after the acknowledgement, ms: ${result.firstFrameMs.join(', ')}`);
        if (result.unsettled) console.log(`\n${result.name}: did not begin at the top layer: ${result.unsettled}`);
        if (result.failure) {
            console.log(`\n${result.name}: failed: ${result.failure}`);
            await meeting.close();
            meeting = await Meeting.open(LINKS);
            stage = new Stage(meeting);
        }
    }
} finally {
    await meeting.close();
}
