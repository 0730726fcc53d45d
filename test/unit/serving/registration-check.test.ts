import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ArtifactRef } from '../../../src/core/artifact.ts';
import type { JsonObject } from '../../../src/core/json.ts';
import type { OpenArtifact } from '../../../src/core/ports.ts';
import { withDatabase } from '../../../src/data/table/duckdb.ts';
import { encodePng } from '../../../src/data/images/encode-png.ts';
import { ingest } from '../../../src/data/ingest/ingest.ts';
import type { IngestConfig } from '../../../src/data/ingest/ingest-config.ts';
import { preprocess } from '../../../src/data/preprocess/preprocess.ts';
import type { PreprocessConfig } from '../../../src/data/preprocess/preprocess-config.ts';
import type { DatasetMeta, ExamplesMeta } from '../../../src/data/stored/dataset.ts';
import { validate } from '../../../src/data/expectations/validate.ts';
import { checkRegistration } from '../../../src/serving/registration-check.ts';
import { encodeWeights } from '../../../src/training/bundle/weights-file.ts';
import { Network } from '../../../src/training/model/network.ts';
import { buildTopology } from '../../../src/training/model/topology.ts';
import { createBench } from '../data/support.ts';
import type { Bench } from '../data/support.ts';

let bench: Bench;
beforeAll(async () => {
  bench = await createBench();
});
afterAll(() => bench.close());

type Change = (preprocessor: any) => void;

interface Made {
  readonly dataset: OpenArtifact;
  readonly meta: DatasetMeta;
  /** Of a network with weights as they are before training. @param change of what it says of its preprocessing */
  model(change?: Change): Promise<OpenArtifact>;
}

let steps = 0;
async function make(config: IngestConfig, preprocessing: PreprocessConfig = {}): Promise<Made> {
  const { outputs } = await ingest(bench.context(`ingest-${steps}`), {
    split: { train: 0.5, validation: 0.1, test: 0.4, by: 'hash' },
    ...config,
  });
  return fit(outputs.dataset!, preprocessing);
}

async function fit(from: ArtifactRef, preprocessing: PreprocessConfig): Promise<Made> {
  const made = await preprocess(bench.context(`preprocess-${(steps += 1)}`), preprocessing, from);
  const [dataset, examples] = [await bench.open(from), await bench.open(made.outputs.examples)];
  const { inputs, output } = examples.manifest.meta as unknown as ExamplesMeta;
  return {
    dataset,
    meta: dataset.manifest.meta as unknown as DatasetMeta,
    async model(change = () => {}) {
      const layers = [
        ...(inputs[0]!.shape.length > 1 ? [{ type: 'flatten' }] : []),
        output.kind === 'classes' ? { type: 'dense', units: output.classes.length, activation: 'softmax' } : { type: 'dense', units: 1 },
      ];
      const topology = buildTopology(layers, inputs);
      const network = new Network(topology);
      const { manifest, bytes } = encodeWeights(network.weights, network.initialWeights(1));
      const preprocessor = await examples.json<JsonObject>('preprocessor.json');
      change(preprocessor);
      const json = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));
      return bench.open(
        await bench.artifacts.write({
          kind: 'model',
          summary: 'a test network',
          files: {
            'weights.json': json(manifest),
            'weights.bin': bytes,
            'topology.json': json(topology),
            'preprocessor.json': json(preprocessor),
            'profile.json': await examples.bytes('profile.json'),
            'history.json': json([]),
          },
          meta: {
            inputs,
            output,
            outputShape: [...network.outputShape],
            parameters: 1,
            trainableParameters: 1,
            loss: 'meanSquaredError',
            optimizer: 'adam',
            epochsRun: 0,
            bestEpoch: 0,
            seed: 1,
            final: {},
            examples: examples.ref.digest,
            dataset: dataset.ref.digest,
            training: {},
          } as never,
        }),
      );
    },
  };
}

const check = async (made: Made, change?: Change) => checkRegistration(bench.artifacts, await made.model(change), 'birds');
const lines = (count: number, line: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => line(index)).join('\n');
const IMPUTED = {
  features: { size: [{ impute: 'median' }, 'standardize'], colour: [{ impute: 'mostFrequent' }, 'oneHot'] },
} as unknown as PreprocessConfig;

/** A CSV with ";", a title, decimal commas, words for a missing value, quotes and blanks. */
const german = (): string =>
  `Export of birds\n\nsize;colour;"note; more";id;y\n${lines(300, (k) => `${k % 11 === 0 ? 'NA' : `${k},5`};${k % 7 === 0 ? '-' : ['red', ' "green"', '""'][k % 3] === '""' ? '"say ""hi"""' : ['red', 'green'][k % 2]};"a;b\nc";00${k};${k % 2 ? 'up' : 'down'}`)}\n`;

describe('raw rows of a CSV', () => {
  const config = async (name: string): Promise<IngestConfig> =>
    ({
      source: { format: 'csv', path: await bench.file(name, german()), nullValues: ['', 'NA', '-'] },
      label: 'y',
      columns: { size: { number: { decimal: ',' } } },
    }) as unknown as IngestConfig;

  it('are kept as they stand in the source, and answered as in the evaluation', async () => {
    const made = await make(await config('german.csv'), IMPUTED);
    expect(made.meta.rawTest).toMatchObject({ file: 'raw-test.csv' });
    expect(made.meta.rawTest!.positions.length).toBe(Math.min(200, made.meta.rows.test));
    const text = Buffer.from(await made.dataset.bytes('raw-test.csv')).toString();
    expect(text).toMatch(/^size;colour;"note; more";id;y\n/);
    expect(text).toContain('"a;b\nc";00');
    expect(text).toContain(';"say ""hi""";');
    expect(text).toMatch(/\nNA;/);
    expect(await check(made)).toEqual({
      rows: made.meta.rawTest!.positions.length,
      from: 'source',
      ways: [
        'as rows that were read from a csv file',
        'as the texts of their cells',
        'as the texts of their cells, numbers among them as numbers',
      ],
      largestDifference: expect.any(Number),
      bound: 1e-4,
    });
  });

  it('make the same artifact again', async () => {
    const both = [await make(await config('twice.csv'), IMPUTED), await make(await config('twice.csv'), IMPUTED)];
    expect(both[0]!.dataset.ref.digest).toBe(both[1]!.dataset.ref.digest);
  });

  it('refuse a model that reads a column in another way than its training did, and name the column', async () => {
    const made = await make(await config('broken.csv'), IMPUTED);
    const forget: Change = ({ reading }) => {
      reading.source.nullValues = [''];
    };
    await expect(check(made, forget)).rejects.toMatchObject({
      code: 'REGISTRATION_DIFFERS',
      message: expect.stringMatching(/\d+ of \d+ raw rows of the test split do not give .* its column "colour" "-" becomes/),
    });
    const scaled: Change = ({ columns }) => {
      columns[0].transforms[1].state.mean += 1;
    };
    await expect(check(made, scaled)).rejects.toMatchObject({
      code: 'REGISTRATION_DIFFERS',
      message: expect.stringContaining('its column "size"'),
    });
    const points: Change = ({ reading }) => {
      reading.columns.find((column: { name: string }) => column.name === 'size').format = { number: { decimal: '.' } };
    };
    await expect(check(made, points)).rejects.toMatchObject({
      code: 'REGISTRATION_DIFFERS',
      message: expect.stringMatching(/refused.*size|column "size"/s),
    });
  });

  it.each(['random', 'hash'] as const)('belong to their places with a filter, a sample, quarantine and a split by %s', async (by) => {
    const text = `n,a,y\n${lines(400, (k) => (k % 50 === 3 ? `${k},1` : k % 60 === 7 ? `${k},x,0` : `${k},${(k * 7) % 31},${k}`))}\n`;
    const made = await make(
      {
        source: { format: 'csv', path: await bench.file(`places-${by}.csv`, text) },
        label: 'y',
        columns: { a: 'number', y: 'number' },
        filter: [{ column: 'a', between: [1, 29] }],
        sample: { fraction: 0.5, splits: ['test', 'train'] },
        split: { train: 0.5, validation: 0.1, test: 0.4, by },
      } as unknown as IngestConfig,
      { features: { a: ['standardize'] } },
    );
    expect(made.meta.quarantined).toBeGreaterThan(5);
    expect(await check(made)).toMatchObject({ rows: made.meta.rows.test, from: 'source' });
  });

  it('find a delimiter that only the document names, and one of a file without a header', async () => {
    const colon = await make(
      {
        source: {
          format: 'csv',
          path: await bench.file('colon.csv', `a:b:y\n${lines(200, (k) => `${k}:${k % 9}:${k}`)}\n`),
          delimiter: ':',
        },
        label: 'y',
        columns: { y: 'number' },
      } as unknown as IngestConfig,
      { features: { a: ['standardize'], b: ['standardize'] } },
    );
    expect(await check(colon)).toMatchObject({ from: 'source' });
    const bare = await make(
      {
        source: {
          format: 'csv',
          path: await bench.file('bare.csv', `${lines(200, (k) => `${k},5;${k % 9},25;${k},5`)}\n`),
          delimiter: ';',
          header: false,
        },
        label: 'column_3',
        columns: { column_1: { number: { decimal: ',' } }, column_2: { number: { decimal: ',' } }, column_3: { number: { decimal: ',' } } },
      } as unknown as IngestConfig,
      { features: { column_1: ['standardize'], column_2: ['standardize'] } },
    );
    expect(await check(bare)).toMatchObject({ from: 'source', rows: bare.meta.rows.test });
  });
});

it('raw rows of a CSV are understood where a column counts seconds, or has a form and a zone of its own', async () => {
  const text = `t,d,y\n${lines(200, (k) => `${1_700_000_000 + k * 86_399},${String(1 + (k % 28)).padStart(2, '0')}/0${1 + (k % 9)}/2023 08:1${k % 10},${k}`)}\n`;
  const made = await make({
    source: { format: 'csv', path: await bench.file('epochs.csv', text) },
    label: 'y',
    columns: { y: 'number', t: { timestamp: { unit: 's' } }, d: { timestamp: { format: 'dd/MM/yyyy HH:mm', zone: 'Europe/Berlin' } } },
  } as unknown as IngestConfig);
  expect(await check(made)).toMatchObject({ rows: made.meta.rows.test, from: 'source' });
});

describe('raw rows of JSON', () => {
  it('may lack the only column that is read', async () => {
    const made = await make({
      source: {
        format: 'ndjson',
        path: await bench.file(
          'sparse.ndjson',
          lines(200, (k) => JSON.stringify({ ...(k % 3 === 0 ? {} : { price: k }), prices: 'x', y: k % 2 ? 'p' : 'q' })),
        ),
      },
      label: 'y',
      exclude: ['prices'],
    });
    expect(await check(made)).toMatchObject({ rows: made.meta.rows.test, from: 'source' });
  });

  const object = (k: number): string =>
    `{"id": "${'AB12CD34-0000-4000-8000-'}${String(k).padStart(12, '0')}", "mixed": ${k % 3 === 0 ? `${k}.0` : k % 3 === 1 ? `"K${k % 5}"` : 'true'}, "nested": {"a" : [${k % 4}, 1.50], "b":{}}, "day": "2024-0${1 + (k % 9)}-1${k % 10}", "clock": "08:${10 + (k % 40)}", "big": ${k % 2 ? '12345678901234567890' : '9007199254740993'}, "x": ${k % 13 === 0 ? 'null' : k}${k % 17 === 0 ? '' : `, "gone": ${k % 2}`}, "y": ${k}}`;
  const config = (format: string, path: string): IngestConfig =>
    ({ source: { format, path }, label: 'y', columns: { y: 'number', clock: 'string' } }) as unknown as IngestConfig;
  const features = {
    features: {
      mixed: ['oneHot'],
      nested: ['oneHot'],
      day: [{ dateParts: ['month'] }],
      clock: [{ hashing: 8 }],
      big: ['oneHot'],
      x: [{ impute: 'mean' }, 'standardize'],
      gone: [{ impute: 'mostFrequent' }],
      id: [{ hashing: 4 }],
    },
  } as unknown as PreprocessConfig;

  it.each(['ndjson', 'json'])('are the objects of a file of %s', async (format) => {
    const text = format === 'ndjson' ? `${lines(300, object)}\nno json\n` : `[${lines(300, (k) => `${object(k)}${k < 299 ? ',' : ''}`)}]`;
    const made = await make(config(format, await bench.file(`objects.${format}`, text)), features);
    expect(Buffer.from(await made.dataset.bytes(`raw-test.${format}`)).toString()).toMatch(/"nested": \{"a" : \[\d, 1\.50\], "b":\{\}\}/);
    expect(await check(made)).toMatchObject({
      rows: made.meta.rawTest!.positions.length,
      from: 'source',
      ways: [`as the objects of the ${format} file`, 'as texts alone'],
    });
  });
});

it('raw rows keep their places where a validation sets rows of the split aside', async () => {
  const { outputs } = await ingest(bench.context('before'), {
    source: { format: 'csv', path: await bench.file('validated.csv', `a,y\n${lines(300, (k) => `${k % 23 === 0 ? -k - 1 : k},${k}`)}\n`) },
    label: 'y',
    columns: { y: 'number' },
    split: { train: 0.5, validation: 0.1, test: 0.4, by: 'random' },
  } as unknown as IngestConfig);
  const validated = await validate(
    bench.context('validated'),
    { expect: [{ column: 'a', between: [0, 1000] }], onViolation: 'quarantine' },
    outputs.dataset!,
  );
  const made = await fit(validated.outputs.dataset!, { features: { a: ['standardize'] } });
  expect(made.meta.rawTest!.positions.filter((place) => place === -1).length).toBeGreaterThan(2);
  expect(await check(made)).toMatchObject({ rows: made.meta.rows.test, from: 'source' });
});

it('raw rows of Parquet keep their types: decimals, big integers, dates, lists', async () => {
  const path = join(bench.dir, 'typed.parquet');
  await withDatabase((db) =>
    db.run(
      `COPY (SELECT CAST(i AS DECIMAL(18,3)) / 8 AS price, CAST('18446744073709550' || lpad(CAST(i % 7 AS VARCHAR), 3, '0') AS UBIGINT) AS big, CAST(i AS HUGEINT) AS huge, DATE '2024-01-01' + CAST(i AS INTEGER) AS day, TIMESTAMP '2024-01-01 00:00:00.123456' + INTERVAL (i) MINUTE AS at, [i % 3, 1] AS list, CAST(i AS FLOAT) / 3 AS f, i % 2 = 0 AS flag, CASE WHEN i % 5 = 0 THEN NULL ELSE 'k' || i % 4 END AS kind, i AS y FROM range(300) t(i)) TO '${path}' (FORMAT parquet)`,
    ),
  );
  const made = await make(
    { source: { format: 'parquet', path: 'typed.parquet' }, label: 'y', columns: { y: 'number' } } as unknown as IngestConfig,
    {
      features: {
        price: ['standardize'],
        big: ['oneHot'],
        huge: ['standardize'],
        day: [{ dateParts: ['month'] }],
        at: [{ dateParts: ['hour', 'minute'] }],
        list: ['oneHot'],
        f: ['standardize'],
        flag: [],
        kind: [{ impute: 'mostFrequent' }, 'oneHot'],
      },
    },
  );
  expect(made.meta.rawTest).toMatchObject({ file: 'raw-test.parquet' });
  const types = await withDatabase(async (db) =>
    db.describe(`SELECT * FROM read_parquet('${await made.dataset.path('raw-test.parquet')}')`),
  );
  expect(types.slice(0, 2).map(({ type }) => type)).toEqual([expect.stringMatching(/DECIMAL|DOUBLE/), 'UBIGINT']);
  expect(await check(made)).toMatchObject({ rows: made.meta.rawTest!.positions.length, from: 'source' });
});

it('raw rows of Parquet keep names that differ in their case only', async () => {
  const path = join(bench.dir, 'case.parquet');
  await withDatabase((db) =>
    db.run(`COPY (SELECT i % 7 AS "Size", 'v' || i % 3 AS tize, i AS y FROM range(200) t(i)) TO '${path}' (FORMAT parquet)`),
  );
  await writeFile(path, Buffer.from((await readFile(path)).toString('latin1').replaceAll('tize', 'size'), 'latin1'));
  const made = await make(
    { source: { format: 'parquet', path: 'case.parquet' }, label: 'y', columns: { y: 'number' } } as unknown as IngestConfig,
    { features: { Size: ['standardize'], size: ['oneHot'] } } as unknown as PreprocessConfig,
  );
  expect(await check(made)).toMatchObject({ rows: made.meta.rawTest!.positions.length, from: 'source' });
});

it('windows of a series are taken from rows that follow each other', async () => {
  // Not in the order of time, so that places in the split are others than in the source.
  const text = `at,v\n${lines(200, (k) => {
    const day = (k * 37) % 200;
    return `${new Date(Date.UTC(2024, 0, 1) + day * 86_400_000).toISOString().slice(0, 10)},${Math.sin(day / 5).toFixed(4)}`;
  })}\n`;
  const made = await make(
    {
      source: { format: 'csv', path: await bench.file('series.csv', text) },
      label: 'v',
      split: { by: 'time', column: 'at', train: 0.5, validation: 0.2, test: 0.3 },
    } as unknown as IngestConfig,
    { features: { v: ['standardize'] }, sequence: { size: 5, horizon: 2, by: 'at' } },
  );
  expect(made.meta.rawTest!.positions).toEqual(Array.from({ length: 60 }, (_, k) => k));
  expect(await check(made)).toMatchObject({ rows: 60 - 5 - 2 + 1, from: 'source' });
  await expect(
    check(made, ({ columns }) => {
      columns[0].transforms[0].state.mean += 0.5;
    }),
  ).rejects.toMatchObject({ message: expect.stringContaining('its column "v"') });
});

const DAY = 86_400_000;
const dayText = (day: number): string => new Date(Date.UTC(2023, 0, 1) + day * DAY).toISOString().slice(0, 10);

/** Rows of several series, as lines of a CSV. @param left whether a day of a series is there */
const seriesText = (keys: readonly string[], days: number, left: (series: number, day: number) => boolean = () => true): string[] =>
  keys.flatMap((key, series) =>
    Array.from({ length: days }, (_, day) => day)
      .filter((day) => left(series, day))
      .map((day) => `${key},${dayText(day)},${(Math.sin(day / 3 + series) * 10).toFixed(3)}`),
  );

const shifted: Change = ({ columns }) => {
  columns[0].transforms[0].state.mean += 0.5;
};

const BY_DAY = { by: 'time', column: 'day', train: 0.6, validation: 0.2, test: 0.2 };

async function seriesOf(
  name: string,
  rows: readonly string[],
  sequence: object,
  { columns = {} }: { readonly columns?: object } = {},
): Promise<Made> {
  return make(
    {
      source: { format: 'csv', path: await bench.file(name, `shop,day,v\n${rows.join('\n')}\n`) },
      label: 'v',
      split: BY_DAY,
      columns,
    } as unknown as IngestConfig,
    { features: { v: ['standardize'] }, sequence: { by: 'day', ...sequence } } as unknown as PreprocessConfig,
  );
}

describe('windows of series', () => {
  it.each([
    ['in one order after the other', (rows: readonly string[]) => rows],
    ['by time', (rows: readonly string[]) => rows.toSorted((a, b) => (a.split(',')[1]! < b.split(',')[1]! ? -1 : 1))],
    ['in no order', (rows: readonly string[]) => rows.map((_, index) => rows[(index * 77) % rows.length]!)],
  ])('are found whatever lies between their rows: %s', async (name, order) => {
    const made = await seriesOf(`keys-${name}.csv`, order(seriesText(['A', 'B', 'C'], 100)), { size: 4, horizon: 1, key: 'shop' });
    expect(await check(made)).toMatchObject({
      rows: 3 * (20 - 4),
      from: 'source',
      ways: expect.arrayContaining(['as rows that were read from a csv file', 'as the texts of their cells']),
    });
    await expect(check(made, shifted)).rejects.toMatchObject({
      message: expect.stringMatching(
        /^Nothing is registered: 48 of 48 .* row 0 of the split|row \d+ of the test split, sent .* its column "v"/,
      ),
    });
  });

  it('that would span a gap, or a row that was set aside, are none', async () => {
    const gap = await seriesOf(
      'gaps.csv',
      seriesText(['A'], 200, (_, day) => day !== 170 && day !== 185 && day !== 186),
      { size: 5, horizon: 2 },
    );
    const all = gap.meta.rows.test;
    expect(await check(gap)).toMatchObject({ from: 'source', rows: expect.any(Number) });
    expect(((await check(gap)) as { rows: number }).rows).toBeLessThan(all - 6);
    const torn = seriesText(['A'], 200).map((line, index) => (index === 175 || index === 190 ? line.replace(/[^,]+$/, 'oops') : line));
    const made = await seriesOf('torn.csv', torn, { size: 5, horizon: 1 }, { columns: { v: 'number' } });
    expect(made.meta.quarantined).toBe(2);
    expect(await check(made)).toMatchObject({ from: 'source' });
    await expect(check(made, shifted)).rejects.toMatchObject({ message: expect.stringContaining('its column "v"') });
  });

  it('are taken from the dataset where the first rows of the source hold none', async () => {
    const keys = Array.from({ length: 400 }, (_, k) => `s${k}`);
    const byTime = seriesText(keys, 50).sort((a, b) => (a.split(',')[1]! < b.split(',')[1]! ? -1 : 1));
    const made = await seriesOf('many.csv', byTime, { size: 7, horizon: 1, key: 'shop' });
    expect(await check(made)).toMatchObject({ from: 'dataset', rows: 200 });
    await expect(check(made, shifted)).rejects.toMatchObject({ message: expect.stringContaining('of the test split') });
  });

  it('that a model does not make at all are missed', async () => {
    const made = await seriesOf('fewer.csv', seriesText(['A', 'B'], 100), { size: 4, horizon: 1, key: 'shop' });
    await expect(
      check(made, (preprocessor) => {
        preprocessor.sequence.gap = 1;
      }),
    ).rejects.toMatchObject({ code: expect.stringMatching(/REGISTRATION_DIFFERS/) });
  });
});

it('images, whose rows are files, are sent as base64', async () => {
  for (const [at, name] of ['dark', 'light'].entries()) {
    await mkdir(join(bench.dir, 'pictures', name), { recursive: true });
    for (let k = 0; k < 30; k++)
      await writeFile(
        join(bench.dir, 'pictures', name, `${k}.png`),
        encodePng(
          Uint8Array.from({ length: 48 }, (_, i) => (at * 128 + k * 3 + i) % 256),
          4,
          4,
          3,
        ),
      );
  }
  const made = await make({ source: { format: 'images', path: 'pictures' } }, { features: { image: [{ resize: [4, 4] }, 'rescale'] } });
  expect(made.meta.rawTest).toBeUndefined();
  expect(await check(made)).toMatchObject({ rows: made.meta.rows.test, from: 'dataset', ways: ['as JSON with images in base64'] });
});

it('says why it is not made', async () => {
  const made = await make(
    {
      source: { format: 'csv', path: await bench.file('old.csv', `a,y\n${lines(100, (k) => `${k},${k % 2 ? 'p' : 'q'}`)}\n`) },
      label: 'y',
    },
    { features: { a: ['standardize'] } },
  );
  const model = await made.model();
  const without = (part: string) => ({
    ...model,
    manifest: { ...model.manifest, meta: { ...(model.manifest.meta as object), [part]: 'f'.repeat(64) } as never },
  });
  expect(await checkRegistration(bench.artifacts, without('examples'), 'birds')).toEqual({
    notChecked: 'the examples of its training are no longer in the store',
  });
  expect(
    await checkRegistration(
      bench.artifacts,
      { ...model, manifest: { ...model.manifest, meta: { ...(model.manifest.meta as object), output: { kind: 'samples' } } as never } },
      'birds',
    ),
  ).toEqual({ notChecked: expect.stringContaining('generator') });
});

it('raw rows are sent in every form in which a client may write them', async () => {
  const path = join(bench.dir, 'forms.parquet');
  await withDatabase((db) =>
    db.run(
      `COPY (SELECT [CAST(i % 3 AS DOUBLE), 2.5] AS list, CAST(i % 10 / 10.0 AS FLOAT) AS f, i % 2 = 0 AS flag, i AS y FROM range(300) t(i)) TO '${path}' (FORMAT parquet)`,
    ),
  );
  const made = await make(
    { source: { format: 'parquet', path: 'forms.parquet' }, label: 'y', columns: { y: 'number' } } as unknown as IngestConfig,
    { features: { list: ['oneHot'], f: [{ bucketize: { boundaries: [0.3, 0.7] } }], flag: [] } } as unknown as PreprocessConfig,
  );
  expect(await check(made)).toMatchObject({
    ways: [
      'as rows that were read from a parquet file',
      'as texts alone',
      'as plain JSON: lists and objects as such, numbers of 32 bits with all their digits',
    ],
  });
  // A model that does not know that the numbers had 32 bits puts 0.7 on the other side of its boundary.
  const forgetful: Change = ({ reading }) => {
    for (const column of reading.columns) delete column.float32;
  };
  await expect(check(made, forgetful)).rejects.toMatchObject({
    code: 'REGISTRATION_DIFFERS',
    message: expect.stringMatching(/sent as plain JSON.* its column "f"/s),
  });
  const cells = await make(
    {
      source: {
        format: 'csv',
        path: await bench.file('forms.csv', `n,y\n${lines(300, (k) => `${k % 5 ? k : '-999'},${k}`)}\n`),
        nullValues: ['', '-999'],
      },
      label: 'y',
      columns: { y: 'number' },
    } as unknown as IngestConfig,
    { features: { n: [{ impute: 'mean' }, 'standardize'] } } as unknown as PreprocessConfig,
  );
  expect(await check(cells)).toMatchObject({
    ways: [
      'as rows that were read from a csv file',
      'as the texts of their cells',
      expect.stringContaining('numbers among them as numbers'),
      'as texts alone',
    ],
  });
});
