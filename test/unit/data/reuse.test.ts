import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import preprocessStep from '../../../activities/steps/preprocess.step.ts';
import type { JsonObject } from '../../../src/core/json.ts';
import { openExamples } from '../../../src/data/stored/examples.ts';
import type { Examples } from '../../../src/data/stored/examples.ts';
import { ingest } from '../../../src/data/ingest/ingest.ts';
import type { IngestConfig } from '../../../src/data/ingest/ingest-config.ts';
import { preprocess } from '../../../src/data/preprocess/preprocess.ts';
import type { PreprocessConfig } from '../../../src/data/preprocess/preprocess-config.ts';
import type { FittedBase } from '../../../src/data/preprocess/reuse.ts';
import { createBench, failure } from './support.ts';
import type { Bench } from './support.ts';

let bench: Bench;
let base: FittedBase;
let files = 0;
const FEATURES = { words: [{ tokenize: { vocabulary: 50, length: 4 } }], size: ['standardize'] };

/** Rows whose words and sizes depend on `from`. */
const table = (from: number, kinds: string, count = 60): string =>
  `words,size,kind\n${Array.from({ length: count }, (_, row) => `w${from + (row % 5)} w${from + (row % 3)},${from + row},${kinds[row % kinds.length]}`).join('\n')}\n`;

async function make(
  csv: string,
  config: PreprocessConfig,
  from?: FittedBase,
  further: Partial<IngestConfig> = {},
): Promise<{ examples: Examples; preprocessor: JsonObject }> {
  const { outputs } = await ingest(bench.context(), {
    source: { format: 'csv', path: await bench.file(`r${(files += 1)}.csv`, csv) },
    label: 'kind',
    split: { stratify: true },
    ...further,
  });
  const made = await preprocess(bench.context(), config, outputs.dataset!, from);
  const examples = await openExamples(await bench.open(made.outputs.examples));
  return { examples, preprocessor: await examples.preprocessorJson() };
}

beforeAll(async () => {
  bench = await createBench();
  const { preprocessor } = await make(table(0, 'ab'), { features: FEATURES });
  base = { text: 'kinds version 2', preprocessor };
});
afterAll(() => bench.close());

const FROM = { model: 'kinds', version: 'champion' } as const;

describe('the preprocessing of a model', () => {
  test('is used as it was learnt: vocabulary, statistics and classes', async () => {
    const { examples, preprocessor } = await make(table(3, 'ab'), { from: FROM }, base);
    expect(preprocessor).toEqual(base.preprocessor);
    const anew = await make(table(3, 'ab'), { features: FEATURES });
    expect(anew.preprocessor).not.toEqual(base.preprocessor);
    // Words that the model has never seen are unknown (1).
    const tokens = examples.reader('train').read(0, examples.meta.splits.train.rows).words!.data;
    expect([...tokens].filter((id) => id === 1).length).toBeGreaterThan(0);
  });

  test('keeps classes that these rows do not have', async () => {
    const three = await make(table(0, 'abc'), { features: FEATURES });
    const { examples } = await make(table(0, 'ab'), { from: FROM }, { text: 'kinds version 3', preprocessor: three.preprocessor });
    expect(examples.meta.output).toEqual({ kind: 'classes', name: 'kind', classes: ['a', 'b', 'c'] });
  });

  test('with a label that is learnt anew, for a new head', async () => {
    const { examples, preprocessor } = await make(table(0, 'xyz'), { from: { ...FROM, label: 'fit' } }, base);
    expect(examples.meta.output).toEqual({ kind: 'classes', name: 'kind', classes: ['x', 'y', 'z'] });
    expect(preprocessor.columns).toEqual(base.preprocessor.columns);
  });

  test('keeps the scale of a number', async () => {
    const regression: Partial<IngestConfig> = { label: 'size', exclude: ['kind'], split: {} };
    const first = await make(table(0, 'ab'), { features: { words: FEATURES.words } }, undefined, regression);
    const then = await make(table(500, 'ab'), { from: FROM }, { text: 'sizes version 1', preprocessor: first.preprocessor }, regression);
    expect(then.examples.meta.output).toEqual(first.examples.meta.output);
    expect(then.examples.reader('train').read(0, 1)['@label']!.data[0]).toBeGreaterThan(10);
  });

  test('goes together with the features of the first time, where they are the same', async () => {
    const from = { ...FROM, onMissing: 'fit' } as const;
    const { preprocessor } = await make(table(3, 'ab'), { features: FEATURES, from }, base);
    expect(preprocessor).toEqual(base.preprocessor);
    expect(await failure(make(table(3, 'ab'), { features: { ...FEATURES, size: ['minMax'] }, from }, base))).toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(/^features\.size: the document says minMax .*, kinds version 2 has standardize/) as string,
    });
    expect(await failure(make(table(3, 'ab'), { features: { size: FEATURES.size, words: FEATURES.words }, from }, base))).toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('the document says the columns size, words, kinds version 2 has the columns words, size') as string,
    });
  });
});

test('rows that do not fit the model are refused', async () => {
  expect(await failure(make(table(0, 'abz'), { from: FROM }, base))).toMatchObject({
    code: 'LABEL_INVALID',
    message: 'from: kinds version 2 knows the classes "a", "b" of "kind"; the rows also hold "z" (20 rows).',
    hint: expect.stringContaining('"label": "fit"') as string,
  });
  expect(await failure(make(table(0, 'ab').replace('words', 'text'), { from: FROM }, base))).toMatchObject({
    code: 'COLUMN_MISSING',
    message: expect.stringContaining('from kinds version 2: there is no column "words"') as string,
  });
  expect(await failure(make(table(0, 'ab'), { from: FROM }, base, { columns: { size: 'string' } }))).toMatchObject({
    code: 'DATA_INVALID',
    message: expect.stringContaining('reads "size" as integer, and here the column is string') as string,
  });
  expect(await failure(make(table(0, 'ab').replaceAll('kind', 'sort'), { from: FROM }, base, { label: 'sort' }))).toMatchObject({
    code: 'LABEL_INVALID',
    message: expect.stringContaining('predicts "kind", and the label of the dataset is "sort"') as string,
  });
});

test('settings that would be ignored are refused before the run', () => {
  const pointers = (config: PreprocessConfig): string[] =>
    preprocessStep.check!(config, { pipeline: 'p', before: [], after: [] }).map(({ pointer }) => pointer);
  expect(
    pointers({ from: FROM, features: FEATURES, label: ['minMax'], task: 'regression', sequence: { size: 3, horizon: 1, by: 't' } }),
  ).toEqual(['/features', '/sequence', '/label', '/task']);
  expect(pointers({ from: { ...FROM, label: 'fit' }, label: ['minMax'] })).toEqual([]);
  expect(pointers({ from: { ...FROM, onMissing: 'fit' }, features: FEATURES })).toEqual([]);
  expect(preprocessStep.ports!({ from: { input: 'base' } }).inputs).toHaveProperty('base');
  expect(preprocessStep.ports!({ from: FROM }).inputs).not.toHaveProperty('base');
});
