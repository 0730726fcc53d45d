import { beforeEach, describe, expect, it } from 'vitest';
import { verdictOfCheck } from '../../../src/core/monitor.ts';
import type { MonitorFinding, MonitorInput, MonitorTask } from '../../../src/core/monitor.ts';
import { keepCheck } from '../../../src/monitoring/drift-checks/drift-check-record.ts';
import type { DriftCheck } from '../../../src/monitoring/drift-checks/drift-check-record.ts';
import { writeState } from '../../../src/monitoring/triggers/trigger-state.ts';
import { checkDrift, checkNewData } from '../../../src/runs/monitor-findings.ts';
import type { MonitorDeps } from '../../../src/runs/monitor-findings.ts';
import { createArtifactStore } from '../../../src/storage/artifact-store.ts';
import { MemoryStore } from '../../../src/storage/memory-store.ts';
import { ada, workbench } from '../../contract/registry/models.ts';

const drift = {
  kind: 'drift',
  drift: { everyMs: 86_400_000, windowMs: 86_400_000, rowsMin: 100, columnsMin: 1, action: 'retrain' },
} as const;
const newData = { kind: 'newData', rows: 5 } as const;

const task = (check: MonitorInput['check']): MonitorTask => ({
  model: 'm',
  nominalTime: '2026-05-04T00:00:00.000Z',
  check,
  run: { plan: { pipeline: 'p', steps: [], on: {} } } as unknown as MonitorTask['run'],
});

const kept = (given: Partial<DriftCheck>): DriftCheck => ({
  formatVersion: 1,
  id: 'aaaa000000',
  model: 'm',
  version: 3,
  at: '2026-05-03T00:00:00.000Z',
  stream: null,
  source: 'now.csv',
  window: null,
  verdict: { alarm: false, outcome: 'stable', reason: 'No.' },
  result: { rows: 500, driftScore: 0.4, driftedColumns: [] } as unknown as DriftCheck['result'],
  ...given,
});

let deps: MonitorDeps;
beforeEach(() => {
  const store = new MemoryStore();
  deps = { store, artifacts: createArtifactStore(store) };
});

const checks = [
  ['drift', (of: MonitorDeps) => checkDrift(of, task(drift), drift.drift as never), drift],
  ['new data', (of: MonitorDeps) => checkNewData(of, task(newData), 5), newData],
] as const;

describe.each(checks)('a check of %s', (_name, look, check) => {
  it('of a model without a champion says so, and that it compared nothing', async () => {
    // Made by hand, of a version that nobody promoted.
    await keepCheck(deps.store, kept({}));
    const finding = await look(deps);
    expect(finding).toMatchObject({ champion: null, due: false, summary: expect.stringContaining('no champion yet') as string });
    expect(verdictOfCheck(check as never, finding, 'none')).toBe('noChampion');
  });

  it('of a model that was taken out of the store is blind', async () => {
    await writeState(deps.store, { pipeline: 'p', trigger: 'champion', seen: 'm 3', what: 'was watched', at: '2026-05-03T00:00:00.000Z' });
    const finding = await look(deps);
    expect(finding).toMatchObject({
      blind: true,
      summary: expect.stringContaining('m has no champion any more, which was version 3') as string,
    });
    expect(verdictOfCheck(check as never, finding, 'blind')).toBe('blind');
  });
});

it('a check of new data says where what the champion was made from is not known', async () => {
  const bench = workbench(deps.store as MemoryStore);
  await bench.registry.promote('m', await bench.register(1), ada);
  expect(await checkNewData(deps, task(newData), 5)).toMatchObject({
    champion: 1,
    due: false,
    blind: true,
    summary: expect.stringContaining('What m version 1 was made from is not known') as string,
  });
});

it('lists call stable only what was compared', () => {
  const found: MonitorFinding = { champion: 1, due: false, driftScore: 0.1, rows: 500, newRows: 0, summary: '', details: '' };
  expect(verdictOfCheck(drift as never, found, 'none')).toBe('stable');
  expect(verdictOfCheck(drift as never, { ...found, rows: 3, tooFewRows: true }, 'none')).toBe('tooFewRows');
  expect(verdictOfCheck(drift as never, { ...found, due: true }, 'started')).toBe('drift');
  expect(verdictOfCheck(drift as never, { ...found, due: true }, 'coolingDown')).toBe('coolingDown');
  const trigger = { kind: 'trigger', name: 'digest', trigger: {} } as unknown as MonitorInput['check'];
  expect(verdictOfCheck(trigger, { ...found, champion: null }, 'none')).toBe('stable');
});
