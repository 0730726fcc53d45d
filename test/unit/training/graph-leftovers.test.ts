import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { sweepLeftovers } from '../../../src/training/graph/session.ts';

it('removes the graphs that killed processes were loading, and nothing else', () => {
  const dir = mkdtempSync(join(tmpdir(), 'perennial-test-'));
  const anHourAgo = Date.now() / 1_000 - 3_600;
  try {
    for (const name of ['perennial-graph-old', 'perennial-graph-loading', 'other']) {
      mkdirSync(join(dir, name));
      writeFileSync(join(dir, name, 'saved_model.pb'), '');
      if (name !== 'perennial-graph-loading') utimesSync(join(dir, name), anHourAgo, anHourAgo);
    }
    sweepLeftovers(dir);
    expect(readdirSync(dir).sort()).toEqual(['other', 'perennial-graph-loading']);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});
