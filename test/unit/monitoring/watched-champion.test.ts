import type { Json } from '@duckdb/node-api';
import { beforeEach, describe, expect, it } from 'vitest';
import type { MonitorFinding, MonitorTask } from '../../../src/core/monitor.ts';
import type { DriftTrigger } from '../../../src/core/plan.ts';
import { createRegistry } from '../../../src/registry/registry.ts';
import { checkDrift, checkNewData, checkTrigger } from '../../../src/runs/monitor-findings.ts';
import { createArtifactStore } from '../../../src/storage/artifact-store.ts';
import { MemoryStore } from '../../../src/storage/memory-store.ts';
import { modelFacts } from '../../support/stored-facts.ts';
import { tempDir } from '../../support/temp-dir.ts';

const drift = { everyMs: 3_600_000, windowMs: 86_400_000, rowsMin: 200, columnsMin: 1 } satisfies DriftTrigger;
const performance = {
  everyMs: 3_600_000,
  coolDownMs: 0,
  do: { kind: 'notify' },
  settings: {
    metric: 'accuracy',
    atLeast: 0.9,
    basis: 'labels',
    windowMs: 86_400_000,
    delayMs: 0,
    rowsMin: 100,
    confidence: 0.99,
    windowsMin: 1,
    windowsOf: 1,
  },
} as const;

let deps: { readonly store: MemoryStore; readonly artifacts: ReturnType<typeof createArtifactStore> };
beforeEach(() => {
  const store = new MemoryStore();
  deps = { store, artifacts: createArtifactStore(store, tempDir('watched')) };
});

const task = (check: object): MonitorTask =>
  ({
    model: 'm',
    nominalTime: '2026-01-02T00:00:00.000Z',
    check,
    run: { plan: { pipeline: 'p', steps: [], documentDir: '/', on: {} } },
  }) as unknown as MonitorTask;

const CHECKS: readonly (readonly [string, () => Promise<MonitorFinding>])[] = [
  ['drift', () => checkDrift(deps, task({ kind: 'drift', drift }), drift)],
  ['newData', () => checkNewData(deps, task({ kind: 'newData', rows: 10 }), 10)],
  [
    'performance',
    () => checkTrigger(deps, task({ kind: 'trigger', name: 'performance', trigger: performance }), 'performance', performance),
  ],
];

async function setChampion(): Promise<void> {
  const modelRef = await deps.artifacts.write({
    kind: 'model',
    summary: 'm',
    files: {
      'profile.json': Buffer.from(JSON.stringify({ formatVersion: 1, rows: 10, columns: [] })),
      'preprocessor.json': Buffer.from(JSON.stringify({ columns: [] })),
    },
    meta: modelFacts() as unknown as Json,
  });
  const registry = createRegistry(deps.store, deps.artifacts);
  const { version } = await registry.register({ model: 'm', modelRef, pipeline: 'p', runId: 'r', stepId: 's' });
  await registry.promote('m', version, { alias: 'champion', who: 'test', why: 'test' });
}

describe('a monitor whose model was taken out of the store', () => {
  it.each(CHECKS)('of %s is blind, and one whose model never had a champion is not', async (_name, check) => {
    expect(await check()).toMatchObject({ due: false, summary: 'm has no champion yet, so there is nothing to compare with.' });
    expect(await check()).not.toHaveProperty('blind');
    await setChampion();
    // Of one whose rows are not known, no row can be told to be new: blind as well, for another reason.
    expect((await check()).summary).not.toContain('no champion');
    for await (const { key } of deps.store.list('models/')) await deps.store.delete(key);
    expect(await check()).toMatchObject({
      due: false,
      blind: true,
      summary: expect.stringContaining('m has no champion any more, which was version 1') as string,
    });
  });
});
