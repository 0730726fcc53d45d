import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import fc from 'fast-check';
import type { JsonObject } from '../../../src/core/json.ts';
import type { Row, TensorBatch } from '../../../src/core/tensor.ts';
import { openExamples } from '../../../src/data/stored/examples.ts';
import { ingest } from '../../../src/data/ingest/ingest.ts';
import { preprocess } from '../../../src/data/preprocess/preprocess.ts';
import type { PreprocessConfig } from '../../../src/data/preprocess/preprocess-config.ts';
import { loadPreprocessor } from '../../../src/data/preprocess/preprocessor.ts';
import { previewExamples } from '../../../src/planning/preview-examples.ts';
import { SPLITS } from '../../../src/data/stored/dataset.ts';
import type { Preprocessor, Split } from '../../../src/data/stored/dataset.ts';
import { SeriesRuns, WindowCutter } from '../../../src/data/preprocess/series.ts';
import preprocessStep from '../../../activities/steps/preprocess.step.ts';
import { createBench, failure } from './support.ts';
import type { Bench } from './support.ts';

let bench: Bench;
beforeAll(async () => {
  bench = await createBench();
});
afterAll(() => bench.close());

const day = (index: number): string => new Date(Date.UTC(2024, 0, 1 + index)).toISOString().slice(0, 10);

interface Made {
  readonly notes: readonly string[];
  readonly ingestNotes: readonly string[];
  readonly rows: Record<Split, Row[]>;
  readonly preprocessor: Preprocessor;
  readonly json: JsonObject;
  readonly tensors: Record<Split, TensorBatch>;
}

let files = 0;
const ingestOf = async (head: string, lines: readonly string[]) => ({
  source: { format: 'csv', path: await bench.file(`s${(files += 1)}.csv`, `${head}\n${lines.join('\n')}\n`) },
  label: 'y',
  columns: { y: 'number' as const },
  split: { by: 'time' as const, column: 'd' },
});
const features = { features: { y: [] }, label: [] } as const;

async function make(head: string, lines: readonly string[], sequence: object): Promise<Made> {
  const ingested = await ingest(bench.context(), await ingestOf(head, lines));
  const made = await preprocess(bench.context(), { ...features, sequence } as unknown as PreprocessConfig, ingested.outputs.dataset!);
  const examples = await openExamples(await bench.open(made.outputs.examples));
  const json = JSON.parse(JSON.stringify(await examples.preprocessorJson())) as JsonObject;
  const tensors = Object.fromEntries(
    SPLITS.map((split) => {
      const reader = examples.reader(split);
      const batch = reader.read(0, reader.rows);
      reader.close();
      return [split, batch];
    }),
  ) as Record<Split, TensorBatch>;
  return {
    notes: made.values!.warnings as string[],
    ingestNotes: [JSON.stringify(ingested)],
    rows: await bench.rows(ingested.outputs.dataset),
    preprocessor: loadPreprocessor(json),
    json,
    tensors,
  };
}

/** Shop A has small numbers, shop B large ones; both every day. */
const shops = (days: number): string[] =>
  Array.from({ length: days }, (_, at) => [`${day(at)},A,${at}`, `${day(at)},B,${1000 + at}`]).flat();

describe('several series in one table', () => {
  test('are refused without a key, with the column that tells them apart', async () => {
    const found = await failure(make('d,shop,y', shops(40), { size: 3, horizon: 1, by: 'd' }));
    expect(found).toMatchObject({
      code: 'DATA_INVALID',
      message:
        'sequence.by: 40 moments of "d" stand in more than one row (80 of 80 rows): 2024-01-01, 2 rows; 2024-01-02, 2 rows; 2024-01-03, 2 rows; ….',
    });
    expect(found.hint).toContain('"key": "shop"');
    // `plan` finds the same, in the preprocess step.
    const stages: string[] = [];
    const planned = await failure(
      previewExamples(
        await ingestOf('d,shop,y', shops(40)),
        { ...features, sequence: { size: 3, horizon: 1, by: 'd' } },
        bench.dir,
        undefined,
        undefined,
        (stage) => stages.push(stage),
      ),
    );
    expect(planned.message).toBe(found.message);
    expect(stages.at(-1)).toBe('preprocess');
  });

  test('rows that are there twice with all their values are said', async () => {
    const lines = Array.from({ length: 40 }, (_, at) => `${day(at)},A,${at}`);
    const found = await failure(make('d,shop,y', [...lines, lines[3]!, lines[7]!], { size: 3, horizon: 1, by: 'd' }));
    expect(found.message).toContain(
      '2 moments of "d" stand in more than one row (4 of 42 rows): 2024-01-04, 2 rows; 2024-01-08, 2 rows. 2 rows repeat another with all values.',
    );
    expect(found.hint).toContain('Give each moment once');
    const keyed = await failure(make('d,shop,y', [...lines, `${day(3)},A,7`], { size: 3, horizon: 1, by: 'd', key: 'shop' }));
    expect(keyed.message).toContain(
      '1 moment of "d" stands in more than one row of one series (2 of 41 rows): 2024-01-04 (shop "A"), 2 rows',
    );
  });

  test('a key keeps windows and labels within a series, over batches and splits; short series are left out and told', async () => {
    const made = await make('d,shop,y', [...shops(40), `${day(2)},C,7`, `${day(3)},C,8`], { size: 3, horizon: 2, by: 'd', key: 'shop' });
    expect(made.notes).toEqual([expect.stringContaining('1 of 3 series has fewer than 5 rows and no window: shop "C" (2).')]);
    let windows = 0;
    for (const split of SPLITS) {
      const { features: inputs, '@label': label } = made.tensors[split];
      windows += inputs!.rows;
      for (let row = 0; row < inputs!.rows; row += 1) {
        const [a, b, c] = inputs!.data.slice(3 * row, 3 * row + 3);
        expect([b, c, label!.data[row]]).toEqual([a! + 1, a! + 2, a! + 4]);
      }
    }
    expect(windows).toBe(2 * (40 - 4));
    // Moments are not divided between splits, and later splits lack no window.
    expect(made.tensors.test.features!.rows).toBe(made.rows.test.length);
    expect(made.json['sequence']).toEqual({
      size: 3,
      horizon: 2,
      by: 'd',
      byType: 'timestamp',
      key: [{ name: 'shop', type: 'string' }],
      gap: 1.5 * 86_400_000,
    });
  });

  test('several columns name a series', async () => {
    const lines = shops(40).flatMap((line) => [
      line.replace(/,([AB]),(\d+)/, ',$1,x,$2'),
      line.replace(/,([AB]),(\d+)/, (_, shop: string, value: string) => `,${shop},1,${Number(value) + 5000}`),
    ]);
    const found = await failure(make('d,shop,part,y', lines, { size: 3, horizon: 1, by: 'd', key: 'shop' }));
    expect(found.message).toContain('(shop "A"), 2 rows');
    const hint = await failure(make('d,shop,part,y', lines, { size: 3, horizon: 1, by: 'd' }));
    expect(hint.hint).toContain('"key": ["shop","part"]');
    const made = await make('d,shop,part,y', lines, { size: 3, horizon: 1, by: 'd', key: ['shop', 'part'] });
    expect(made.tensors.train.features!.rows + made.tensors.validation.features!.rows + made.tensors.test.features!.rows).toBe(4 * 37);
  });

  test.each([
    [{ key: 'd' }, 'CONFIG_INVALID', 'cannot name their series'],
    [{ key: 'nowhere' }, 'COLUMN_MISSING', 'nowhere'],
    [{ key: 'shop', gap: 3 }, 'CONFIG_INVALID', 'holds timestamps'],
  ])('%j is refused', async (wrong, code, message) => {
    expect(await failure(make('d,shop,y', shops(20), { size: 3, horizon: 1, by: 'd', ...wrong }))).toMatchObject({
      code,
      message: expect.stringContaining(message) as string,
    });
  });

  test('a missing key is refused with its rows', async () => {
    expect(await failure(make('d,shop,y', [...shops(20), `${day(30)},,5`], { size: 3, horizon: 1, by: 'd', key: 'shop' }))).toMatchObject({
      code: 'DATA_INVALID',
      message: expect.stringContaining('missing in 1 of 41 rows') as string,
    });
  });
});

describe('gaps', () => {
  /** 60 days without 20 to 24 and 40. */
  const holed = Array.from({ length: 60 }, (_, at) => at)
    .filter((at) => !(at >= 20 && at < 25) && at !== 40)
    .map((at) => `${day(at)},${at}`);
  const spans = (made: Made): number[] =>
    SPLITS.flatMap((split) => {
      const { features: inputs, '@label': label } = made.tensors[split];
      return Array.from({ length: inputs!.rows }, (_, row) => label!.data[row]! - inputs!.data[row * 4]!);
    });

  test('are found by the usual step and never bridged', async () => {
    const made = await make('d,y', holed, { size: 4, horizon: 1, by: 'd' });
    expect(spans(made).every((span) => span === 4)).toBe(true);
    expect(spans(made)).toHaveLength(54 - 4 - 4 - 4);
    expect(made.notes).toEqual([
      'sequence.gap: "d" has 2 gaps (more than 1.5d between rows; the usual step is 1d), first 2024-01-20 to 2024-01-26; 2024-02-09 to 2024-02-11. 8 windows that would span one are left out; "gap" says how much time may lie between rows that follow each other.',
    ]);
    const preview = await previewExamples(
      await ingestOf('d,y', holed),
      { ...features, sequence: { size: 4, horizon: 1, by: 'd' } },
      bench.dir,
    );
    expect(preview.notes).toEqual(made.notes);
  });

  test('a length that is given is the rule', async () => {
    const made = await make('d,y', holed, { size: 4, horizon: 1, by: 'd', gap: '2d' });
    expect(spans(made)).toHaveLength(54 - 4 - 4);
    expect((await make('d,y', holed, { size: 4, horizon: 1, by: 'd', gap: '2w' })).notes).toEqual([]);
  });

  test('series have rhythms of their own, and irregular ones no gap unless it is given', async () => {
    const weekly = Array.from({ length: 30 }, (_, at) => `${day(7 * at)},W,${at}`);
    const daily = Array.from({ length: 200 }, (_, at) => `${day(at)},D,${at}`);
    const made = await make('d,s,y', [...weekly, ...daily], { size: 3, horizon: 1, by: 'd', key: 's' });
    expect(made.notes).toEqual([]);
    expect(made.json['sequence']).toMatchObject({ gap: 1.5 * 86_400_000, gaps: { W: 10.5 * 86_400_000 } });
    const odd = Array.from({ length: 60 }, (_, at) => `${day(Math.round(at + at * at * 0.4))},${at}`);
    const irregular = await make('d,y', odd, { size: 3, horizon: 1, by: 'd' });
    expect(irregular.notes).toEqual([
      expect.stringMatching(/the steps of "d" are irregular: the most frequent one, .* makes \d+ %\. No gap is told apart there/),
    ]);
    expect(irregular.json['sequence']).toMatchObject({ gap: null });
  });

  test('where nothing is left, the message names them', async () => {
    const pairs = Array.from({ length: 60 }, (_, at) => `${day(Math.floor(at / 3) * 7 + (at % 3))},${at}`);
    const found = await failure(make('d,y', pairs, { size: 4, horizon: 1, by: 'd' }));
    expect(found).toMatchObject({
      code: 'SPLIT_INVALID',
      message: expect.stringContaining('and 19 gaps (2024-01-03 to 2024-01-08; ') as string,
      hint: expect.stringContaining('"gap"') as string,
    });
  });

  test('a source that is not in order is sorted, and that is said', async () => {
    const lines = holed.slice(0, 20);
    const made = await make('d,y', [...lines.slice(10), ...lines.slice(0, 10)], { size: 2, horizon: 1, by: 'd' });
    expect(made.ingestNotes.join()).toContain(
      'The source is not in the order of \\"d\\": 1 of 20 rows are earlier than the row before, the first is row 11.',
    );
    expect(made.tensors.train.features!.data.slice(0, 3)).toEqual(Float32Array.of(0, 1, 1));
  });
});

describe('a request', () => {
  test('is cut as the training rows were', async () => {
    const made = await make('d,shop,y', shops(40), { size: 3, horizon: 1, by: 'd', key: 'shop' });
    const rows = JSON.parse(JSON.stringify(made.rows.test)) as Row[];
    const { ends, keys, tensors } = await made.preprocessor.series!.windows(rows);
    expect(Array.from(ends, (end) => keys![end])).toEqual(Array.from(ends, (_, at) => (at % 2 === 0 ? 'A' : 'B')));
    Array.from(ends).forEach((end, at) => {
      const last = rows[end]!['y'] as number;
      expect(Array.from(tensors.features!.data.slice(3 * at, 3 * at + 3))).toEqual([last - 2, last - 1, last]);
    });
    const gapped = rows.filter((row) => row['d'] !== rows[6]!['d']);
    expect((await made.preprocessor.series!.windows(gapped)).gaps).toBe(2);
    expect(await failure(made.preprocessor.apply([...rows, rows.at(-1)!]))).toMatchObject({
      code: 'DATA_INVALID',
      message: expect.stringContaining('is there twice in this series') as string,
    });
    expect(await failure(made.preprocessor.apply(rows.map(({ shop: _shop, ...row }) => row)))).toMatchObject({
      code: 'DATA_INVALID',
      message: expect.stringContaining('which series the row belongs to') as string,
    });
    expect(await failure(made.preprocessor.apply(rows.slice(0, 4)))).toMatchObject({
      message: expect.stringContaining('None of the 4 rows ends a window of 3 rows') as string,
    });
  });

  test('a model from before there was a rule reads as it did', async () => {
    const made = await make(
      'd,y',
      Array.from({ length: 30 }, (_, at) => `${day(at)},${at}`),
      { size: 3, horizon: 1, by: 'd' },
    );
    const { gap: _gap, ...sequence } = made.json['sequence'] as JsonObject;
    const old = loadPreprocessor({ ...made.json, sequence });
    const rows = [0, 1, 9, 9].map((at) => ({ d: day(at), y: at }));
    expect((await old.apply(rows)).features!.rows).toBe(2);
    expect(old.columns.map(({ name }) => name)).toEqual(['y']);
    expect(await old.apply([...rows].reverse().sort((a, b) => b.y - a.y))).toEqual(await old.apply(rows));
  });
});

test('no window holds two series or spans a gap, and a request of all rows has the windows of training', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 4, maxLength: 40 }), { minLength: 1, maxLength: 4 }),
      fc.integer({ min: 1, max: 3 }),
      fc.integer({ min: 1, max: 2 }),
      fc.boolean(),
      async (random, size, horizon, integers) => {
        // The first series is long and regular, so that every split has a window.
        const steps = [Array.from({ length: 60 }, () => 1), ...random];
        const lines = steps.flatMap((own, series) => {
          let at = series;
          return own.map((step) => `${day((at += step))},${integers ? series : `k${series}`},${1000 * series + at}`);
        });
        const made = await make('d,k,y', lines, { size, horizon, by: 'd', key: 'k', gap: '2d' });
        const expected =
          lines.length === 0
            ? []
            : steps.flatMap((own, series) => {
                const places = own.reduce<number[]>((list, step) => [...list, (list.at(-1) ?? series) + step], []);
                return places
                  .map((_, at) => places.slice(Math.max(0, at - size - horizon + 1), at + 1))
                  .filter((all) => all.length === size + horizon && all.every((place, at) => at === 0 || place - all[at - 1]! <= 2))
                  .map((all) =>
                    all
                      .map((place) => 1000 * series + place)
                      .filter((_, at) => at < size || at === size + horizon - 1)
                      .join(),
                  );
              });
        const found = SPLITS.flatMap((split) =>
          Array.from({ length: made.tensors[split].features!.rows }, (_, row) =>
            [...made.tensors[split].features!.data.slice(row * size, (row + 1) * size), made.tensors[split]['@label']!.data[row]!].join(),
          ),
        );
        expect([...found].sort()).toEqual([...expected].sort());
        const served = await made.preprocessor.apply(JSON.parse(JSON.stringify(SPLITS.flatMap((split) => made.rows[split]))) as Row[]);
        const windows = new Set(
          Array.from({ length: served.features!.rows }, (_, row) => served.features!.data.slice(row * size, (row + 1) * size).join()),
        );
        for (const window of found) expect(windows.has(window.split(',').slice(0, size).join())).toBe(true);
      },
    ),
    { numRuns: 12 },
  );
});

test('windows of batches are those of all rows at once, whatever the batches', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 3 })), { maxLength: 60 }),
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 0, max: 3 }),
      fc.integer({ min: 1, max: 20 }),
      (random, size, horizon, batch) => {
        const sequence = { size, horizon, by: 't', key: [{ name: 'k', type: 'string' as const }], gap: 4 };
        let now = 0;
        const rows = random.map(([key, step], at) => ({ key: String(key), time: (now += step + 1), value: at }));
        const cut = (parts: (typeof rows)[]) => {
          const runs = new SeriesRuns(sequence, 'number');
          const cutter = new WindowCutter(size, horizon);
          return parts.flatMap((part) => {
            const keys = part.map(({ key }) => key);
            const tensor = {
              spec: { name: 'v', shape: [2], dtype: 'float32' as const },
              rows: part.length,
              data: Float32Array.from(part.flatMap(({ value }) => [value, -value])),
            };
            const { windows, rows: ends } = cutter.cut(
              { v: tensor },
              keys,
              runs.add(
                keys,
                Float64Array.from(part, ({ time }) => time),
                part.length,
              ),
            );
            return Array.from(
              ends,
              (end, at) => `${part[end]!.value}: ${windows['v']!.data.slice(at * size * 2, (at + 1) * size * 2).join()}`,
            );
          });
        };
        const batches = Array.from({ length: Math.ceil(rows.length / batch) }, (_, at) => rows.slice(at * batch, (at + 1) * batch));
        expect(cut(batches)).toEqual(cut([rows]));
      },
    ),
  );
});

test('a model that is gone on with keeps its key and its gap', async () => {
  const first = await make('d,shop,y', shops(40), { size: 3, horizon: 1, by: 'd', key: 'shop', gap: '3d' });
  const again = async (config: object, lines = shops(30)) => {
    const { outputs } = await ingest(bench.context(), await ingestOf('d,shop,y', lines));
    const made = await preprocess(bench.context(), config, outputs.dataset!, {
      text: 'shops version 1',
      preprocessor: first.json,
    });
    return (await openExamples(await bench.open(made.outputs.examples))).preprocessorJson();
  };
  expect(await again({ from: { model: 'shops' } })).toEqual(first.json);
  const sequence = { size: 3, by: 'd', key: 'shop' };
  expect(await again({ from: { model: 'shops', onMissing: 'fit' }, ...features, sequence: { ...sequence, gap: '72h' } })).toEqual(
    first.json,
  );
  expect(
    await failure(again({ from: { model: 'shops', onMissing: 'fit' }, ...features, sequence: { ...sequence, gap: '1d' } })),
  ).toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringMatching(/^sequence: the document says .*, shops version 1 has /) as string,
  });
  expect(
    await failure(again({ from: { model: 'shops', onMissing: 'fit' }, ...features, sequence: { ...sequence, key: ['shop', 'd'] } })),
  ).toMatchObject({ code: 'CONFIG_INVALID' });
});

test('what the document alone shows to be wrong is said before the run', () => {
  const pointers = (key: string | string[], ingested: object = {}) =>
    preprocessStep.check!(
      { sequence: { size: 3, horizon: 1, by: 'd', key } },
      {
        pipeline: 'p',
        before: [{ id: 'ingest', type: 'ingest', config: { split: { by: 'time', column: 'd' }, ...ingested } }],
        after: [],
      },
    ).map(({ pointer, message }) => `${pointer} ${message}`);
  expect(pointers('shop')).toEqual([]);
  expect(pointers('d')).toEqual(['/sequence/key "d" orders the rows; it cannot name their series as well.']);
  expect(pointers(['shop'], { exclude: ['shop'] })).toEqual(['/sequence/key The ingest step leaves "shop" out.']);
  expect(pointers(['shop'], { label: 'shop' })).toEqual([
    '/sequence/key "shop" is the label; what is to be predicted cannot say which series a row belongs to.',
  ]);
});
