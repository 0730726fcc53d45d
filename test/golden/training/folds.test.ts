import { copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { foldId, meanAndDeviation } from '../../../src/core/folds.ts';
import { createArtifactStore } from '../../../src/storage/artifact-store.ts';
import { MemoryStore } from '../../../src/storage/memory-store.ts';
import { runSteps } from '../../support/run-steps.ts';
import { tempDir } from '../../support/temp-dir.ts';

type Oracle = Record<string, { readonly scores: number[]; readonly mean: number; readonly deviation: number }>;

/** A network of one linear layer comes to what LinearRegression computes, so that everything around it has to agree too. */
test("cross-validation gives scikit-learn's scores, with the scaling learnt anew in every fold", async () => {
  const dir = tempDir('folds');
  copyFileSync(join(import.meta.dirname, 'folds.csv'), join(dir, 'rows.csv'));
  const oracle = JSON.parse(readFileSync(join(import.meta.dirname, 'folds.json'), 'utf8')) as Oracle;
  const store = new MemoryStore();
  const found = await runSteps({ dir, store, artifacts: createArtifactStore(store, join(dir, 'cache')) }, 'run', {
    apiVersion: 'perennial/v1',
    name: 'folds',
    steps: [
      {
        uses: 'ingest',
        with: {
          source: { format: 'csv', path: 'rows.csv' },
          label: 'y',
          columns: { day: 'timestamp' },
          split: { train: 1, validation: 0, test: 0, by: 'time', column: 'day' },
        },
      },
      { uses: 'preprocess', with: { features: { x1: ['standardize'], x2: ['standardize'] } } },
      {
        uses: 'train',
        with: {
          model: { layers: [{ type: 'dense', units: 1 }] },
          loss: 'meanSquaredError',
          optimizer: { sgd: { momentum: 0.9 } },
          learningRate: 0.1,
          batchSize: 64,
          epochs: 250,
          folds: { count: 3, metrics: ['meanAbsoluteError', 'r2'] },
        },
      },
    ],
  });
  for (const [name, { scores, mean, deviation }] of Object.entries(oracle)) {
    const own = scores.map((_, at) => found[foldId('measure', at + 1)]!.values![name] as number);
    own.forEach((score, at) => expect(score).toBeCloseTo(scores[at]!, 3));
    expect(meanAndDeviation(own).mean).toBeCloseTo(mean, 3);
    expect(meanAndDeviation(own).deviation).toBeCloseTo(deviation, 3);
  }
});
