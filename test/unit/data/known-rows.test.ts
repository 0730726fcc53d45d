import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Prng } from '../../../src/core/prng.ts';
import type { OpenArtifact } from '../../../src/core/ports.ts';
import { ingest } from '../../../src/data/ingest/ingest.ts';
import type { IngestConfig } from '../../../src/data/ingest/ingest-config.ts';
import { unseenRows } from '../../../src/data/ingest/unseen-rows.ts';
import { readRows } from '../../../src/data/stored/dataset-rows.ts';
import { seenTestRows } from '../../../src/data/stored/seen-rows.ts';
import { createBench } from './support.ts';
import type { Bench } from './support.ts';

let bench: Bench;
let files = 0;
beforeAll(async () => {
  bench = await createBench();
});
afterAll(() => bench.close());

interface Told {
  readonly a: number;
  readonly b: number;
  readonly label: string;
}

const prng = new Prng('rows');
const ROWS: readonly Told[] = Array.from({ length: 400 }, (_, row) => ({
  a: Number(prng.normal().toFixed(4)),
  b: Number(prng.normal().toFixed(4)),
  label: row % 2 === 0 ? 'no' : 'yes',
}));
const backwards = (rows: readonly Told[]): Told[] => [...rows].reverse();

async function configOf(header: string, lines: readonly string[], seed: number, more: Partial<IngestConfig> = {}): Promise<IngestConfig> {
  const path = await bench.file(`known-${(files += 1)}.csv`, `${header}\n${lines.join('\n')}\n`);
  const split = { by: 'random', train: 0.6, validation: 0.1, test: 0.3 } as const;
  return { source: { format: 'csv', path }, label: 'label', split, seed, ...more } as IngestConfig;
}

async function dataset(config: IngestConfig): Promise<OpenArtifact> {
  return bench.open((await ingest(bench.context(), config)).outputs['dataset']);
}

/** Rows of a test split that the other dataset learns from, by their numbers, which no spelling changes. */
async function learnt(test: OpenArtifact, other: OpenArtifact): Promise<number> {
  const keyOf = (row: Record<string, unknown>): string => `${Math.fround(Number(row['a']))} ${Math.fround(Number(row['b']))}`;
  const known = new Set<string>();
  for (const split of ['train', 'validation'] as const)
    for await (const batch of readRows(other, split)) for (const row of batch) known.add(keyOf(row));
  let count = 0;
  for await (const batch of readRows(test, 'test')) count += batch.filter((row) => known.has(keyOf(row))).length;
  return count;
}

const first = async (header = 'a,b,label', line = ({ a, b, label }: Told): string => `${a},${b},${label}`): Promise<OpenArtifact> =>
  dataset(await configOf(header, ROWS.map(line), 1));

describe('rows are known again', () => {
  it.each([
    ['with blanks around their classes', 'a,b,label', ({ a, b, label }: Told) => `${a},${b},${label} `],
    ['with more digits than a model reads', 'a,b,label', ({ a, b, label }: Told) => `${a + 1e-13},${b},${label}`],
    ['with columns in another order', 'label,b,a', ({ a, b, label }: Told) => `${label},${b},${a}`],
  ])('%s', async (_name, header, line) => {
    const [before, after] = [await first(), await dataset(await configOf(header, backwards(ROWS).map(line), 7))];
    const expected = await learnt(after, before);
    expect(expected).toBeGreaterThan(60);
    expect((await seenTestRows(after, before))!.reduce((sum, value) => sum + value, 0)).toBe(expected);
  });

  it.each([
    ['the day of an export', (_row: Told, _at: number, day: string) => day],
    ['numbers that an export gives its rows', (_row: Told, at: number, day: string) => String(at + Number(day.slice(-1)) * 1_000)],
    ['names that an export gives its rows', (_row: Told, at: number, day: string) => `${day}-${at.toString(36)}`],
  ])('whatever %s says', async (_name, made) => {
    const of = (rows: readonly Told[], day: string, seed: number) =>
      configOf(
        'a,b,label,extra',
        rows.map((row, at) => `${row.a},${row.b},${row.label},${made(row, at, day)}`),
        seed,
      );
    const [before, after] = [await dataset(await of(ROWS, '2026-11-01', 1)), await dataset(await of(backwards(ROWS), '2026-11-02', 7))];
    expect((await seenTestRows(after, before))!.reduce((sum, value) => sum + value, 0)).toBe(await learnt(after, before));
  });

  it('by an identifier, where nothing else tells them apart', async () => {
    const lines = (from: number): string[] =>
      Array.from({ length: 200 }, (_, at) => `k${from + at},${at % 3},${at % 2 === 0 ? 'no' : 'yes'}`);
    const [before, after] = [
      await dataset(await configOf('key,kind,label', lines(0), 1)),
      await dataset(await configOf('key,kind,label', lines(1_000), 7)),
    ];
    expect((await seenTestRows(after, before))!.includes(1)).toBe(false);
    expect((await seenTestRows(before, before))!.includes(1)).toBe(false);
  });

  it('in a dataset of an earlier version, which keeps no digests that are made so', async () => {
    const [before, after] = [
      await first(),
      await dataset(
        await configOf(
          'a,b,label',
          backwards(ROWS).map(({ a, b, label }) => `${a},${b},${label} `),
          7,
        ),
      ),
    ];
    const { toldBy: _told, ...meta } = before.manifest.meta as Record<string, unknown>;
    const old = { ...before, manifest: { ...before.manifest, meta: meta as never } };
    expect((await seenTestRows(after, old))!.reduce((sum, value) => sum + value, 0)).toBe(await learnt(after, before));
  });
});

it('new data are rows that were not there, however those that were are written', async () => {
  const before = await first();
  const line = ({ a, b, label }: Told): string => `${a},${b},${label} `;
  const config = await configOf(
    'a,b,label',
    [...backwards(ROWS).map(line), ...ROWS.slice(0, 20).map(({ a, b, label }) => line({ a: a + 7, b, label }))],
    1,
  );
  const counted = await unseenRows(
    before,
    { text: 'm version 1', model: 'm', version: 1, groups: [[before]] },
    { config, documentDir: bench.dir, nominalTime: '2026-01-01T00:00:00.000Z' },
  );
  expect(counted).toMatchObject({ rows: 420, unseen: 20 });
  // A row that stands twice where it stood once is one more.
  const twice = await configOf('a,b,label', [...ROWS.map(line), line(ROWS[0]!)], 1);
  expect(
    await unseenRows(
      before,
      { text: 'm', model: 'm', version: 1, groups: [[before]] },
      { config: twice, documentDir: bench.dir, nominalTime: '2026-01-01T00:00:00.000Z' },
    ),
  ).toMatchObject({
    unseen: 1,
  });
});
