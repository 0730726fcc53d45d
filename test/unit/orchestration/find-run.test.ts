import { expect, it } from 'vitest';
import type { Temporal } from '../../../src/orchestration/connect.ts';
import { findRun } from '../../../src/orchestration/runs.ts';

const never = {} as Temporal;

it('takes whole names of runs without asking', async () => {
  for (const name of ['penguins/20260131-174501-x7k2', 'penguins/scheduled-2026-01-31T03:00:00Z', 'penguins/drift-v3-17']) expect(await findRun(never, name)).toBe(name);
});

it.each(['own/', '/x', 'a//b', 'own/ x', '../x/y', 'own/../x', 'Own/x?'])('says that %s is no name of a run', async (name) => {
  await expect(findRun(never, name)).rejects.toMatchObject({ code: 'NOT_FOUND', message: expect.stringContaining('expected PIPELINE/RUN') });
});
