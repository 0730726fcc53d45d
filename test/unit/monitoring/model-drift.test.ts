import { expect, it } from 'vitest';
import { Prng } from '../../../src/core/prng.ts';
import type { AnomalyOutput, OutputSpec } from '../../../src/core/tensor.ts';
import { detectModelDrift } from '../../../src/monitoring/model-drift.ts';
import type { LoggedPrediction } from '../../../src/monitoring/predictions/logged-prediction.ts';
import { driftReference } from '../../../src/monitoring/reference.ts';
import type { DriftReference } from '../../../src/monitoring/reference.ts';
import { createRegistry } from '../../../src/registry/registry.ts';
import { createArtifactStore } from '../../../src/storage/artifact-store.ts';
import { MemoryStore } from '../../../src/storage/memory-store.ts';
import { answerReader, profileAnswers } from '../../../src/training/bundle/answer-profile.ts';
import { tempDir } from '../../support/temp-dir.ts';
import { modelFacts } from '../../support/stored-facts.ts';
import type { Json } from '@duckdb/node-api';

const THRESHOLD = 2;
const output: AnomalyOutput = {
  kind: 'anomaly',
  name: 'anomaly',
  error: 'squared',
  threshold: THRESHOLD,
  calibration: { quantile: 0.99, split: 'validation', rows: 1_000 },
};
const random = new Prng('model drift');
const answers = profileAnswers(
  output,
  Float32Array.from({ length: 1_000 }, () => Math.abs(random.normal())),
  1_000,
)!.profile;
// The rows of an image are logged without it.
const reference: DriftReference = {
  model: 'parts',
  version: 3,
  profile: { formatVersion: 1, rows: 1_000, columns: [{ name: 'image', type: 'image', count: 1_000, missing: 0, distinct: 1_000 }] },
  columns: ['image'],
  answers: { profile: answers, rowOf: answerReader(output, answers) },
};

const logged = (count: number, spread: number, version = 3): LoggedPrediction[] =>
  Array.from({ length: count }, (_, index) => {
    const score = Math.abs(random.normal()) * spread;
    return { time: '2026-01-01T00:00:00Z', id: String(index), version, row: null, prediction: { score, anomaly: score > THRESHOLD } };
  });
const read = (...batches: readonly LoggedPrediction[][]) =>
  async function* (): AsyncGenerator<LoggedPrediction[]> {
    yield* batches;
  };

it('watches scores and the share of alarms where nothing is logged of the rows themselves', async () => {
  expect(answers.columns[1]!.categories!.counts).toEqual({ false: expect.any(Number) as number, true: expect.any(Number) as number });
  expect(await detectModelDrift(reference, read(logged(300, 1)), {})).toMatchObject({
    drifted: false,
    enoughRows: true,
    rows: 300,
    summary: 'No drift in 2 compared columns over 300 rows.',
  });
  const moved = await detectModelDrift(reference, read(logged(200, 2), logged(200, 2)), {});
  expect(moved).toMatchObject({ drifted: true, rows: 400, driftedColumns: ['prediction.score', 'prediction.anomaly'] });
  expect(moved.driftScore).toBeGreaterThan(0.2);
  expect(await detectModelDrift(reference, read(logged(400, 2)), { columnsMin: 3 })).toMatchObject({ drifted: false });
});

it('compares no scores of other versions, and few rows with nothing', async () => {
  expect(await detectModelDrift(reference, read(logged(400, 3, 2), logged(300, 1)), {})).toMatchObject({ drifted: false, rows: 300 });
  expect(await detectModelDrift(reference, read(logged(50, 3)), {})).toMatchObject({
    drifted: false,
    enoughRows: false,
    driftScore: 0,
    summary: 'No verdict: 50 rows, and at least 200 are needed.',
  });
});

it('does not compare columns that some of the predictions do not show', async () => {
  const counts = Object.fromEntries(Array.from({ length: 5 }, (_, index) => [`c${index}`, 200]));
  const customers: DriftReference = {
    model: 'shop',
    version: 1,
    profile: {
      formatVersion: 1,
      rows: 1_000,
      columns: [
        { name: 'customer', type: 'string', count: 1_000, missing: 0, distinct: 5, categories: { counts, other: 0 } },
        { name: 'color', type: 'string', count: 1_000, missing: 0, distinct: 5, categories: { counts, other: 0 } },
      ],
    },
    columns: ['customer', 'color'],
  };
  const day = (hide: boolean): LoggedPrediction[] =>
    Array.from({ length: 500 }, (_, index) => ({
      time: '2026-01-01T00:00:00Z',
      id: String(index),
      version: 1,
      prediction: { label: 'a', probabilities: { a: 1 } },
      row: { ...(hide ? {} : { customer: `c${index % 5}` }), color: `c${index % 5}` },
      ...(hide ? { hidden: { leftOut: ['customer'] } } : {}),
    }));
  const found = await detectModelDrift(customers, read(day(false), day(true)), {});
  expect(found).toMatchObject({ drifted: false, rows: 1_000 });
  expect(found.columns).toMatchObject([
    { name: 'customer', status: 'skipped', drifted: false, reason: expect.stringContaining('"predictionLog"') as string },
    { name: 'color', status: 'compared' },
  ]);
  const { joint } = await detectModelDrift(customers, read(day(false), day(true)), { joint: ['mmd'] });
  expect(joint).toMatchObject([{ status: 'skipped', leftOut: [{ name: 'customer', reason: 'not logged' }] }]);
  // What nobody hides is missing, and that is drift.
  const missing = day(true).map(({ hidden: _, ...rest }) => rest);
  expect(await detectModelDrift(customers, read(day(false), missing), {})).toMatchObject({ drifted: true, driftedColumns: ['customer'] });
});

it('refuses a generator', async () => {
  const store = new MemoryStore();
  const artifacts = createArtifactStore(store, tempDir('model-drift'));
  const modelRef = await artifacts.write({
    kind: 'model',
    summary: 'g',
    meta: modelFacts({ output: { kind: 'samples', name: 'image', shape: [8, 8, 1], latentSize: 2 } as OutputSpec }) as unknown as Json,
    files: {},
  });
  await createRegistry(store, artifacts).register({ model: 'signs', modelRef, pipeline: 'p', runId: 'r', stepId: 's' });
  await expect(driftReference(store, artifacts, 'signs')).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: 'signs version 1 is a generator: it is asked with seeds, which have no distribution that could drift.',
  });
});
