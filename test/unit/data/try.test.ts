import { test } from 'vitest';
import { createBench } from './support.ts';
import { ingest } from '../../../src/data/ingest.ts';
import { resolve } from 'node:path';
test('try', async () => {
  const bench = await createBench();
  const ctx = { ...bench.context(), documentDir: resolve('pipelines') };
  for (let i = 0; i < 3; i++) {
    const t = performance.now();
    const r = await ingest(ctx, { source: { format: 'csv', path: 'data/penguins.csv' }, label: 'species', split: { by: 'hash', stratify: true } });
    console.log(performance.now() - t, JSON.stringify(r, null, 1));
  }
});
