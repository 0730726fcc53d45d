import { test } from 'vitest';
import { createBench } from './support.ts';
import { ingest } from '../../../src/data/ingest.ts';
import { validate } from '../../../src/data/validate.ts';
import { preprocess } from '../../../src/data/preprocess.ts';
import { openExamples } from '../../../src/data/examples.ts';
import { loadPreprocessor } from '../../../src/data/preprocessor.ts';
import { readRows } from '../../../src/data/dataset-rows.ts';
import { resolve } from 'node:path';
test('try', async () => {
  const bench = await createBench();
  const ctx = { ...bench.context(), documentDir: resolve('pipelines') };
  for (let i = 0; i < 2; i++) {
    const t = performance.now();
    const r = await ingest(ctx, { source: { format: 'csv', path: 'data/penguins.csv' }, label: 'species', split: { by: 'hash', stratify: true } });
    const t1 = performance.now();
    const v = await validate(ctx, { expect: [{ column: 'body_mass_g', between: [2800, 6200] }, { column: 'island', notNull: true }, { rows: { atLeast: 300 } }, { column: 'island', matches: '^[A-Z]' }] }, r.outputs.dataset!);
    const t2 = performance.now();
    const p = await preprocess(ctx, i === 0 ? {} : { features: { body_mass_g: [{ impute: 'median' }, 'standardize'], island: ['oneHot'], sex: [{ impute: 'mostFrequent' }, 'oneHot'] } }, v.outputs.dataset!);
    console.log(t1 - t, t2 - t1, performance.now() - t2, JSON.stringify(v, null, 1), JSON.stringify(p, null, 1));
    const ex = await openExamples(await bench.open(p.outputs.examples));
    const reader = ex.reader('test');
    const pre = loadPreprocessor(await ex.preprocessorJson());
    console.log(JSON.stringify(pre.toJson(), null, 0).slice(0, 3000), pre.columns);
    const rows = (await Array.fromAsync?.(readRows(await bench.open(v.outputs.dataset), 'test')) ?? []).flat();
    for await (const batch of readRows(await bench.open(v.outputs.dataset), 'test', { limit: 3 })) {
      console.log(batch, (await pre.apply(batch)), reader.read(0, 3));
    }
    void rows;
  }
});
