import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { Prng } from '../../../src/core/prng.ts';
import type { IngestConfig } from '../../../src/data/ingest/ingest-config.ts';
import { unseenRows } from '../../../src/data/ingest/unseen-rows.ts';
import { readRows } from '../../../src/data/stored/dataset-rows.ts';
import { SPLITS } from '../../../src/data/stored/dataset.ts';
import type { EvaluationReport } from '../../../src/evaluation/step/report.ts';
import { knownRowsOf } from '../../../src/registry/append-base.ts';
import { createRegistry } from '../../../src/registry/registry.ts';
import { createArtifactStore } from '../../../src/storage/artifact-store.ts';
import { MemoryStore } from '../../../src/storage/memory-store.ts';
import { runSteps } from '../../support/run-steps.ts';
import { tempDir } from '../../support/temp-dir.ts';

let dir: string;
let store: MemoryStore;
let artifacts: ReturnType<typeof createArtifactStore>;

beforeEach(() => {
  dir = tempDir('growing');
  store = new MemoryStore();
  artifacts = createArtifactStore(store, join(dir, 'cache'));
});

const PER_DAY = 40;
const dayOf = (day: number): string => new Date(Date.UTC(2026, 0, 1 + day)).toISOString();

interface Row {
  readonly time: string;
  readonly known: string;
  readonly x: string;
  readonly kind: string;
}

/** Rows of each day at noon, known an hour later unless said otherwise. The same rows whatever the number of days. */
function rowsOf(days: number): Row[] {
  const prng = new Prng('growing');
  return Array.from({ length: days * PER_DAY }, (_, row) => {
    const day = Math.floor(row / PER_DAY);
    const kind = row % 2;
    return {
      time: new Date(Date.UTC(2026, 0, 1 + day, 12)).toISOString(),
      known: new Date(Date.UTC(2026, 0, 1 + day, 13)).toISOString(),
      x: (kind * 2 + 0.4 * prng.normal()).toFixed(5),
      kind: 'ab'[kind]!,
    };
  });
}

function write(rows: readonly Row[]): void {
  writeFileSync(
    join(dir, 'rows.csv'),
    `time,known,x,kind\n${rows.map(({ time, known, x, kind }) => `${time},${known},${x},${kind}`).join('\n')}\n`,
  );
}

const ingestConfig = (growth: object): IngestConfig => ({
  source: { format: 'csv', path: 'rows.csv' },
  label: 'kind',
  split: { train: 0.6, validation: 0.2, test: 0.2, by: 'hash' },
  ...growth,
});
const ingestStep = (growth: object): object => ({ uses: 'ingest', with: ingestConfig(growth) });

const documentOf = (growth: object): unknown => ({
  apiVersion: 'perennial/v1',
  name: 'flow',
  steps: [
    ingestStep(growth),
    { uses: 'preprocess', with: { from: { model: 'flow', version: 'champion', onMissing: 'fit' }, features: { x: ['standardize'] } } },
    {
      uses: 'train',
      with: {
        model: { from: { model: 'flow', version: 'champion' }, onMissing: { architecture: 'mlp', units: [4] } },
        learningRate: 0.01,
        epochs: 2,
      },
    },
    {
      uses: 'evaluate',
      with: { metrics: ['accuracy'], gates: [{ metric: 'accuracy', notWorseThanChampionBy: 0.3 }], comparison: { minimumRows: 5 } },
    },
    { uses: 'register', with: {} },
  ],
});

const run = (id: string, nominalTime: string, growth: object): ReturnType<typeof runSteps> =>
  runSteps({ dir, store, artifacts }, id, documentOf(growth), { nominalTime });

/** A run of the first step alone. */
const ingestOnly = (id: string, nominalTime: string, growth: object): ReturnType<typeof runSteps> =>
  runSteps({ dir, store, artifacts }, id, { apiVersion: 'perennial/v1', name: 'flow', steps: [ingestStep(growth)] }, { nominalTime });

async function times(ref: { readonly digest: string }): Promise<string[]> {
  const dataset = await artifacts.open(ref);
  const all: string[] = [];
  for (const split of SPLITS) for await (const rows of readRows(dataset, split)) all.push(...rows.map((row) => String(row['x'])));
  return all.sort();
}

const reportOf = async (run: Awaited<ReturnType<typeof runSteps>>): Promise<EvaluationReport> =>
  (await (await artifacts.open(run.evaluate!.outputs.evaluation!)).json('evaluation.json')) as unknown as EvaluationReport;

const TIME = { time: { column: 'time', knownAt: 'known' } };

test('append with fine-tuning, night after night: only what the champion has not seen, however late it came; then nothing new', async () => {
  const registry = createRegistry(store, artifacts);
  const growth = { mode: 'append', ...TIME };
  write(rowsOf(5));
  const first = await run('first', dayOf(5), growth);
  expect(first.ingest!.values).toMatchObject({ rows: 5 * PER_DAY });
  expect(first.ingest!.log.join()).toContain('all rows are new');
  await registry.promote('flow', 1, { who: 'test', why: 'test' });

  // One row of the first day arrives two days later.
  const all = rowsOf(7);
  const late = { time: dayOf(0), known: dayOf(6), x: '0.123', kind: 'a' };
  write([...all, late]);
  const second = await run('second', dayOf(7), growth);
  expect(second.ingest!.values).toMatchObject({ rows: 2 * PER_DAY + 1, newRows: 2 * PER_DAY + 1, seenRows: 5 * PER_DAY });
  expect(await times(second.ingest!.outputs.dataset!)).toEqual(
    [...all.slice(5 * PER_DAY).map(({ x }) => String(Number(x))), '0.123'].sort(),
  );
  expect(second.train!.values).toMatchObject({ base: { version: 1 } });
  // Neither side has seen the rows that both are judged on.
  const { champion } = await reportOf(second);
  expect(champion).toMatchObject({ version: 1, rows: second.ingest!.values!['testRows'], fair: { seenByChampion: 0, seenByThis: 0 } });
  await registry.promote('flow', 2, { who: 'test', why: 'test' });

  // A third night: the chain of both datasets is known, not only the last.
  write([...rowsOf(8), late]);
  const third = await run('third', dayOf(8), growth);
  expect(third.ingest!.values).toMatchObject({ newRows: PER_DAY, seenRows: 7 * PER_DAY + 1 });
  await registry.promote('flow', 3, { who: 'test', why: 'test' });

  // What counts new rows knows the whole chain, and only what is known by then.
  const serving = await registry.version('flow', 'champion');
  const count = async (day: number): Promise<number> => {
    const request = { config: ingestConfig(growth), documentDir: dir, nominalTime: dayOf(day) };
    return (await unseenRows(await artifacts.open({ digest: serving.dataset! }), await knownRowsOf(artifacts, serving), request)).unseen;
  };
  expect(await count(9)).toBe(0);
  write([...rowsOf(10), late]);
  expect([await count(8), await count(9), await count(10)]).toEqual([0, PER_DAY, 2 * PER_DAY]);
  const few = { time: dayOf(8), known: dayOf(8), x: '0.7', kind: 'a' };
  write([...rowsOf(8), late, few]);
  expect((await ingestOnly('few', dayOf(9), growth)).ingest!.nothingNew).toMatch(
    /^flow version 3 has seen all but 1 of 322 rows, which are too few to be divided and wait for others \(The (train|validation|test) split is empty: 1 rows/,
  );
  write([...rowsOf(8), late]);

  const fourth = await ingestOnly('fourth', dayOf(9), growth);
  expect(fourth.ingest).toMatchObject({ outputs: {}, nothingNew: `of ${8 * PER_DAY + 1} rows flow version 3 has seen all` });

  // A backfill of the second night appends to what there was then, and finds the same rows, though the champion of now has seen all.
  const again = await ingestOnly('again', dayOf(7), growth);
  expect(again.ingest!.values).toMatchObject({ newRows: 2 * PER_DAY + 1, seenRows: 5 * PER_DAY });
  expect(await times(again.ingest!.outputs.dataset!)).toEqual(await times(second.ingest!.outputs.dataset!));
});

test('rows that were never promoted are learnt from again, unless the document appends to the newest version', async () => {
  const growth = { mode: 'append', ...TIME };
  write(rowsOf(4));
  await run('first', dayOf(4), growth);
  await createRegistry(store, artifacts).promote('flow', 1, { who: 'test', why: 'test' });
  write(rowsOf(6));
  await run('second', dayOf(6), growth);
  write(rowsOf(7));
  expect((await ingestOnly('a', dayOf(7), growth)).ingest!.values).toMatchObject({ newRows: 3 * PER_DAY });
  expect((await ingestOnly('b', dayOf(7), { ...growth, append: { since: 'latest' } })).ingest!.values).toMatchObject({ newRows: PER_DAY });
  expect((await ingestOnly('c', dayOf(7), { ...growth, append: { since: 'latest', rowsMin: PER_DAY + 1 } })).ingest!.nothingNew).toBe(
    `of ${7 * PER_DAY} rows flow version 2 has seen all but ${PER_DAY}, and "append.rowsMin" asks for ${PER_DAY + 1}`,
  );
  const whole = await ingestOnly('d', dayOf(7), { ...growth, append: { splits: ['train', 'validation'] } });
  const old = await ingestOnly('e', dayOf(7), TIME);
  expect(whole.ingest!.values!['testRows']).toBe(old.ingest!.values!['testRows']);
  expect(whole.ingest!.values!['trainRows']).toBeLessThan(old.ingest!.values!['trainRows'] as number);
});

test('a night in which all rows are of one class goes on all the same, with the classes that the champion knows', async () => {
  const growth = { mode: 'append', ...TIME };
  write(rowsOf(4));
  await run('first', dayOf(4), growth);
  await createRegistry(store, artifacts).promote('flow', 1, { who: 'test', why: 'test' });
  write([
    ...rowsOf(4),
    ...rowsOf(7)
      .slice(4 * PER_DAY)
      .filter(({ kind }) => kind === 'a'),
  ]);
  const second = await run('second', dayOf(7), growth);
  expect(second.ingest!.values).toMatchObject({ newRows: (3 * PER_DAY) / 2 });
  expect(second.register!.values).toMatchObject({ version: 2 });
});

test('only what was known at the nominal time takes part; what is left out is said', async () => {
  const ahead = { time: '2031-05-01T00:00:00Z', known: dayOf(1), x: '9', kind: 'a' };
  const late = { time: dayOf(0), known: '2026-01-20T00:00:00+02:00', x: '8', kind: 'b' };
  const skewed = { time: '2026-01-02T12:00:00Z', known: '2026-01-02T11:00:00Z', x: '7', kind: 'a' };
  write([...rowsOf(10), ahead, late, skewed]);
  const then = await ingestOnly('then', dayOf(3), TIME);
  expect(then.ingest!.values).toMatchObject({ rows: 3 * PER_DAY + 1, notKnownYet: 7 * PER_DAY + 2 });
  const said = then.ingest!.log.join('\n');
  expect(said).toContain(
    `${7 * PER_DAY + 1} rows lie after the nominal time 2026-01-04T00:00:00.000Z by "time" (the first at 2026-01-04T12:00:00.000Z, the last at 2031-05-01T00:00:00.000Z)`,
  );
  expect(said).toContain(
    '1 row lies before the nominal time 2026-01-04T00:00:00.000Z and arrived after it by "known" (the first at 2026-01-19T22:00:00.000Z)',
  );
  expect(said).toContain('1 row was known by "known" before it happened by "time"');
  // The same backfill with a source that has grown is the same data.
  write([...rowsOf(12), ahead, late, skewed]);
  expect(await times((await ingestOnly('later', dayOf(3), TIME)).ingest!.outputs.dataset!)).toEqual(
    await times(then.ingest!.outputs.dataset!),
  );
  await expect(ingestOnly('before', dayOf(-3), TIME)).rejects.toMatchObject({
    code: 'SOURCE_EMPTY',
    message: expect.stringContaining(
      'None of 483 rows was known at the nominal time 2025-12-29T00:00:00.000Z: 483 lie after it by "time".',
    ) as string,
  });
});

test('recent: by time and by rows, measured from the nominal time among what was known', async () => {
  write(rowsOf(10));
  const byTime = await ingestOnly('a', dayOf(6), { mode: 'recent', recent: { last: '2d' }, ...TIME });
  expect(byTime.ingest!.values).toMatchObject({ rows: 2 * PER_DAY, olderThanRecent: 4 * PER_DAY, notKnownYet: 4 * PER_DAY });
  const byRows = await ingestOnly('b', dayOf(6), { mode: 'recent', recent: { rows: 50 }, ...TIME });
  expect(await times(byRows.ingest!.outputs.dataset!)).toEqual(
    rowsOf(6)
      .slice(-50)
      .map(({ x }) => String(Number(x)))
      .sort(),
  );
  await expect(ingestOnly('c', dayOf(40), { mode: 'recent', recent: { last: '2d' }, ...TIME })).rejects.toMatchObject({
    code: 'SOURCE_EMPTY',
    message: expect.stringContaining('the newest is of 2026-01-10T12:00:00.000Z') as string,
  });
});

test('what the champion was trained on is no test of it, with recent rows too', async () => {
  write(rowsOf(6));
  const growth = { mode: 'recent', recent: { last: '5d' }, ...TIME };
  await run('first', dayOf(6), growth);
  await createRegistry(store, artifacts).promote('flow', 1, { who: 'test', why: 'test' });
  write(rowsOf(8));
  // Another seed puts rows into the test split that the champion was trained on.
  const second = await run('second', dayOf(8), { ...growth, seed: 7 });
  const { rows, left, seenByChampion } = (await reportOf(second)).champion!.fair!;
  expect(seenByChampion).toBeGreaterThan(0);
  expect(left).toBeLessThan(rows);
});

test('rows without a time are set aside or refused, as the document says; contradictions are mistakes', async () => {
  write([...rowsOf(3), { time: '', known: dayOf(1), x: '5', kind: 'a' }]);
  expect((await ingestOnly('a', dayOf(3), TIME)).ingest!.values).toMatchObject({ quarantined: 1, rows: 3 * PER_DAY });
  await expect(ingestOnly('b', dayOf(3), { time: { column: 'time', missing: 'refuse' } })).rejects.toMatchObject({
    code: 'DATA_INVALID',
    message: expect.stringContaining('1 row has no time in "time"') as string,
  });
  await expect(ingestOnly('c', dayOf(3), { time: { column: 'x' } })).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: 'time.column: "x" is a number column, not timestamps.',
  });
  await expect(ingestOnly('d', dayOf(3), { mode: 'recent' })).rejects.toThrow(/needs to know when rows happened/);
  await expect(ingestOnly('e', dayOf(3), { mode: 'recent', recent: { last: '1d', rows: 3 }, ...TIME })).rejects.toThrow(/both/);
});
