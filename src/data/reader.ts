import type { JsonSchema } from '../core/json.ts';
import type { ColumnType } from './types.ts';
import type { Database } from './duckdb.ts';

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

/** A column as a reader found it. `type: 'infer'`: it is text whose type follows from its values. */
export interface RawColumn {
  readonly name: string;
  readonly type: ColumnType | 'infer';
}

/** What a reader leaves behind: temporary tables `raw` ("row" BIGINT from 1, c0, c1, …) and `rejects` ("row" BIGINT, reason, content). */
export interface RawTable {
  readonly columns: readonly RawColumn[];
  /** The label's column, where the layout of the source (class folders) says it. */
  readonly label?: string;
}

export interface ReadRequest<C> {
  readonly db: Database;
  readonly config: C;
  readonly files: readonly SourceFile[];
  /** A private folder for temporary files. */
  readonly workDir: string;
  /** Take a sample of at most so many rows (a preview). */
  readonly limit?: number;
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
  /** true: every byte must be UTF-8; checked while the source is fingerprinted. */
  readonly text: boolean | ((config: C) => boolean);
  read(request: ReadRequest<C>): Promise<RawTable>;
}

export function defineReader<C>(definition: ReaderDefinition<C>): ReaderDefinition<C> {
  return Object.freeze(definition);
}

/** `rejects` is made by every reader, so that what follows need not ask. */
export async function createRejects(db: Database): Promise<void> {
  await db.run('CREATE OR REPLACE TEMP TABLE rejects ("row" BIGINT, reason VARCHAR, content VARCHAR)');
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
