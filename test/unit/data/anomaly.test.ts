import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Row } from '../../../src/core/tensor.ts';
import { ANOMALY, openExamples } from '../../../src/data/stored/examples.ts';
import type { Examples } from '../../../src/data/stored/examples.ts';
import { ingest } from '../../../src/data/ingest/ingest.ts';
import type { IngestConfig } from '../../../src/data/ingest/ingest-config.ts';
import { preprocess } from '../../../src/data/preprocess/preprocess.ts';
import type { PreprocessConfig } from '../../../src/data/preprocess/preprocess-config.ts';
import { previewExamples } from '../../../src/planning/preview-examples.ts';
import { SPLITS } from '../../../src/data/stored/dataset.ts';
import type { DatasetProfile, Split } from '../../../src/data/stored/dataset.ts';
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
  readonly rows: Record<Split, Row[]>;
  readonly files: readonly string[];
  readonly profile: DatasetProfile;
}

async function make(text: string, config: PreprocessConfig, ingestion: Partial<IngestConfig> = {}): Promise<Made> {
  const path = await bench.file(`anomaly${(files += 1)}.csv`, text);
  const { outputs } = await ingest(bench.context(), { source: { format: 'csv', path }, split: { by: 'random' }, ...ingestion });
  const made = await preprocess(bench.context(), config, outputs.dataset!);
  const artifact = await bench.open(made.outputs.examples);
  const rows = await bench.rows(outputs.dataset);
  return {
    examples: await openExamples(artifact),
    rows,
    files: Object.keys(artifact.manifest.files),
    profile: await artifact.json<DatasetProfile & null>('profile.json'),
  };
}

const lines = (count: number, line: (index: number) => string): string =>
  `${Array.from({ length: count }, (_, index) => line(index)).join('\n')}\n`;
/** Anomalies have an x far off; every fifth row is one. */
const odd = (k: number): boolean => k % 5 === 2;
const table = (count = 120): string =>
  `x,status,fine,code\n${lines(count, (k) => `${odd(k) ? 1000 + k : k},${odd(k) ? ['broken', 'lost'][k % 2]! : 'ok'},${!odd(k)},${odd(k) ? 7 : k % 3}`)}`;
const features: PreprocessConfig['features'] = { x: ['standardize'] };

describe.each<[string, PreprocessConfig['anomaly']]>([
  ['values of a text', { column: 'status', values: ['broken', 'lost'] }],
  ['the normal values of a text', { column: 'status', normal: ['ok'] }],
  ['true and false', { column: 'fine', values: [false] }],
  ['whole numbers', { column: 'code', values: ['7'] }],
])('anomalies by %s', (_title, anomaly) => {
  test('are in no training or validation example, and marked in the test examples', async () => {
    const { examples, rows } = await make(table(), { features, anomaly: anomaly! });
    const isOdd = (row: Row): boolean => row.status !== 'ok';
    for (const split of ['train', 'validation'] as const)
      expect(examples.meta.splits[split].rows).toBe(rows[split].filter((row) => !isOdd(row)).length);
    expect(examples.meta.splits.test.rows).toBe(rows.test.length);
    const batch = examples.reader('test').read(0, rows.test.length);
    expect([...batch[ANOMALY]!.data]).toEqual(rows.test.map((row) => Number(isOdd(row))));
    expect(examples.meta.anomaly).toMatchObject({
      rows: {
        train: rows.train.filter(isOdd).length,
        validation: rows.validation.filter(isOdd).length,
        test: rows.test.filter(isOdd).length,
      },
    });
  });
});

test('no label leaks: training and validation hold inputs alone, and what is learned comes from normal rows', async () => {
  const {
    examples,
    rows,
    files: written,
    profile,
  } = await make(table(), { features, anomaly: { column: 'status', normal: ['ok'] } }, { label: 'status' });
  expect(examples.meta.output).toEqual({ kind: 'none', name: '' });
  expect(written.filter((file) => file.includes('@label')).every((file) => file.startsWith('test/'))).toBe(true);
  for (const split of ['train', 'validation'] as const) expect(Object.keys(examples.reader(split).read(0, 1))).toEqual(['features']);
  const normal = rows.train.filter((row) => row.status === 'ok').map((row) => row.x as number);
  const mean = normal.reduce((sum, x) => sum + x, 0) / normal.length;
  const column = profile.columns.find(({ name }) => name === 'x')!;
  expect(column.number!.mean).toBeCloseTo(mean, 9);
  expect(column.number!.max).toBeLessThan(1000);
  const train = examples.reader('train').read(0, normal.length).features!.data;
  expect([...train].reduce((sum, x) => sum + x, 0) / train.length).toBeCloseTo(0, 4);
});

test('automatic features leave the column out', async () => {
  const { examples } = await make(table(), { anomaly: { column: 'status', normal: ['ok'] } });
  const preprocessor = (await examples.preprocessorJson()) as unknown as { columns: { name: string }[] };
  expect(preprocessor.columns.map(({ name }) => name)).not.toContain('status');
});

test('a window is an anomaly where any of its rows is one, and stands for its last row', async () => {
  const series = `at,x,status\n${lines(100, (k) => `2024-01-01T${String(Math.floor(k / 60)).padStart(2, '0')}:${String(k % 60).padStart(2, '0')}:00Z,${k},${[20, 70, 95].includes(k) ? 'bad' : 'ok'}`)}`;
  const split: IngestConfig['split'] = { train: 0.6, validation: 0.2, test: 0.2, by: 'time', column: 'at' };
  const { examples } = await make(
    series,
    {
      features: { x: [] },
      sequence: { size: 4, by: 'at' } as PreprocessConfig['sequence'] & object,
      anomaly: { column: 'status', values: ['bad'] },
    },
    { split },
  );
  // 57 full windows end in the first 60 rows, four of them over row 20; the windows of rows 60 to 79 reach back, four hold row 70.
  expect(SPLITS.map((name) => examples.meta.splits[name].rows)).toEqual([53, 16, 20]);
  const test = examples.reader('test').read(0, 20);
  expect([...test[ANOMALY]!.data]).toEqual(Array.from({ length: 20 }, (_, k) => Number(80 + k >= 95 && 80 + k <= 98)));
  expect([...test.features!.data.slice(0, 4)]).toEqual([77, 78, 79, 80]);
});

test('the preview of a plan knows the same inputs and no label', async () => {
  const path = await bench.file('preview-anomaly.csv', table());
  const preview = await previewExamples(
    { source: { format: 'csv', path }, label: 'status' },
    { features, anomaly: { column: 'status', normal: ['ok'] } },
    bench.dir,
  );
  expect(preview).toMatchObject({ output: { kind: 'none' }, inputs: [{ name: 'features', shape: [1] }] });
});

const only = (status: (index: number) => string): string => `x,status\n${lines(60, (k) => `${k},${status(k)}`)}`;

test.each<[string, string, PreprocessConfig, string, RegExp]>([
  ['a column that is not there', table(), { features, anomaly: { column: 'state', values: ['bad'] } }, 'COLUMN_MISSING', /state/],
  [
    'a value that no row has',
    table(),
    { features, anomaly: { column: 'status', values: ['brokn'] } },
    'CONFIG_INVALID',
    /no row has the value "brokn" in "status". There is: "broken", "lost", "ok"/,
  ],
  [
    'a value of another type',
    table(),
    { features, anomaly: { column: 'code', values: ['seven'] } },
    'CONFIG_INVALID',
    /"seven" is no value of the column "code"/,
  ],
  [
    'nothing but anomalies',
    only(() => 'bad'),
    { features, anomaly: { column: 'status', values: ['bad'] } },
    'SPLIT_INVALID',
    /all 4\d rows of the train split are anomalies/,
  ],
  [
    'no anomaly in the test split',
    only((k) => (k === 0 ? 'bad' : 'ok')),
    { features, anomaly: { column: 'status', values: ['bad'] } },
    'SPLIT_INVALID',
    /none of the \d+ rows of the test split are anomalies/,
  ],
  [
    'rows that do not say what they are',
    only((k) => ['', 'ok', 'bad'][k % 3]!),
    { features, anomaly: { column: 'status', values: ['bad'] } },
    'LABEL_INVALID',
    /have no "status"/,
  ],
  [
    'the answer among the features',
    table(),
    { features: { x: [], code: [] }, anomaly: { column: 'code', values: [7] } },
    'CONFIG_INVALID',
    /finds nothing/,
  ],
  [
    'a scaled label',
    table(),
    { features, label: ['standardize'], anomaly: { column: 'status', normal: ['ok'] } },
    'CONFIG_INVALID',
    /treats a label/,
  ],
])('refuses %s', async (_title, text, config, code, message) => {
  const ingestion: Partial<IngestConfig> =
    code === 'SPLIT_INVALID' && message.source.startsWith('none')
      ? { split: { by: 'time', column: 'x', train: 0.7, validation: 0.1, test: 0.2 }, columns: { x: 'integer' } }
      : {};
  expect(await failure(make(text, config, ingestion))).toMatchObject({ code, message: expect.stringMatching(message) as string });
});
