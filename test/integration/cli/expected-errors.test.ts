import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { Prng } from '../../../src/core/prng.ts';
import type { LoggedPrediction } from '../../../src/monitoring/predictions/logged-prediction.ts';
import { triggerRegistry } from '../../../src/monitoring/triggers/index.generated.ts';
import { createRegistry } from '../../../src/registry/registry.ts';
import { createArtifactStore } from '../../../src/storage/artifact-store.ts';
import { FileStore } from '../../../src/storage/file-store.ts';
import { Perennial } from '../../support/perennial.ts';
import { runSteps } from '../../support/run-steps.ts';
import { tempDir } from '../../support/temp-dir.ts';

const folder = tempDir('expected-errors');
const perennial = new Perennial({ PERENNIAL_STORE: `file:${join(folder, 'store')}` });
const store = new FileStore(join(folder, 'store'));
const artifacts = createArtifactStore(store);
const random = new Prng('expected-errors');
const HOUR = 3_600_000;
/** Errors of houses in the country are five times those in town. */
const SPREAD = { town: 2, country: 10 } as const;

interface House {
  readonly size: number;
  readonly place: keyof typeof SPREAD;
  readonly price: number;
}

function house(country: number): House {
  const [size, place] = [50 + 100 * random.uniform(), random.uniform() < country ? 'country' : 'town'] as const;
  return { size, place, price: 3 * size + SPREAD[place] * random.normal() };
}

/** Answers of hours ago, without their truth; their real mean absolute error. */
async function log(hoursAgo: number, country: number, { rows = 500, changed = {} as Partial<LoggedPrediction> } = {}): Promise<number> {
  const time = new Date(Date.now() - hoursAgo * HOUR).toISOString();
  const houses = Array.from({ length: rows }, () => house(country));
  const lines = houses.map(({ size, place }, at) =>
    JSON.stringify({ time, id: `${hoursAgo}-${at}`, version: 1, row: { size, place }, prediction: { value: 3 * size }, ...changed }),
  );
  const key = `predictions/houses/${time.slice(0, 10)}/${time.slice(11, 13)}-s-${hoursAgo}${Object.keys(changed).join('')}.ndjson`;
  await store.put(key, Buffer.from(`${lines.join('\n')}\n`));
  return houses.reduce((sum, { size, price }) => sum + Math.abs(price - 3 * size), 0) / rows;
}

beforeAll(async () => {
  const rows = Array.from({ length: 4_000 }, () => house(0.3));
  const lines = rows.map(({ size, place, price }) => `${size.toFixed(4)},${place},${price.toFixed(4)}`);
  writeFileSync(join(folder, 'houses.csv'), `size,place,price\n${lines.join('\n')}\n`);
  await runSteps({ dir: folder, store, artifacts }, 'first', {
    apiVersion: 'perennial/v1',
    name: 'houses',
    steps: [
      {
        uses: 'ingest',
        with: {
          source: { format: 'csv', path: 'houses.csv' },
          label: 'price',
          split: { train: 0.5, validation: 0.1, test: 0.4, by: 'hash' },
        },
      },
      { uses: 'preprocess', with: {} },
      { uses: 'train', with: { model: { architecture: 'mlp', units: [16] }, epochs: 30, optimizer: { adam: { learningRate: 0.02 } } } },
      { uses: 'evaluate', with: {} },
      { uses: 'register', with: {} },
    ],
  });
});

describe('errors without labels', () => {
  it('are known with the version, learnt from its test rows', async () => {
    const { evaluation } = await createRegistry(store, artifacts).version('houses', 1);
    const opened = await artifacts.open(evaluation!);
    const { columns, rows } = await opened.json<{ columns: { name: string }[]; rows: number }>('expected-error.json');
    expect(columns).toEqual([
      { name: 'size', type: 'number' },
      { name: 'place', type: 'string', names: ['town', 'country'] },
    ]);
    expect(rows).toBeGreaterThan(1_400);
  });

  it('grow where more of what is hard is asked, before a label comes; others are left out, and that is said', async () => {
    const usual = await log(50, 0.3);
    const hard = await log(2, 1);
    await log(2.5, 1, { rows: 7, changed: { row: null } });
    await log(2.2, 1, { rows: 3, changed: { hidden: { hashed: ['place'] } } });
    const shown = await perennial.run(['feedback', 'show', 'houses', '--since', '4d', '--by', '1d', '--json']);
    const [first, second] = shown.json().periods;
    for (const [period, real] of [
      [first, usual],
      [second, hard],
    ]) {
      expect(period).toMatchObject({ labelled: 0, metrics: {}, estimatedErrors: { rows: 500 } });
      const { meanAbsoluteError: mae, rootMeanSquaredError: rmse, meanSquaredError: mse } = period.estimatedErrors.metrics;
      expect(Math.abs(mae.value / real - 1)).toBeLessThan(0.15);
      expect(mae.low < mae.value && mae.value < mae.high).toBe(true);
      expect(rmse.value ** 2 / mse.value).toBeCloseTo(1, 9);
      expect(rmse.value).toBeGreaterThan(mae.value);
    }
    expect(second.estimatedErrors.withoutRow).toBe(10);
    const said = await perennial.run(['feedback', 'show', 'houses', '--since', '4d', '--by', '1d']);
    expect(said.stdout).toMatch(/MEANABSOLUTEERROR, ESTIMATED +ROOTMEANSQUAREDERROR, ESTIMATED/);
    expect(said.stdout).toMatch(
      /they are what the errors on 1\d\d\d test rows say of such rows.*10 answers are left out of it, as their rows are not logged/,
    );
  });

  it('start what the trigger "performance" says, and say what is missing where there are none', async () => {
    const trigger = triggerRegistry.get('performance');
    const champion = await createRegistry(store, artifacts).version('houses', 1);
    const look = { pipeline: 'houses', model: 'houses', nominalTime: new Date().toISOString() };
    const settings = { basis: 'estimate', windowMs: 12 * HOUR, delayMs: 0, rowsMin: 100, confidence: 0.99, windowsMin: 1, windowsOf: 1 };
    const found = await trigger.look(
      { store, artifacts } as never,
      look,
      { ...settings, metric: 'meanAbsoluteError', atMost: 5 } as never,
      champion,
    );
    expect(found).toMatchObject({ due: true, rows: 500, evidence: { basis: 'estimate', bound: 5 } });
    expect(found.summary).toMatch(/^Estimated meanAbsoluteError of houses version 1 is \d.* on 500 answers from/);
    const worse = { ...settings, metric: 'rootMeanSquaredError', worseBy: 20 } as never;
    expect(await trigger.look({ store, artifacts } as never, look, worse, champion)).toMatchObject({ due: false });
    const before = { ...look, nominalTime: new Date(Date.now() - 20 * HOUR).toISOString() };
    await log(22, 0.3, { changed: { row: null } });
    const blind = await trigger.look(
      { store, artifacts } as never,
      before,
      { ...settings, metric: 'meanAbsoluteError', atMost: 5 } as never,
      champion,
    );
    expect(blind).toMatchObject({ due: false, blind: true });
    expect(blind.summary).toContain('rows that are logged as a whole');
    const facts = { pipeline: 'houses', model: 'houses' };
    expect(trigger.mistakes!({ ...settings, metric: 'r2', atLeast: 0.5 } as never, facts)).toMatchObject([
      { pointer: '/basis', message: expect.stringContaining('accuracy, meanAbsoluteError') },
    ]);
    expect(trigger.mistakes!({ ...settings, metric: 'meanAbsoluteError', atMost: 5 } as never, facts)).toEqual([]);
  });
});
