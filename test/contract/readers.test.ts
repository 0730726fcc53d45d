import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { expect } from 'vitest';
import type { ReaderDefinition } from '../../src/data/readers/reader.ts';
import { readerRegistry } from '../../src/data/readers/index.generated.ts';
import { DATASET } from '../../src/data/stored/dataset.ts';
import { pathLiteral, withDatabase } from '../../src/data/table/duckdb.ts';
import { createArtifactStore } from '../../src/storage/artifact-store.ts';
import { MemoryStore } from '../../src/storage/memory-store.ts';
import { openAs } from '../../src/storage/stored.ts';
import { runSteps } from '../support/run-steps.ts';
import { tempDir } from '../support/temp-dir.ts';
import { describeLaws, goldenLaw } from './support/laws.ts';
import { looseParts, validator } from './support/schemas.ts';

interface Worked {
  readonly source: object;
  write(dir: string): void | Promise<void>;
  /** Names and types of the columns, and their values in the order of the rows, by hand. */
  readonly columns: readonly (readonly [name: string, type: string])[];
  readonly values: Readonly<Record<string, readonly (string | number | null)[]>>;
}

const TABLE = {
  columns: [
    ['n', 'integer'],
    ['s', 'string'],
  ],
  values: { n: [1, 2, 3, null, 5, 6], s: ['a', 'ü "x"', 'a', 'b', 'b', 'a,b'] },
} as const;
const rows = TABLE.values.n.map((n, row) => ({ n, s: TABLE.values.s[row]! }));

const WORKED: Readonly<Record<string, Worked>> = {
  csv: {
    ...TABLE,
    source: { format: 'csv', path: 'rows.csv' },
    write: (dir) =>
      writeFileSync(join(dir, 'rows.csv'), `n,s\n${rows.map(({ n, s }) => `${n ?? ''},"${s.replaceAll('"', '""')}"`).join('\n')}\n`),
  },
  json: {
    ...TABLE,
    source: { format: 'json', path: 'rows.json' },
    write: (dir) => writeFileSync(join(dir, 'rows.json'), JSON.stringify(rows)),
  },
  ndjson: {
    ...TABLE,
    source: { format: 'ndjson', path: 'rows.ndjson' },
    write: (dir) => writeFileSync(join(dir, 'rows.ndjson'), rows.map((row) => JSON.stringify(row)).join('\n')),
  },
  parquet: {
    ...TABLE,
    source: { format: 'parquet', path: 'rows.parquet' },
    write: (dir) =>
      withDatabase(async (db) => {
        writeFileSync(join(dir, 'rows.json'), JSON.stringify(rows));
        await db.run(
          `COPY (SELECT * FROM read_json(${pathLiteral(join(dir, 'rows.json'))})) TO ${pathLiteral(join(dir, 'rows.parquet'))} (FORMAT parquet)`,
        );
      }),
  },
  texts: {
    source: { format: 'texts', path: 'texts' },
    columns: [
      ['text', 'string'],
      ['label', 'string'],
      ['file', 'string'],
    ],
    values: { text: ['one', 'two', 'three ü', 'four'], label: ['bad', 'bad', 'good', 'good'] },
    write(dir) {
      for (const name of ['good', 'bad']) mkdirSync(join(dir, 'texts', name), { recursive: true });
      for (const [name, text] of [
        ['bad/1.txt', 'one'],
        ['bad/2.txt', 'two'],
        ['good/1.txt', 'three ü'],
        ['good/2.txt', 'four'],
      ] as const)
        writeFileSync(join(dir, 'texts', name), text);
    },
  },
  images: {
    source: { format: 'images', path: 'images' },
    columns: [
      ['image', 'image'],
      ['label', 'string'],
      ['file', 'string'],
    ],
    values: { label: ['dark', 'dark', 'light', 'light'] },
    async write(dir) {
      for (const [folder, level] of [
        ['dark', 0],
        ['light', 255],
      ] as const) {
        mkdirSync(join(dir, 'images', folder), { recursive: true });
        for (const name of ['1.png', '2.png'])
          await sharp(Buffer.alloc(4, name === '1.png' ? level : Math.abs(level - 9)), {
            raw: { width: 2, height: 2, channels: 1 },
          }).toFile(join(dir, 'images', folder, name));
      }
    },
  },
};

/** Not a format: two values that trade places, which a reader that mixes rows up would give. */
const WRONG: Worked = { ...WORKED['csv']!, values: { n: TABLE.values.n, s: ['ü "x"', 'a', ...TABLE.values.s.slice(2)] } };

/** What the ingest step makes of the source: all rows, whatever their split, by their values. */
async function read({ source, write }: Pick<Worked, 'source' | 'write'>): Promise<{ columns: unknown; rows: Record<string, unknown>[] }> {
  const dir = tempDir('reader');
  await write(dir);
  const store = new MemoryStore();
  const artifacts = createArtifactStore(store, join(dir, 'cache'));
  const run = await runSteps({ dir, store, artifacts }, 'run', {
    apiVersion: 'perennial/v1',
    name: 'read',
    steps: [{ uses: 'ingest', with: { source, split: { train: 0.5, validation: 0.25, test: 0.25, by: 'random' } } }],
  });
  const { artifact, meta } = await openAs(artifacts, DATASET, run.ingest!.outputs.dataset!);
  const found: Record<string, unknown>[] = [];
  for (const [split, count] of Object.entries(meta.rows)) {
    if (count === 0) continue;
    const path = await artifact.path(`${split}.parquet`);
    const names = meta.columns.map(({ name }) => name);
    const table = await withDatabase((db) => db.rows(`SELECT * FROM read_parquet(${pathLiteral(path)})`));
    found.push(
      ...table.map((row) => Object.fromEntries(names.map((name, at) => [name, typeof row[at] === 'bigint' ? Number(row[at]) : row[at]]))),
    );
  }
  return { columns: meta.columns.map(({ name, type }) => [name, type]), rows: found };
}

const byText = (values: readonly unknown[]): string[] => values.map((value) => JSON.stringify(value)).sort();
const csv = readerRegistry.get('csv');

describeLaws<ReaderDefinition>({
  kind: 'reader',
  definitions: readerRegistry.all(),
  nameOf: ({ format }) => format,
  laws: {
    'has a closed, described schema with its format as a const, that accepts its examples': ({ format, configSchema, examples }) => {
      expect(looseParts(configSchema)).toEqual([]);
      expect(configSchema).toMatchObject({ properties: { format: { const: format } } });
      const valid = validator(configSchema);
      for (const example of examples) expect(valid(example)).toBe(true);
      expect(valid({ format, path: 'x', other: 1 })).toBe(false);
    },
    'reads the columns, types and values that were written': async ({ format }) => {
      const worked = format === 'wrong' ? WRONG : WORKED[format];
      if (worked === undefined) return;
      const { columns, rows: found } = await read(worked);
      expect(columns).toEqual(worked.columns);
      const names = Object.keys(worked.values);
      const wanted = worked.values[names[0]!]!.map((_, row) => names.map((name) => worked.values[name]![row]));
      expect(byText(found.map((row) => names.map((name) => row[name])))).toEqual(byText(wanted));
    },
    'has a golden value, or a reason for none': goldenLaw<ReaderDefinition>('reader', ({ format }) => format, {
      names: new Set(Object.keys(WORKED)),
      add: 'Put into WORKED of test/contract/readers.test.ts a file, and what is in it.',
      file: 'test/contract/readers.test.ts',
    }),
  },
  mutants: {
    'has a closed, described schema with its format as a const, that accepts its examples': [
      { ...csv, configSchema: { type: 'object' } },
      { ...csv, examples: [{ format: 'csv' }] },
    ],
    // A format that is not there cannot be asked for; one that reads another's files does not find the same.
    'reads the columns, types and values that were written': [{ ...csv, format: 'wrong' }],
    'has a golden value, or a reason for none': [{ ...csv, format: 'new' }],
  },
});
