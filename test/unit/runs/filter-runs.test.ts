import { expect, test } from 'vitest';
import { factOf } from '../../../src/runs/filter-runs.ts';
import type { ListedRun } from '../../../src/runs/filter-runs.ts';

test('a run has no facts that every object has', () => {
  const run = {
    metrics: { accuracy: 0.9 },
    parameters: { epochs: 3 },
    startedAt: '2026-01-01T00:00:00Z',
    endedAt: null,
  } as unknown as ListedRun;
  expect(factOf(run, 'accuracy')).toBe(0.9);
  expect(factOf(run, 'param.epochs')).toBe(3);
  for (const name of ['constructor', 'toString']) {
    expect(factOf(run, name)).toBeUndefined();
    expect(factOf(run, `param.${name}`)).toBeNull();
  }
});
