import type { Json } from '@duckdb/node-api';
import { expect, it } from 'vitest';
import type { MonitorFinding, MonitorTask } from '../../../src/core/monitor.ts';
import type { DriftTrigger } from '../../../src/core/plan.ts';
import { Prng } from '../../../src/core/prng.ts';
import { createRegistry } from '../../../src/registry/registry.ts';
import { checkDrift } from '../../../src/runs/monitor-findings.ts';
import { triggersKey } from '../../../src/runs/trigger-record.ts';
import { createArtifactStore } from '../../../src/storage/artifact-store.ts';
import { MemoryStore } from '../../../src/storage/memory-store.ts';
import { modelFacts } from '../../support/stored-facts.ts';
import { tempDir } from '../../support/temp-dir.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const FOUND = Date.parse('2026-01-10T00:00:00Z');
const random = new Prng('drift-goes-on');
const iso = (ms: number): string => new Date(ms).toISOString();

const store = new MemoryStore();
const artifacts = createArtifactStore(store, tempDir('goes-on'));
const registry = createRegistry(store, artifacts);

/** A version whose training data are of before the change. */
async function makeChampion(runId: string): Promise<number> {
  const sample = Array.from({ length: 1_000 }, () => random.normal()).sort((a, b) => a - b);
  const number = { min: sample[0]!, max: sample.at(-1)!, mean: 0, std: 1, quantiles: {}, edges: [], counts: [], sample };
  const column = { name: 'x', type: 'number', count: 1_000, missing: 0, distinct: 1_000, number };
  const modelRef = await artifacts.write({
    kind: 'model',
    summary: runId,
    files: {
      'profile.json': Buffer.from(JSON.stringify({ formatVersion: 1, rows: 1_000, columns: [column] })),
      'preprocessor.json': Buffer.from(JSON.stringify({ columns: [{ name: 'x' }] })),
    },
    meta: { ...modelFacts(), text: runId } as unknown as Json,
  });
  const { version } = await registry.register({ model: 'm', modelRef, pipeline: 'p', runId, stepId: 's' });
  await registry.promote('m', version, { alias: 'champion', who: 'test', why: 'test' });
  return version;
}

/** Questions of a day, all of the new kind. */
async function ask(version: number, from: number, shift = 3): Promise<void> {
  const lines = Array.from({ length: 300 }, (_, row) =>
    JSON.stringify({
      time: iso(from + row),
      id: `${from}-${row}`,
      version,
      row: { x: shift + random.normal() },
      prediction: { label: 'a' },
    }),
  );
  await store.put(
    `predictions/m/${iso(from).slice(0, 10)}/${iso(from).slice(11, 13)}-s-${version}.ndjson`,
    Buffer.from(`${lines.join('\n')}\n`),
  );
}

const decided = (run: string, at: number, version: number, since?: number): Promise<unknown> =>
  store.put(
    triggersKey('p'),
    Buffer.from(
      JSON.stringify({
        formatVersion: 1,
        champion: version,
        revision: 'r',
        attempts: 1,
        run: `p/${run}`,
        by: 'b',
        at: iso(at),
        kind: 'drift',
        window: { from: iso(at - DAY), to: iso(at), version, ...(since === undefined ? {} : { since: iso(since) }) },
      }),
    ),
  );

function check(at: number, action: object = { kind: 'retrain' }): Promise<MonitorFinding> {
  const drift = { everyMs: HOUR, windowMs: DAY, rowsMin: 200, columnsMin: 1, do: action } as unknown as DriftTrigger;
  const run = { plan: { pipeline: 'p', steps: [], documentDir: '/', on: {} } };
  return checkDrift(
    { store, artifacts },
    { model: 'm', nominalTime: iso(at), check: { kind: 'drift', drift }, run } as unknown as MonitorTask,
    drift,
  );
}

it('drift that goes on after its retraining is due again when twice as much is known of it, and no sooner', async () => {
  const first = await makeChampion('r0');
  for (let day = -1; day < 0; day += 1) await ask(first, FOUND + day * DAY + HOUR);
  expect(await check(FOUND)).toMatchObject({ due: true, champion: first });
  // The run of that finding learnt mostly from before.
  await decided('r1', FOUND, first);
  const second = await makeChampion('r1');
  for (let day = 0; day < 9; day += 1) await ask(second, FOUND + day * DAY + HOUR);
  const soon = await check(FOUND + 23 * HOUR);
  expect(soon).toMatchObject({ due: false });
  expect(soon.summary).toContain('from its training data differ: x.');
  const due = await check(FOUND + 2 * DAY);
  expect(due).toMatchObject({ due: true, champion: second, since: iso(FOUND) });
  expect(due.summary).toContain(`It was found first at ${iso(FOUND)}, and version ${second} was made from few rows of after it`);
  // People are told once.
  expect(await check(FOUND + 2 * DAY + HOUR, { kind: 'notify' })).toMatchObject({ due: false });
  // After the second run as much time has to pass again as it came after the first finding.
  await decided('r2', FOUND + 2 * DAY, second, FOUND);
  const third = await makeChampion('r2');
  for (let day = 2; day < 9; day += 1) await ask(third, FOUND + day * DAY + 2 * HOUR);
  expect(await check(FOUND + 3.5 * DAY)).toMatchObject({ due: false });
  expect(await check(FOUND + 4.5 * DAY)).toMatchObject({ due: true, since: iso(FOUND) });
  // What changes once more is another drift, at once.
  await ask(third, FOUND + 3 * DAY + 3 * HOUR, 9);
  const other = await check(FOUND + 3.5 * DAY + HOUR);
  expect(other).toMatchObject({ due: true });
  expect(other).not.toHaveProperty('since');
});
