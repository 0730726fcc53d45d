import type { JsonObject, JsonSchema } from '../../core/json.ts';
import { PerennialError, isPerennialError } from '../../core/errors.ts';
import { asPerennialError } from '../table/duckdb.ts';
import type { Database } from '../table/duckdb.ts';
import type { LikelySkip } from '../reading/csv-layout.ts';
import type { PlainSource } from '../reading/plain-scan.ts';
import type { RawColumn } from '../reading/source-column.ts';

/** A file of a source, as it was when the source was listed. */
export interface SourceFile {
  readonly path: string;
  /** Relative to the source's root, forward slashes: what messages and digests use. */
  readonly name: string;
  readonly size: number;
  /** Class folder, where the layout has them. */
  readonly className?: string;
  /** Device, inode, size and times: equal while nobody wrote to it. */
  readonly stamp: string;
}

/** What a reader found in a source. Types of texts are not its business: they follow from all values, by the rules in `reading/`. */
export interface RawTable {
  readonly columns: readonly RawColumn[];
  /** The label's column, where the layout of the source (class folders) says it. */
  readonly label?: string;
  /** SQL of a table with the columns, in the order of the source. */
  readonly source: (rows: RowChoice) => string;
  /**
   * After `source('all')` was read: puts malformed rows into the table `rejects`.
   *
   * @throws SOURCE_INVALID for what is worse than bad rows
   */
  readonly rejects?: () => Promise<void>;
  /** Files whose rows can be read byte by byte, where nothing in how they are laid out speaks against it. */
  readonly plain?: Omit<PlainSource, 'columns'>;
  /**
   * The lines on which the first records begin, readable ones and malformed ones, from 1 on as the source has them. Absent where rows are
   * no lines of one file.
   */
  readonly lines?: (records: number) => Promise<readonly number[]>;
  /** Before `all` is read once more. */
  readonly forget?: () => Promise<void>;
  /** Where reading failed for a reason that can be mended by rewriting the files: the same source in another form. */
  readonly repair?: (error: unknown) => Promise<RawTable | undefined>;
  /**
   * Writes some rows as the source had them into a file of the same format: the texts of a CSV verbatim, the text of each JSON object,
   * the types of a Parquet file. Absent where a row is more than a record of the source's files (an image or a text is a file).
   *
   * @param rows numbers of rows of `again` from 0 on, below `DATA_LIMITS.rawRowsFromFirst`, in the order in which they are written
   */
  readonly copyRows?: ((rows: readonly number[], path: string) => Promise<void>) | undefined;
  /** What was found out about the source and decides on its values, for the model to remember. */
  readonly options: JsonObject;
  /** Texts that mean a missing value in every column. */
  readonly nullValues: readonly string[];
  /** What people should know: lines that were left out, … */
  readonly notes: readonly string[];
}

/**
 * Which rows of a source are read. `all` is read once: what is malformed is kept then for the rejects. `again` gives the same rows any
 * number of times, `verbatim` with the texts that mean a missing value, `first` the first ones, `sample` some of all.
 */
export type RowChoice = 'all' | 'again' | 'verbatim' | { readonly first: number } | { readonly sample: number };

export interface ReadRequest<C> {
  readonly db: Database;
  readonly config: C;
  readonly files: readonly SourceFile[];
  /** A private folder for temporary files. */
  readonly workDir: string;
  /** Columns that a model knows: they tell a delimiter from a character of the text. */
  readonly expected?: readonly string[];
  /** What divided the fields of the source of a model: one more to look for. */
  readonly likely?: string;
  /** Lines before the table that were left out of the source of a model. */
  readonly likelySkip?: LikelySkip;
  /** For a model whose source was read as the database shows its values; see `SourceReading.canonical`. */
  readonly asBefore?: true;
}

/**
 * A source format. One file `readers/<format>.reader.ts`. `configSchema` is the closed object schema of the whole `source`, with
 * `format` as a const.
 */
export interface ReaderDefinition<C = any> {
  readonly format: string;
  readonly summary: string;
  readonly configSchema: JsonSchema;
  readonly examples: readonly C[];
  /** How `path` is meant: one or more files (with globs), or a folder whose folders are classes. */
  readonly layout: 'files' | 'classFolders';
  /** File name endings that class folders are searched for, with the dot. */
  readonly extensions?: readonly string[];
  /** Endings of files that commands read in this format without being told. */
  readonly endings?: readonly string[];
  /** true: every byte must be UTF-8; checked while the source is fingerprinted. */
  readonly text: boolean | ((config: C) => boolean);
  read(request: ReadRequest<C>): Promise<RawTable>;
  /** Why files cannot be read, where the database found out while it read them; undefined: nothing is known. */
  problem?(db: Database, files: readonly SourceFile[], error: unknown): Promise<SourceProblem | undefined>;
}

/** What is wrong with a source, without a full stop, and what to do about it. */
export interface SourceProblem {
  readonly message: string;
  readonly hint: string;
}

/** An error of the database while it read files, in words of ours; others pass through. @param what is read, e.g. "rows.csv" */
export async function readingError(
  { format, problem }: ReaderDefinition,
  { db, files, what }: { readonly db: Database; readonly files: readonly SourceFile[]; readonly what: string },
  error: unknown,
): Promise<unknown> {
  const own = asPerennialError(error, 'SOURCE_INVALID', `${what} cannot be read as ${format}`);
  if (own === error || !isPerennialError(own, 'SOURCE_INVALID')) return own;
  const found = await problem?.(db, files, error);
  if (found === undefined) return own;
  const only = files.length === 1 ? `${files[0]!.name} ` : undefined;
  const why = only !== undefined && found.message.startsWith(only) ? `it ${found.message.slice(only.length)}` : found.message;
  return new PerennialError('SOURCE_INVALID', `${what} cannot be read as ${format}: ${why}.`, { hint: found.hint, cause: error });
}

export function defineReader<C>(definition: ReaderDefinition<C>): ReaderDefinition<C> {
  return Object.freeze(definition);
}

/** Where malformed rows go; `row` counts the rows of the source from 1 on, as far as that is known. */
export async function createRejects(db: Database): Promise<void> {
  await db.run('CREATE OR REPLACE TEMP TABLE rejects ("row" BIGINT, reason VARCHAR, content VARCHAR)');
}

/** SQL of some rows of a table that can be read again and again. */
export function someRows(table: string, rows: RowChoice): string {
  if (typeof rows === 'string') return table;
  return 'first' in rows
    ? `(SELECT * FROM ${table} LIMIT ${rows.first})`
    : `(SELECT * FROM ${table} USING SAMPLE reservoir(${rows.sample} ROWS) REPEATABLE (1))`;
}

/** SQL of rows by their numbers from 0 on, in the given order; a last column tells the number. Nothing behind the last of them is read. */
export function rowsAt(table: string, rows: readonly number[]): string {
  const numbered = `(SELECT *, row_number() OVER () - 1 AS "@row" FROM (SELECT * FROM ${table} LIMIT ${Math.max(-1, ...rows) + 1}))`;
  return `SELECT * FROM ${numbered} WHERE "@row" IN (${rows.join(', ')}) ORDER BY list_position([${rows.join(', ')}], "@row")`;
}

/** The schema of `path`, shared by readers of files. */
export const PATH_SCHEMA: JsonSchema = {
  type: 'string',
  minLength: 1,
  description: 'Path of the file, relative to the folder of the document; "*", "**" and "?" match several files of the same columns.',
  examples: ['data/penguins.csv', 'data/2024-*.csv'],
};

/** Path of the folder of class folders. */
export const FOLDER_SCHEMA: JsonSchema = {
  type: 'string',
  minLength: 1,
  description: 'Folder that holds one folder per class, relative to the folder of the document.',
  examples: ['data/digits'],
};
