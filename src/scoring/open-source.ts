import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { PerennialError } from '../core/errors.ts';
import {
  areListedOtherwise,
  fingerprintFiles,
  listFolder,
  listSource,
  namesFile,
  readUnchanged,
  stampOf,
} from '../data/ingest/source-files.ts';
import type { SourceFile } from '../data/readers/reader.ts';
import { readerRegistry } from '../data/readers/index.generated.ts';
import type { JsonObject } from '../core/json.ts';
import { plainFiles } from '../data/reading/text-files.ts';
import { findFormat } from '../data/reading/file-format.ts';
import type { FoundFile } from '../data/reading/file-format.ts';
import type { OpenedFile } from '../data/reading/read-as.ts';
import type { SourceReading } from '../data/stored/dataset.ts';
import type { Database } from '../data/table/duckdb.ts';
import { requireApart } from '../platform/same-file.ts';
import type { NamedPath } from '../platform/same-file.ts';
import type { ScoreTask } from './score-task.ts';

/** Where rows come from. */
export interface RowsSource {
  /** The column that says which file a row is. */
  readonly origin?: string;
  readonly notes: readonly string[];
  open(db: Database, workDir: string): Promise<OpenedFile>;
}

/** A source whose files are known. */
export interface OpenedSource extends RowsSource {
  readonly digest: string;
  readonly bytes: number;
  /** Of the files as they were listed. */
  readonly stamp: string;
  /** Reads it by {@link readUnchanged}. */
  unchanged<T>(read: () => Promise<T>): Promise<T>;
  /** What is written must be no file of it, of this time or the next. @throws USAGE */
  requireApart(outputs: readonly NamedPath[]): Promise<void>;
}

/**
 * Files of rows, or a folder of files of which each is a row (images, texts); class folders in it are looked through, and say nothing.
 *
 * @param reading of the model
 * @throws SOURCE_NOT_FOUND, SOURCE_EMPTY, SOURCE_INVALID
 */
export async function openSource(
  { source, folder }: Pick<ScoreTask, 'source' | 'folder'>,
  reading: SourceReading | undefined,
): Promise<OpenedSource> {
  const full = resolve(folder, source.path);
  const found = await stat(full).catch(() => undefined);
  const format = source.format ?? (found?.isDirectory() === true ? await folderFormat(full, reading) : undefined);
  const perFile = format !== undefined && readerRegistry.get(format).layout === 'classFolders';
  const list = async (): Promise<SourceFile[]> =>
    perFile
      ? listFolder(full, readerRegistry.get(format).extensions ?? [])
      : listSource(readerRegistry.get('csv'), { format: 'csv', path: source.path }, folder);
  const files = await list();
  const stamp = stampOf(files);
  if (!perFile && files.every(({ size }) => size === 0))
    throw new PerennialError('SOURCE_EMPTY', `${source.path}: the file is empty (0 bytes).`);
  const { digest, bytes } = await fingerprintFiles(files, false);
  const filesOf = async (
    at: { readonly db: Database; readonly workDir: string },
    asDeclared: SourceReading | undefined,
  ): Promise<FoundFile> => {
    if (perFile) return { format, files, notes: [] };
    if (format === undefined) return findFormat(source.path, files, asDeclared, at);
    const { encoding } = source;
    const isText = format !== 'parquet';
    return {
      format,
      files: isText ? await plainFiles(at.db, files, typeof encoding === 'string' ? encoding : undefined, at.workDir) : files,
      notes: [],
    };
  };
  return {
    digest,
    bytes,
    stamp,
    ...(perFile ? { origin: 'file' } : {}),
    notes: [],
    async open(db, workDir) {
      await rm(workDir, { recursive: true, force: true });
      await mkdir(workDir, { recursive: true });
      // Images are opened where they are needed, one after the other: as a table they are their paths.
      if (format === 'images') return { path: source.path, reading, db, workDir, ...(await listing(files, join(workDir, 'images.csv'))) };
      const declared = layoutOf(source, perFile);
      const asDeclared = meaningOf(declared, format, reading);
      const found = await filesOf({ db, workDir }, asDeclared);
      return { path: source.path, reading: asDeclared, db, workDir, ...(declared === undefined ? {} : { declared }), ...found };
    },
    async requireApart(outputs) {
      await requireApart(
        outputs,
        files.map(({ path, name }) => ({ named: name, path })),
      );
      const mine = perFile ? undefined : outputs.find(({ path }) => namesFile(source.path, folder, path));
      if (mine === undefined) return;
      throw new PerennialError(
        'USAGE',
        `${mine.named} is among the files that "${source.path}" names: its answers would be read as rows.`,
        {
          hint: 'Write to another folder, or name the files of rows more closely.',
        },
      );
    },
    unchanged: (read) => readUnchanged(source.path, () => areListedOtherwise(files, list), read),
  };
}

async function listing(files: readonly SourceFile[], path: string): Promise<FoundFile> {
  const cell = (text: string): string => `"${text.replaceAll('"', '""')}"`;
  await writeFile(path, `image,file\n${files.map((file) => `${cell(file.path)},${cell(file.name)}\n`).join('')}`);
  return { format: 'csv', files: await listSource(readerRegistry.get('csv'), { format: 'csv', path }, '/'), notes: [] };
}

/** Settings of the reader that the source declares; the encoding of tables is dealt with before. */
function layoutOf({ path: _path, format: _format, ...given }: ScoreTask['source'], perFile: boolean): JsonObject | undefined {
  const { encoding: _encoding, ...others } = given;
  const settings: JsonObject = perFile ? given : others;
  return Object.keys(settings).length === 0 ? undefined : settings;
}

/** What values mean is what the model learnt; texts for a missing value may be others in this file. */
function meaningOf(
  declared: JsonObject | undefined,
  format: string | undefined,
  reading: SourceReading | undefined,
): SourceReading | undefined {
  const nullValues = declared?.['nullValues'];
  if (nullValues === undefined || reading === undefined) return reading;
  return { ...reading, source: { ...reading.source, ...(format === undefined ? {} : { format }), nullValues } };
}

async function folderFormat(folder: string, reading: SourceReading | undefined): Promise<string> {
  const own = reading?.source.format;
  const formats = readerRegistry.all().filter(({ layout }) => layout === 'classFolders');
  if (own !== undefined && formats.some(({ format }) => format === own)) return own;
  const entries = await readdir(folder, { recursive: true });
  const fit = formats.filter(({ extensions = [] }) =>
    entries.some((name) => extensions.some((ending) => name.toLowerCase().endsWith(ending))),
  );
  if (fit.length === 1) return fit[0]!.format;
  throw new PerennialError(
    'SOURCE_INVALID',
    `${folder} is a folder; it holds ${fit.length === 0 ? 'neither images nor texts' : 'images and texts'}.`,
    {
      hint: `Name a file, several by a pattern such as "${join(folder, '*.csv')}", or a folder of images.`,
    },
  );
}
