import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { access, realpath, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, resolve, sep } from 'node:path';
import { PerennialError } from '../../core/errors.ts';
import { asPerennialError, listLiteral, literal, pathLiteral } from '../table/duckdb.ts';
import type { Database } from '../table/duckdb.ts';
import type { DeclaredColumns } from '../ingest/column-schema.ts';
import { rejectImages } from './check-images.ts';
import { ENCODED_IMAGE } from './encoded-image.ts';
import { DATA_LIMITS } from '../table/limits.ts';
import { someRows } from '../readers/reader.ts';
import type { RawTable, ReaderDefinition, SourceFile } from '../readers/reader.ts';
import { valueSql } from '../reading/column-sql.ts';
import type { RawColumn } from '../reading/source-column.ts';
import { fingerprintFiles, stampOfFile } from '../ingest/source-files.ts';
import type { SourceFingerprint } from '../ingest/source-files.ts';

interface PictureColumn {
  readonly name: string;
  /** Position among the columns of the source. */
  readonly index: number;
  readonly folder: string | undefined;
}

/** The columns of a source whose texts are paths of images. @throws CONFIG_INVALID */
function pictureColumns(raw: RawTable, declared: DeclaredColumns): PictureColumn[] {
  return raw.columns.flatMap(({ name, from }, index) => {
    const own = Object.hasOwn(declared, name) ? declared[name]! : undefined;
    if (own !== 'image' && (typeof own !== 'object' || !('image' in own))) return [];
    const { image } = typeof own === 'object' ? own : { image: {} };
    if (from !== 'text' && from !== 'string') {
      if (typeof own === 'object')
        throw new PerennialError(
          'CONFIG_INVALID',
          `columns.${name}: the column holds ${from === 'image' ? 'the bytes of images' : `${from}s`}, not texts that ${image === 'base64' ? 'are base64' : 'name files'}.`,
          { hint: `Write "${name}": "image", or leave it out.` },
        );
      return [];
    }
    return image === 'base64' ? [] : [{ name, index, folder: image.folder }];
  });
}

/** Whether a document declares columns that may name files. */
export function namesPictures(declared: DeclaredColumns = {}): boolean {
  return Object.values(declared).some((own) => own === 'image' || (typeof own === 'object' && 'image' in own && own.image !== 'base64'));
}

export interface PictureSource {
  readonly db: Database;
  readonly raw: RawTable;
  readonly reader: ReaderDefinition;
  readonly config: { readonly path: string };
  readonly declared: DeclaredColumns;
  /** Of the table. */
  readonly files: readonly SourceFile[];
  readonly documentDir: string;
}

/** A text of a column: the file that it names, or why there is none. The reason ends with ": " and the text. */
interface Located {
  readonly text: string;
  readonly file?: SourceFile;
  readonly problem?: string;
}

interface LocatedColumn extends PictureColumn {
  readonly located: readonly Located[];
}

/** SQL: the text is an image itself, not the path of one. */
const isEncoded = (text: string): string => `regexp_matches(${text}, ${literal(ENCODED_IMAGE)})`;

/** Files looked at side by side. */
const FILES_AT_ONCE = 64;

/** Looks for the file of every different text of the picture columns of `raw`. */
async function locate(source: PictureSource): Promise<LocatedColumn[]> {
  const { db, raw, reader, config, declared, files, documentDir } = source;
  const found: LocatedColumn[] = [];
  for (const column of pictureColumns(raw, declared)) {
    const texts = (
      await db.rows(
        `SELECT DISTINCT c${column.index} FROM ${source.raw.source('again')} WHERE NOT ${isEncoded(`c${column.index}`)} ORDER BY 1`,
      )
    ).map(([text]) => String(text));
    const folder = texts.every(isAbsolute) ? undefined : folderOf(column, reader, config, files, documentDir);
    const real =
      folder === undefined
        ? undefined
        : await realpath(folder).catch(() => {
            throw new PerennialError('SOURCE_NOT_FOUND', `columns.${column.name}: there is no folder ${folder}.`);
          });
    const located: Located[] = [];
    for (let start = 0; start < texts.length; start += FILES_AT_ONCE)
      located.push(
        ...(await Promise.all(texts.slice(start, start + FILES_AT_ONCE).map((text) => locateOne(text, column.name, folder, real)))),
      );
    found.push({ ...column, located });
  }
  return found;
}

function folderOf(
  { name, folder }: PictureColumn,
  reader: ReaderDefinition,
  config: { readonly path: string },
  files: readonly SourceFile[],
  documentDir: string,
): string {
  if (folder !== undefined) return resolve(documentDir, folder);
  if (reader.layout === 'classFolders') return resolve(documentDir, config.path);
  const folders = [...new Set(files.map((file) => dirname(file.path)))];
  if (folders.length === 1) return folders[0]!;
  throw new PerennialError(
    'CONFIG_INVALID',
    `columns.${name}: the files of ${config.path} lie in ${folders.length} folders, so that relative paths could start in any of them.`,
    { hint: `Say where: "${name}": {"image": {"folder": "…"}}.` },
  );
}

/** @param real the folder without symbolic links */
async function locateOne(text: string, column: string, folder: string | undefined, real: string | undefined): Promise<Located> {
  const because = (reason: string): Located => ({ text, problem: `"${column}" ${reason}: ${text.slice(0, 300).replaceAll('\0', ' ')}` });
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(text)) return because('is an address; only files are read');
  if (text.includes('\0')) return because('is no path');
  const absolute = isAbsolute(text);
  const path = absolute ? resolve(text) : join(folder!, text);
  const outside = because(`leads out of the folder ${folder ?? ''}`);
  if (!absolute && !path.startsWith(`${resolve(folder!)}${sep}`)) return outside;
  try {
    // A link inside the folder may lead anywhere.
    if (!absolute && !(await realpath(path)).startsWith(`${real!}${real!.endsWith(sep) ? '' : sep}`)) return outside;
    const info = await stat(path);
    if (!info.isFile()) return because('names no ordinary file');
    if (info.size > DATA_LIMITS.imageBytesMax) return because(`names a file of more than ${DATA_LIMITS.imageBytesMax / 2 ** 20} MB`);
    await access(path, constants.R_OK);
    return { text, file: { path, name: text, size: info.size, stamp: stampOfFile(info) } };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    return because(
      code === 'ENOENT' || code === 'ENOTDIR'
        ? `names no file${absolute ? '' : ` below ${folder!}`}`
        : `names a file that cannot be read (${code})`,
    );
  }
}

/** What the tables and the pictures that they name hold now, and the state of the pictures on disk. */
export async function fingerprintPictures(
  source: PictureSource,
  table: SourceFingerprint,
): Promise<{ readonly fingerprint: SourceFingerprint; readonly pictures: readonly SourceFile[] }> {
  const located = (await locate(source)).flatMap((column) => column.located);
  const pictures = [...new Map(located.flatMap(({ file }) => (file === undefined ? [] : [[file.path, file] as const]))).values()].sort(
    (a, b) => (a.path < b.path ? -1 : 1),
  );
  if (located.length === 0) return { fingerprint: table, pictures };
  const own = await fingerprintFiles(pictures, false);
  const missing = located.flatMap(({ text, file }) => (file === undefined ? [text] : [])).sort();
  const digest = createHash('sha256')
    .update(JSON.stringify([table.digest, own.digest, missing]))
    .digest('hex');
  return { fingerprint: { digest, files: table.files + own.files, bytes: table.bytes + own.bytes }, pictures };
}

const BYTES_PER_QUERY = 64 * 2 ** 20;
const FILES_PER_QUERY = 1_000;
const ROWS_PER_STATEMENT = 500;

/**
 * Puts the bytes of the files that columns name beside them in the source, as columns of images. Rows whose file cannot be read move
 * to `rejects`.
 *
 * @param limit read at most so many files per column (a preview); the other rows have no image
 * @returns the source with images in place of paths
 */
export async function readPictures(source: PictureSource, limit = Number.POSITIVE_INFINITY): Promise<RawTable> {
  const { db, raw } = source;
  const found = await locate(source);
  if (found.length === 0) return raw;
  await db.run(`CREATE OR REPLACE TEMP TABLE with_pictures AS SELECT * FROM ${raw.source('all')}`);
  await raw.rejects?.();
  let content = `CAST(json_object(${raw.columns.flatMap(({ name, from, id }) => (from === 'image' ? [] : [`${literal(name)}, left(CAST(${id} AS VARCHAR), 200)`])).join(', ')}) AS VARCHAR)`;
  for (const { name, index, located } of found) {
    const text = `c${index}`;
    await rejectLocated(db, text, located, content);
    const good = located.flatMap((one) => (one.file === undefined ? [] : [{ text: one.text, file: one.file }])).slice(0, limit);
    await db.run(`CREATE OR REPLACE TEMP TABLE pictures (text VARCHAR, content BLOB)`);
    for (const batch of batches(good)) {
      const names = batch.map((one) => `(${literal(one.text)}, ${literal(one.file.path)})`);
      const paths = [...new Set(batch.map((one) => one.file.path))].map(pathLiteral);
      try {
        await db.run(
          `INSERT INTO pictures SELECT n.text, b.content FROM (VALUES ${names.join(', ')}) n(text, path) JOIN read_blob(${listLiteral(paths)}) b ON b.filename = n.path`,
        );
      } catch (error) {
        throw asPerennialError(error, 'SOURCE_CHANGED', `A file that "${name}" names cannot be read any more`);
      }
    }
    const encoded = valueSql({ id: `r.${text}`, from: 'string', type: 'image' });
    await db.run(
      `CREATE OR REPLACE TEMP TABLE filled AS SELECT r.* REPLACE (CASE WHEN ${isEncoded(`r.${text}`)} THEN ${encoded} ELSE p.content END AS ${text}), CASE WHEN NOT ${isEncoded(`r.${text}`)} THEN r.${text} END AS path${index} FROM with_pictures r LEFT JOIN pictures p ON p.text = r.${text} ORDER BY r.rowid`,
    );
    await db.run('DROP TABLE with_pictures; DROP TABLE pictures; ALTER TABLE filled RENAME TO with_pictures');
    content = content.replace(`left(CAST(${text} AS VARCHAR), 200)`, `left(path${index}, 200)`);
    await rejectImages(db, 'with_pictures', [{ name, id: text }], content);
  }
  const columns = raw.columns.map((column): RawColumn =>
    found.some(({ name }) => name === column.name) ? { name: column.name, id: column.id, from: 'image' } : column,
  );
  return {
    ...raw,
    columns,
    source: (rows) => someRows('with_pictures', rows),
    rejects: async () => {},
    forget: async () => {},
    repair: async () => undefined,
    copyRows: undefined,
  };
}

async function rejectLocated(db: Database, text: string, located: readonly Located[], content: string): Promise<void> {
  const problems = located.flatMap((one) =>
    one.problem === undefined ? [] : [`(${literal(one.text.replaceAll('\0', ' '))}, ${literal(one.problem)})`],
  );
  for (let start = 0; start < problems.length; start += ROWS_PER_STATEMENT) {
    const some = `(VALUES ${problems.slice(start, start + ROWS_PER_STATEMENT).join(', ')}) p(text, reason)`;
    const same = `p.text = replace(r.${text}, chr(0), ' ')`;
    await db.run(
      `INSERT INTO rejects SELECT r.rowid + 1, p.reason, ${content} FROM with_pictures r JOIN ${some} ON ${same} ORDER BY r.rowid`,
    );
    await db.run(`DELETE FROM with_pictures WHERE rowid IN (SELECT r.rowid FROM with_pictures r JOIN ${some} ON ${same})`);
  }
}

/** So many files at a time that their bytes fit into memory. */
function* batches<T extends { readonly file: SourceFile }>(all: readonly T[]): Generator<T[]> {
  let batch: T[] = [];
  let bytes = 0;
  for (const one of all) {
    if (batch.length > 0 && (batch.length === FILES_PER_QUERY || bytes + one.file.size > BYTES_PER_QUERY)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(one);
    bytes += one.file.size;
  }
  if (batch.length > 0) yield batch;
}
