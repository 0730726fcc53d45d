import { PerennialError } from '../core/errors.ts';
import type { ReadTable } from '../data/reading/read-as.ts';
import type { Column } from '../data/stored/column.ts';
import type { SourceReading } from '../data/stored/dataset.ts';
import { SQL_TYPES, requireColumn } from '../data/table/columns.ts';
import { ident } from '../data/table/duckdb.ts';
import type { Database } from '../data/table/duckdb.ts';
import type { ScoreTask } from './score-task.ts';

/** A column of the source that stands beside the answers. */
export interface KeptColumn {
  readonly name: string;
  /** Its column of the snapshot. */
  readonly id: string;
}

interface Choice {
  readonly sql: readonly string[];
  /** After the snapshot was written: which column has the values of each. */
  settle(db: Database, table: string): Promise<KeptColumn[]>;
}

/** Which columns of a source are kept, and as what: texts as they stand in the file, or as the types that the model knows them by. */
export class KeptColumns {
  readonly #task: Pick<ScoreTask, 'source' | 'keep' | 'format'>;
  readonly #always: readonly string[];
  readonly #known: readonly Column[];

  /** @param always key columns of a series @param origin the column that says which file a row is */
  constructor(
    task: Pick<ScoreTask, 'source' | 'keep' | 'format'>,
    reading: SourceReading | undefined,
    always: readonly string[],
    origin: string | undefined,
  ) {
    this.#task = task;
    this.#always = [...always, ...(origin === undefined ? [] : [origin])];
    this.#known = reading?.columns ?? [];
  }

  /** Columns of which the model knows the type. */
  get typed(): Column[] {
    const { keep, format } = this.#task;
    // In a CSV file a text is what it was.
    if (format === 'csv') return [];
    return this.#known.filter(({ name, type }) => type !== 'image' && type !== 'string' && (keep === 'all' || keep.includes(name)));
  }

  /** @throws COLUMN_MISSING; USAGE for images, which are no values of a table */
  choose(table: ReadTable): Choice {
    const { keep } = this.#task;
    const wanted = (keep === 'all' ? table.raw.map(({ name }) => name) : keep).concat(this.#always);
    const found = [...new Set(wanted)].flatMap((name) => {
      if (keep !== 'all' && !table.raw.some((column) => column.name === name) && this.#always.includes(name)) return [];
      const column = requireColumn(table.raw, name, `The columns to keep of ${this.#task.source.path}`);
      if (column.from !== 'image') return [column];
      if (keep === 'all') return [];
      throw new PerennialError('USAGE', `The column "${name}" holds images, which cannot be kept beside the answers.`, {
        hint: 'Keep a column that names them.',
      });
    });
    const parts = found.map((column, index) => {
      const known = this.typed.find(({ name }) => name === column.name);
      const typed = known === undefined ? undefined : table.columns.find((one) => one.column.name === column.name);
      // What has a type by its source keeps it.
      const isText = column.from === 'text' || column.from === 'string';
      return {
        name: column.name,
        id: `k${index}`,
        raw: isText ? (column.text ?? column.id) : column.id,
        typed: isText ? typed : undefined,
      };
    });
    return {
      sql: parts.flatMap(({ id, raw, typed }) => [
        `${raw} AS ${id}`,
        ...(typed === undefined ? [] : [`CAST(${typed.value} AS ${SQL_TYPES[typed.column.type]}) AS ${id}_typed`]),
      ]),
      async settle(db, from) {
        const candidates = parts.filter(({ typed }) => typed !== undefined);
        if (candidates.length === 0) return parts.map(({ name, id }) => ({ name, id }));
        const [lost] = await db.rows(
          `SELECT ${candidates.map(({ id }) => `count_if(${ident(id)} IS NOT NULL AND ${ident(`${id}_typed`)} IS NULL)`).join(', ')} FROM ${from}`,
        );
        // A single value that the type has no place for, and all of them stay texts.
        const whole = new Set(candidates.filter((_, index) => Number(lost![index]) === 0).map(({ id }) => id));
        return parts.map(({ name, id }) => ({ name, id: whole.has(id) ? `${id}_typed` : id }));
      },
    };
  }
}
