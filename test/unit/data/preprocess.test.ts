import { readFile } from 'node:fs/promises';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Row, TensorBatch } from '../../../src/core/tensor.ts';
import { decode } from '../../../src/data/answers/decode.ts';
import { openExamples } from '../../../src/data/stored/examples.ts';
import type { Examples } from '../../../src/data/stored/examples.ts';
import { ingest } from '../../../src/data/ingest/ingest.ts';
import type { IngestConfig } from '../../../src/data/ingest/ingest-config.ts';
import { preprocess } from '../../../src/data/preprocess/preprocess.ts';
import type { PreprocessConfig } from '../../../src/data/preprocess/preprocess-config.ts';
import { loadPreprocessor } from '../../../src/data/preprocess/preprocessor.ts';
import { previewExamples } from '../../../src/planning/preview-examples.ts';
import { SPLITS } from '../../../src/data/stored/dataset.ts';
import type { Preprocessor, Split } from '../../../src/data/stored/dataset.ts';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createBench, failure } from './support.ts';
import type { Bench } from './support.ts';

let bench: Bench;
beforeAll(async () => {
  bench = await createBench();
});
afterAll(() => bench.close());

let files = 0;
interface Made {
  readonly examples: Examples;
  readonly preprocessor: Preprocessor;
  readonly digest: string;
  readonly warnings: unknown;
  readonly rows: Record<Split, Row[]>;
  tensors(split: Split): TensorBatch;
}

async function make(
  source: string | IngestConfig,
  config: PreprocessConfig,
  split: IngestConfig['split'] = { by: 'random' },
): Promise<Made> {
  const ingestConfig =
    typeof source === 'string'
      ? { source: { format: 'csv', path: await bench.file(`p${(files += 1)}.csv`, source) }, label: 'y', split }
      : source;
  const { outputs } = await ingest(bench.context(), ingestConfig);
  const made = await preprocess(bench.context(), config, outputs.dataset!);
  const examples = await openExamples(await bench.open(made.outputs.examples));
  const rows = await bench.rows(outputs.dataset);
  return {
    examples,
    rows,
    digest: made.outputs.examples!.digest,
    warnings: made.values!.warnings,
    preprocessor: loadPreprocessor(await examples.preprocessorJson()),
    tensors: (name) => examples.reader(name).read(0, examples.meta.splits[name].rows),
  };
}

const lines = (count: number, line: (index: number) => string) =>
  `${Array.from({ length: count }, (_, index) => line(index)).join('\n')}\n`;
const table = (count = 60) => `x,c,y\n${lines(count, (k) => `${k},${['p', 'q', 'r'][k % 3]},${k % 2 ? 'a' : 'b'}`)}`;

describe('tables', () => {
  test('columns join to "features" in the order of the document; statistics are those of the train split', async () => {
    const made = await make(table(), { features: { c: ['oneHot'], x: ['standardize'] } });
    expect(made.examples.meta.inputs).toEqual([{ name: 'features', shape: [4], dtype: 'float32' }]);
    expect(made.examples.meta.output).toEqual({ kind: 'classes', name: 'y', classes: ['a', 'b'] });
    const xs = made.rows.train.map((row) => row.x as number);
    const mean = xs.reduce((sum, x) => sum + x, 0) / xs.length;
    const std = Math.sqrt(xs.reduce((sum, x) => sum + (x - mean) ** 2, 0) / xs.length);
    const test = made.tensors('test');
    made.rows.test.forEach((row, index) => {
      expect(Array.from(test.features!.data.slice(4 * index, 4 * index + 3))).toEqual(
        ['p', 'q', 'r'].map((name) => (name === row.c ? 1 : 0)),
      );
      expect(test.features!.data[4 * index + 3]).toBeCloseTo(((row.x as number) - mean) / std, 5);
      expect(test['@label']!.data[index]).toBe(row.y === 'a' ? 0 : 1);
    });
  });

  test('the same dataset and configuration give the same artifact', async () => {
    const path = await bench.file('same.csv', table());
    const source: IngestConfig = { source: { format: 'csv', path }, label: 'y' };
    expect((await make(source, {})).digest).toBe((await make(source, {})).digest);
  });

  test('without features every column is treated by its type; identifiers and constants are left out', async () => {
    const text = `id,const,flag,when,words,x,y\n${lines(80, (k) => `user-${k},1,${k % 2 === 0},2024-01-${String((k % 28) + 1).padStart(2, '0')},some words about topic ${k} and more,${k % 7 ? k : ''},${k % 2 ? 'a' : 'b'}`)}`;
    const made = await make(text, {});
    expect(made.preprocessor.columns.map((column) => column.name)).toEqual(['flag', 'when', 'words', 'x']);
    expect(made.examples.meta.inputs.map((input) => input.name)).toEqual(['features', 'words']);
    expect(bench.warnings.some((warning) => warning.includes('"id" is left out'))).toBe(true);
    expect(bench.warnings.some((warning) => warning.includes('"const" is left out: it is constant'))).toBe(true);
  });

  test.each(['standardize', 'minMax', 'robust'])('%s makes nothing of rounding, in features and in the label', async (scaling) => {
    const text = `x,z,y\n${lines(60, (k) => `${k % 3 ? 0.3 : 0.1 + 0.2},${k},${k % 2 ? 0.3 : 0.1 + 0.2}`)}`;
    const made = await make(
      text,
      { features: { x: [scaling], z: ['standardize'] }, ...(scaling === 'robust' ? {} : { label: [scaling] }), task: 'regression' },
      { train: 1, validation: 0, test: 0, by: 'random' },
    );
    const { features, '@label': label } = made.tensors('train');
    features!.data.forEach((value, at) => at % 2 === 0 && expect(value).toBeCloseTo(0, 9));
    label!.data.forEach((value) => expect(value).toBeCloseTo(0, 6));
  });

  test('a mark of missing values stands behind the values, whatever follows it, and beside no token ids', async () => {
    const holes = `x,y\n${lines(60, (k) => `${k % 4 ? k % 10 : ''},${k % 2 ? 'a' : 'b'}`)}`;
    const made = await make(holes, { features: { x: [{ impute: { indicator: true } }, { bucketize: { bins: 3 } }] } });
    const batch = made.tensors('train').features!;
    const width = made.examples.meta.inputs[0]!.shape[0]!;
    expect(width).toBeGreaterThan(2);
    made.rows.train.forEach((row, at) => expect(batch.data[width * at + width - 1]).toBe(row.x === null ? 1 : 0));
    expect(await failure(make(holes, { features: { x: [{ impute: { indicator: true } }, 'lookup'] } }))).toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('beside the values'),
      hint: expect.stringContaining('indicator'),
    });
  });

  test('what is not finite names row, column and the fix', async () => {
    const holes = table().replace('\n0,', '\n,');
    const error = await failure(make(holes, { features: { x: ['standardize'] } }, { train: 1, validation: 0, test: 0, by: 'random' }));
    expect(error).toMatchObject({
      code: 'DATA_INVALID',
      message: expect.stringMatching(/row 0, column "x": the value is missing/),
      hint: expect.stringContaining('impute'),
    });
    expect(
      await failure(
        make(table().replace('\n0,', '\ninf,'), { features: { x: ['standardize'] } }, { train: 1, validation: 0, test: 0, by: 'random' }),
      ),
    ).toMatchObject({ code: 'DATA_INVALID', message: expect.stringContaining('Infinity'), hint: expect.stringContaining('clip') });
    expect(await failure(make(`e,x,y\n${lines(20, (k) => `,${k},${k % 2 ? 'a' : 'b'}`)}`, { features: { e: ['oneHot'] } }))).toMatchObject({
      code: 'DATA_INVALID',
      message: expect.stringContaining('no value in the train split'),
    });
  });

  test.each([
    [{ features: { nope: ['standardize'] } }, 'COLUMN_MISSING', 'no column "nope"'],
    [{ features: { y: ['oneHot'] } }, 'CONFIG_INVALID', 'is the label'],
    [{ features: { c: ['standardize'] } }, 'CONFIG_INVALID', 'takes numbers, but gets text'],
    [{ features: { c: [] } }, 'CONFIG_INVALID', 'still text'],
    [{ features: { x: ['clip'] } }, 'CONFIG_INVALID', 'needs a value'],
    [{ features: { x: [{ impute: 'median' }, 'scale'] } }, 'CONFIG_INVALID', 'no transform "scale"'],
    [{ label: ['standardize'] }, 'CONFIG_INVALID', 'take no transforms'],
    [{ task: 'regression' }, 'CONFIG_INVALID', 'regression needs numbers'],
    [{ sequence: { size: 3, horizon: 1, by: 'x' } }, 'SPLIT_INVALID', 'not split by time'],
    [{ balance: { smote: { k: 3 } } }, 'CONFIG_INVALID', 'numeric features only'],
  ] as [PreprocessConfig, string, string][])('refuses %j', async (config, code, words) => {
    expect(await failure(make(table(), config))).toMatchObject({ code, message: expect.stringContaining(words) });
  });

  test('integer labels: few are classes, many a number; a scaled label is scaled back', async () => {
    expect((await make(`x,y\n${lines(40, (k) => `${k},${k % 3}`)}`, {})).examples.meta.output).toMatchObject({
      kind: 'classes',
      classes: ['0', '1', '2'],
    });
    const made = await make(`x,y\n${lines(60, (k) => `${k},${k * 10}`)}`, { label: ['standardize'] });
    const { output } = made.examples.meta;
    expect(output).toMatchObject({ kind: 'number', width: 1 });
    const label = made.tensors('test')['@label']!.data as Float32Array;
    const back = decode(made.preprocessor.output, label, label.length).map((answer) => ('value' in answer ? answer.value : undefined));
    back.forEach((value, row) => expect(value).toBeCloseTo(made.rows.test[row]!.y as number, 3));
  });

  test('a numeric label is standardized unless it is told otherwise', async () => {
    const rows = `x,y\n${lines(60, (k) => `${k},${k * 10}`)}`;
    const unsaid = (await make(rows, {})).examples.meta.output;
    expect(unsaid).toEqual((await make(rows, { label: ['standardize'] })).examples.meta.output);
    expect((await make(rows, { label: [], task: 'regression' })).examples.meta.output).not.toHaveProperty('scale');
  });
});

test('more categories than get a column are said, and more than are counted refused', async () => {
  const { frequentCategories } = await import('../../../src/data/transforms/shared/categories.ts');
  const data = { kind: 'text', values: Array.from({ length: 100_000 }, (_, k) => `c${k % 99_000}`) } as const;
  const fitter = frequentCategories(1_000, 'x', 'text', 'a column');
  fitter.add(data);
  expect(fitter.finish().categories).toHaveLength(1_000);
  expect(fitter.finish().categories).toContain('c999');
  expect(fitter.notes!()).toEqual([
    expect.stringMatching(
      /^column "x" has 99,000 categories; the 1,000 most frequent got a column, the others count as unknown\. "hashing"/,
    ),
  ]);
  expect(() => frequentCategories(1_000, 'x', 'text', 'a column', 5_000).add(data)).toThrow(
    expect.objectContaining({ code: 'DATA_INVALID', message: expect.stringContaining('more than 5,000 categories, e.g. "c5000"') }),
  );
  const made = await make(`c,y\n${lines(60, (k) => `v${k % 20},${k % 2 === 0 ? 'p' : 'q'}`)}`, {
    features: { c: [{ oneHot: { maximum: 3 } }] },
  });
  expect(made.warnings).toEqual([expect.stringMatching(/column "c" has (19|20) categories; the 3 most frequent got a column/)]);
});

describe('serving', () => {
  test('wrong, missing and misspelt columns are refused by row and column', async () => {
    const { preprocessor } = await make(table(), { features: { x: ['standardize'], c: ['oneHot'] } });
    expect(preprocessor.columns).toEqual([
      { name: 'x', type: 'integer', required: true },
      { name: 'c', type: 'string', required: false },
    ]);
    const apply = (row: unknown) => failure(preprocessor.apply([{ x: 1, c: 'p' }, row as Row]));
    expect(await apply({ x: 'one', c: 'p' })).toMatchObject({
      code: 'DATA_INVALID',
      message: 'row 1, column "x": expected a number, got string "one".',
    });
    expect(await apply({ c: 'p' })).toMatchObject({
      code: 'DATA_INVALID',
      message: expect.stringContaining('row 1, column "x": it is absent'),
    });
    expect(await apply({ X: 1, c: 'p' })).toMatchObject({ hint: 'Did you mean "x"?' });
    expect(await apply({ x: null, c: 'p' })).toMatchObject({ message: expect.stringContaining('it is null') });
    // The source was a CSV file: a text of its is taken, and a number stands for its text.
    expect(
      Array.from(
        (
          await preprocessor.apply([
            { x: '1', c: 'p' },
            { x: 1, c: 'p' },
          ])
        ).features!.data.subarray(0, 1),
      ),
    ).toEqual(Array.from((await preprocessor.apply([{ x: 1, c: 'p' }])).features!.data.subarray(0, 1)));
    expect(Array.from((await preprocessor.apply([{ x: 1, c: 5 }])).features!.data).slice(1)).toEqual([0, 0, 0]);
    expect(await apply([1])).toMatchObject({ message: expect.stringContaining('expected an object of columns') });
    expect(await apply({ x: Number.POSITIVE_INFINITY })).toMatchObject({ code: 'DATA_INVALID' });
    expect(
      Array.from(
        (
          await preprocessor.apply([
            { x: 1, c: 'unseen' },
            { x: 1, extra: true },
          ])
        ).features!.data,
      ).filter((_, at) => at % 4 !== 0),
    ).toEqual([0, 0, 0, 0, 0, 0]);
  });

  test('decodes probabilities, one sigmoid and the class __proto__', async () => {
    const { preprocessor } = await make(`x,y\n${lines(40, (k) => `${k},${k % 2 ? '__proto__' : 'b'}`)}`, {});
    const [soft] = decode(preprocessor.output, Float32Array.of(0.75, 0.25), 1);
    expect(soft).toMatchObject({ label: '__proto__' });
    expect(Object.entries((soft as { probabilities: object }).probabilities)).toEqual([
      ['__proto__', 0.75],
      ['b', 0.25],
    ]);
    expect(decode(preprocessor.output, Float32Array.of(0.5, 0.25), 2)).toMatchObject([{ label: '__proto__' }, { label: '__proto__' }]);
    expect(decode(preprocessor.output, Float32Array.of(0.75), 1)).toMatchObject([{ label: 'b' }]);
  });
});

describe('series', () => {
  const series = `d,x,y\n${lines(100, (k) => `${new Date(Date.UTC(2024, 0, 1 + k)).toISOString().slice(0, 10)},${k},${k * 2}`)}`;
  const split = { by: 'time', column: 'd' } as const;

  test.each([
    [3, 1],
    [5, 4],
    [1, 1],
  ])('windows of %i rows, label %i rows later, reach into the past but keep their label', async (size, horizon) => {
    const made = await make(series, { features: { x: [], y: [] }, label: [], sequence: { size, horizon, by: 'd' } }, split);
    expect(made.examples.meta.inputs).toEqual([{ name: 'features', shape: [size, 2], dtype: 'float32' }]);
    let next = size + horizon - 1;
    for (const name of SPLITS) {
      const { features, '@label': label } = made.tensors(name);
      expect(features!.rows).toBe(made.rows[name].length - (name === 'train' ? size + horizon - 1 : 0));
      for (let row = 0; row < features!.rows; row += 1, next += 1) {
        expect(label!.data[row]).toBe(2 * next);
        const window = Array.from(features!.data.slice(row * size * 2, (row + 1) * size * 2));
        expect(window).toEqual(Array.from({ length: size }, (_, at) => next - horizon - size + 1 + at).flatMap((k) => [k, 2 * k]));
      }
    }
    expect(next).toBe(100);
    const rows = made.rows.test.slice(0, size + 1);
    expect((await made.preprocessor.apply(rows)).features!.rows).toBe(2);
    expect(await failure(made.preprocessor.apply(rows.slice(0, size - 1)))).toMatchObject({ code: 'DATA_INVALID' });
    const sorted = await made.preprocessor.series!.windows(rows);
    const reversed = await made.preprocessor.series!.windows([...rows].reverse());
    expect(reversed.tensors).toEqual(sorted.tensors);
    expect([sorted.sorted, reversed.sorted]).toEqual([false, true]);
    expect(Array.from(reversed.ends)).toEqual(Array.from(sorted.ends, (end) => rows.length - 1 - end));
  });
});

describe('images', () => {
  async function folder(name: string, size: (index: number) => number): Promise<IngestConfig> {
    for (const label of ['dark', 'light']) await mkdir(join(bench.dir, name, label), { recursive: true });
    for (let k = 0; k < 24; k += 1) {
      const [side, shade] = [size(k), (k % 2 ? 200 : 30) + k];
      const image = sharp({ create: { width: side, height: side + 1, channels: 3, background: { r: shade, g: shade, b: shade } } });
      await writeFile(join(bench.dir, name, k % 2 ? 'light' : 'dark', `${k}.png`), await image.png().toBuffer());
    }
    return { source: { format: 'images', path: name }, split: { by: 'random', stratify: true } };
  }

  test('resize, grayscale and rescale; the same bytes as base64 serve the same tensor', async () => {
    const made = await make(await folder('im', (k) => 5 + (k % 3)), { features: { image: [{ resize: [4, 6] }, 'grayscale', 'rescale'] } });
    expect(made.examples.meta.inputs).toEqual([{ name: 'image', shape: [4, 6, 1], dtype: 'float32', range: [0, 1] }]);
    const trained = made.tensors('test').image!;
    const shades = made.rows.test.map((row) => Number(/(\d+)\.png/.exec(String(row.file))![1])).map((k) => (k % 2 ? 200 : 30) + k);
    shades.forEach((shade, row) => expect(trained.data[row * 24]).toBeCloseTo(shade / 255, 5));
    const served = await made.preprocessor.apply(
      made.rows.test.map((row) => ({ image: Buffer.from(row.image as Uint8Array).toString('base64') })),
    );
    expect(served.image!.data).toEqual(trained.data);
    expect(await failure(made.preprocessor.apply([{ image: 'bm8gaW1hZ2U=' }]))).toMatchObject({
      code: 'DATA_INVALID',
      message: expect.stringContaining('row 0, column "image"'),
    });
    expect(await failure(made.preprocessor.apply([{ image: 'no base64!' }]))).toMatchObject({ message: expect.stringContaining('base64') });
  });

  test('without a transform they are 8-bit; images of another size name the fix', async () => {
    const made = await make(await folder('raw', () => 5), { features: { image: [] } });
    expect(made.examples.meta.inputs).toEqual([{ name: 'image', shape: [6, 5, 3], dtype: 'uint8' }]);
    expect(made.tensors('train').image!.data).toBeInstanceOf(Uint8Array);
    expect(await failure(make(await folder('mixed', (k) => 5 + (k % 2)), { features: { image: ['rescale'] } }))).toMatchObject({
      code: 'DATA_INVALID',
      hint: expect.stringContaining('resize'),
    });
  });
});

describe('balance', () => {
  const skewed = `x,z,y\n${lines(100, (k) => `${k},${(k * 7) % 13},${k % 5 === 0 ? 'few' : 'many'}`)}`;
  const count = (batch: TensorBatch, label: number) => Array.from(batch['@label']!.data).filter((item) => item === label).length;
  const stratified = { by: 'random', stratify: true } as const;

  test.each([
    ['oversample', 56, 56],
    ['undersample', 14, 14],
    [{ smote: { k: 3 } }, 56, 56],
  ] as const)('%j', async (balance, few, many) => {
    const made = await make(skewed, { features: { x: ['standardize'], z: ['standardize'] }, balance }, stratified);
    expect([count(made.tensors('train'), 0), count(made.tensors('train'), 1)]).toEqual([few, many]);
    expect([count(made.tensors('test'), 0), count(made.tensors('test'), 1)]).toEqual([3, 12]);
    const again = await make(skewed, { features: { x: ['standardize'], z: ['standardize'] }, balance }, stratified);
    expect(again.tensors('train').features!.data).toEqual(made.tensors('train').features!.data);
  });
});

describe('preview', () => {
  test('of a table it is what the steps give', async () => {
    const path = await bench.file('pre.csv', table());
    const source: IngestConfig = { source: { format: 'csv', path }, label: 'y', split: { by: 'hash', stratify: true } };
    for (const config of [{}, { features: { c: ['oneHot'], x: [{ bucketize: { bins: 4 } }] } }] as PreprocessConfig[]) {
      const preview = await previewExamples(source, config, bench.dir);
      const made = await make(source, config);
      expect(preview).toMatchObject({
        rows: 60,
        exact: true,
        label: 'y',
        inputs: made.examples.meta.inputs,
        output: made.examples.meta.output,
      });
    }
  });

  test('of class folders a few files are looked at', async () => {
    const preview = await previewExamples(
      { source: { format: 'images', path: 'im' } },
      { features: { image: [{ resize: [4, 6] }, 'rescale'] } },
      bench.dir,
    );
    expect(preview).toMatchObject({
      rows: 24,
      exact: false,
      inputs: [{ name: 'image', shape: [4, 6, 3], dtype: 'float32' }],
      output: { kind: 'classes', classes: ['dark', 'light'] },
    });
  });
});

test('the penguins are 344 rows with their missing values empty', async () => {
  const text = await readFile(new URL('../../../pipelines/data/penguins.csv', import.meta.url), 'utf8');
  const [head, ...rows] = text.trimEnd().split('\n');
  expect(head).toBe('species,island,bill_length_mm,bill_depth_mm,flipper_length_mm,body_mass_g,sex');
  expect(rows).toHaveLength(344);
  expect(rows.filter((row) => row.split(',').includes(''))).toHaveLength(11);
});
