import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readRows } from '../../../src/data/stored/dataset-rows.ts';
import { createArtifactStore } from '../../../src/storage/artifact-store.ts';
import { MemoryStore } from '../../../src/storage/memory-store.ts';
import { runSteps } from '../../support/run-steps.ts';
import { tempDir } from '../../support/temp-dir.ts';

type Split = 'train' | 'validation' | 'test';

interface Asked {
  readonly csv: string;
  readonly ingest?: object;
  readonly folds: number;
  readonly with?: object;
}

/** What every fold has in each split, by the column "id". */
async function foldsOf({ csv, ingest = {}, folds, with: how = {} }: Asked): Promise<Record<Split, string[]>[]> {
  const dir = tempDir('folds');
  const store = new MemoryStore();
  const artifacts = createArtifactStore(store, join(dir, 'cache'));
  writeFileSync(join(dir, 'rows.csv'), csv);
  const numbers = Array.from({ length: folds }, (_, at) => at + 1);
  const found = await runSteps({ dir, store, artifacts }, 'run', {
    apiVersion: 'perennial/v1',
    name: 'folds',
    steps: [
      { uses: 'ingest', with: { source: { format: 'csv', path: 'rows.csv' }, ...ingest } },
      ...numbers.map((fold) => ({ id: `fold-${fold}`, uses: 'fold', with: { folds, fold, ...how }, inputs: { dataset: 'ingest' } })),
    ],
  });
  return Promise.all(
    numbers.map(async (fold) => {
      const opened = await artifacts.open(found[`fold-${fold}`]!.outputs['dataset']!);
      const all: Partial<Record<Split, string[]>> = {};
      for (const split of ['train', 'validation', 'test'] as const) {
        const ids: string[] = [];
        for await (const rows of readRows(opened, split)) ids.push(...rows.map((row) => String(row['id'])));
        all[split] = ids;
      }
      return all as Record<Split, string[]>;
    }),
  );
}

const csvOf = (rows: readonly (readonly (string | number)[])[], head: string): string =>
  `${head}\n${rows.map((row) => row.join(',')).join('\n')}\n`;
const many = (count: number) => Array.from({ length: count }, (_, at) => [`r${at}`, (at * 37) % 101, at % 10 === 0 ? 'rare' : 'usual']);
const ALL = { split: { train: 1, validation: 0, test: 0 }, label: 'kind' };

describe('folds of the train split', () => {
  it('hold every row out once, and never learn from what they hold out', async () => {
    const folds = await foldsOf({ csv: csvOf(many(300), 'id,x,kind'), ingest: { label: 'kind' }, folds: 4 });
    const learnt = new Set([...folds[0]!.train, ...folds[0]!.test]);
    expect(folds.flatMap(({ test }) => test).sort()).toEqual([...learnt].sort());
    for (const { train, validation, test } of folds) {
      expect(test.length).toBeGreaterThan(20);
      expect(new Set([...train, ...test])).toEqual(learnt);
      expect(train.length + test.length).toBe(learnt.size);
      expect(validation).toEqual(folds[0]!.validation);
      expect(validation.some((id) => learnt.has(id))).toBe(false);
    }
  });

  it('keep rows in their fold when others come', async () => {
    const before = await foldsOf({ csv: csvOf(many(200), 'id,x,kind'), ingest: ALL, folds: 3 });
    const after = await foldsOf({ csv: csvOf(many(260).reverse(), 'id,x,kind'), ingest: ALL, folds: 3 });
    before.forEach(({ test }, fold) => expect(after[fold]!.test).toEqual(expect.arrayContaining(test)));
  });

  it('give every fold rows of a class that has enough, and learn from a class that has too few', async () => {
    const rows = [
      ...many(120).map(([id, x]) => [id!, x!, 'usual']),
      ...[1, 2, 3, 4].map((x) => [`rare${x}`, x, 'rare']),
      ['once', 5, 'once'],
    ];
    const folds = await foldsOf({ csv: csvOf(rows, 'id,x,kind'), ingest: ALL, folds: 4 });
    expect(folds.map(({ test }) => test.filter((id) => id.startsWith('rare')).length)).toEqual([1, 1, 1, 1]);
    for (const { train } of folds) expect(train).toContain('once');
  });

  it('by random are of one size in every class', async () => {
    const folds = await foldsOf({ csv: csvOf(many(200), 'id,x,kind'), ingest: ALL, folds: 5, with: { by: 'random' } });
    for (const { test } of folds) {
      expect(test.length).toBe(40);
      expect(test.filter((id) => Number(id.slice(1)) % 10 === 0).length).toBe(4);
    }
    expect(new Set(folds.flatMap(({ test }) => test)).size).toBe(200);
  });

  it('keep the rows of one key together', async () => {
    const rows = many(240).map((row, at) => [...row, `customer${at % 24}`]);
    for (const by of ['hash', 'random']) {
      const folds = await foldsOf({
        csv: csvOf(rows, 'id,x,kind,customer'),
        ingest: { split: { train: 1, validation: 0, test: 0, key: 'customer' } },
        folds: 3,
        with: { by, key: 'customer' },
      });
      for (const { train, test } of folds) {
        const customers = (ids: readonly string[]) => new Set(ids.map((id) => Number(id.slice(1)) % 24));
        const held = customers(test);
        expect(held.size).toBeGreaterThan(0);
        expect([...customers(train)].some((one) => held.has(one))).toBe(false);
      }
    }
  });

  it('in time come after all that they learn from, as TimeSeriesSplit has them', async () => {
    const rows = Array.from({ length: 20 }, (_, at) => [`r${at}`, `2024-01-${String(at + 1).padStart(2, '0')}`, at + 0.5]);
    const folds = await foldsOf({
      csv: csvOf(rows, 'id,day,y'),
      ingest: { label: 'y', split: { train: 1, validation: 0, test: 0, by: 'time', column: 'day' } },
      folds: 3,
      with: { by: 'time', column: 'day' },
    });
    // sklearn.model_selection.TimeSeriesSplit(3) over 20 rows.
    expect(folds.map(({ train, test }) => [train.length, test[0], test.at(-1)])).toEqual([
      [5, 'r5', 'r9'],
      [10, 'r10', 'r14'],
      [15, 'r15', 'r19'],
    ]);
    const between = await foldsOf({
      csv: csvOf(rows, 'id,day,y'),
      ingest: { label: 'y', split: { train: 0.8, validation: 0.1, test: 0.1, by: 'time', column: 'day' } },
      folds: 2,
      with: { by: 'time', column: 'day' },
    });
    expect(between.map(({ train, validation, test }) => [train.length, validation, test])).toEqual([
      [4, ['r4', 'r5', 'r6', 'r7'], ['r8', 'r9', 'r10', 'r11']],
      [8, ['r8', 'r9', 'r10', 'r11'], ['r12', 'r13', 'r14', 'r15']],
    ]);
  });

  it('say where there are too few rows', async () => {
    await expect(foldsOf({ csv: csvOf(many(3), 'id,x,kind'), ingest: ALL, folds: 8 })).rejects.toThrow(
      /Fold \d of 8 has no row to measure on: the train split has 3 rows/,
    );
  });
});
