// The programs are built as Debian builds its own: position-independent, no writable and executable stack, relocations
// read-only from the start, stacks guarded.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { test } from 'node:test';
import { binDir } from './lib/server.mjs';

for (const program of ['kolabmeetd', 'kolabmeet-forwarder', 'kolabmeetctl'])
    test(program, () => {
        const elf = execFileSync('readelf', ['-hldsW', path.join(binDir, program)], {
            encoding: 'utf8', maxBuffer: 1 << 26,
        });
        assert.match(elf, /Type:\s+DYN/, 'position-independent');
        assert.match(elf, /FLAGS_1\).*PIE/);
        assert.match(elf, /GNU_STACK.* RW /, 'no executable stack');
        assert.match(elf, /GNU_RELRO/);
        assert.match(elf, /BIND_NOW|FLAGS_1\).*NOW/);
        assert.match(elf, /__stack_chk_fail/, 'guarded stacks');
        assert.doesNotMatch(elf, /LOAD.*RWE/, 'nothing both writable and executable');
    });
