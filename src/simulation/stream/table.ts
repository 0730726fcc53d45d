import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PerennialError } from '../../core/errors.ts';
import type { IngestConfig } from '../../data/ingest/ingest-config.ts';
import { readTables } from '../../data/ingest/ingest-tables.ts';
import { listSource } from '../../data/ingest/source-files.ts';
import { readerRegistry } from '../../data/readers/index.generated.ts';
import { withDatabase } from '../../data/table/duckdb.ts';

export type Cell = string | number | boolean | null;

export interface TableColumn {
  readonly name: string;
  /** numbers can be shifted; all others are passed on as they are. */
  readonly kind: 'number' | 'integer' | 'boolean' | 'text' | 'time';
}

/** The rows of a source, column by name. */
export interface SourceTable {
  readonly columns: readonly TableColumn[];
  readonly rows: readonly Readonly<Record<string, Cell>>[];
}

const KINDS: Readonly<Record<string, TableColumn['kind']>> = {
  number: 'number',
  integer: 'integer',
  boolean: 'boolean',
  string: 'text',
  timestamp: 'time',
};
/** Rows that are kept in memory: a stream is drawn from them. */
const ROWS_MAX = 1_000_000;

/**
 * All rows that a document's source has, read as its ingest step reads them, whatever time they are of.
 *
 * @throws what the ingest step would throw; USAGE for pictures, and for tables that are too large
 */
export async function readSource(config: IngestConfig, documentDir: string): Promise<SourceTable> {
  const { mode: _mode, recent: _recent, append: _append, window: _window, sample: _sample, reference: _reference, ...rest } = config;
  const { time: _time, ...whole } = rest;
  const reader = readerRegistry.get(config.source.format);
  const files = await listSource(reader, config.source, documentDir);
  const workDir = await mkdtemp(join(tmpdir(), 'perennial-stream-'));
  try {
    return await withDatabase(async (db) => {
      const { columns } = await readTables({
        db,
        config: { ...whole, split: { train: 1, validation: 0, test: 0, by: 'hash' } },
        files,
        nominalTime: '9999-01-01T00:00:00Z',
        workDir,
        documentDir,
      });
      const kinds = columns.map(({ name, type }): TableColumn => {
        const kind = KINDS[type];
        if (kind === undefined)
          throw new PerennialError(
            'USAGE',
            `The column "${name}" holds ${type === 'image' ? 'images' : type}; only tables can be simulated.`,
          );
        return { name, kind };
      });
      const list = columns.map(({ id }, index) =>
        kinds[index]!.kind === 'text' || kinds[index]!.kind === 'time' ? `CAST(${id} AS VARCHAR)` : id,
      );
      const [count] = await db.rows('SELECT count(*) FROM rows');
      if (Number(count![0]) > ROWS_MAX)
        throw new PerennialError('USAGE', `The table has ${String(count![0])} rows; a simulation takes at most ${ROWS_MAX}.`, {
          hint: 'Give a part of it: "filter" of the ingest step, or a smaller file.',
        });
      const rows: Record<string, Cell>[] = [];
      for await (const chunk of db.chunks(`SELECT ${list.join(', ')} FROM rows ORDER BY position`))
        for (let row = 0; row < chunk.rows; row += 1)
          rows.push(Object.fromEntries(kinds.map(({ name, kind }, index) => [name, cellOf(kind, chunk.columns[index]![row])])));
      return { columns: kinds, rows };
    });
  } finally {
    await rm(workDir, { recursive: true, force: true });
  }
}

/** Of integers, more distinct values than this are regressed. */
const CLASSES_MAX = 20;

/** Answers are right or wrong only where they are classes. @throws USAGE */
export function refuseNumbers({ columns, rows }: SourceTable, label: string): void {
  const kind = columns.find(({ name }) => name === label)?.kind;
  if (kind === 'number' || kind === 'time' || (kind === 'integer' && new Set(rows.map((row) => row[label])).size > CLASSES_MAX))
    throw new PerennialError(
      'USAGE',
      `The document cannot be simulated: "${label}" is a ${kind === 'time' ? 'time' : 'number'}, and answers are judged as right or wrong.`,
      {
        hint: 'Simulate a document that predicts classes.',
      },
    );
}

function cellOf(kind: TableColumn['kind'], value: unknown): Cell {
  if (value === null || value === undefined) return null;
  if (kind === 'number' || kind === 'integer') return Number(value);
  return kind === 'boolean' ? Boolean(value) : String(value);
}
