import { open } from 'node:fs/promises';
import { PerennialError, isPerennialError } from '../../core/errors.ts';
import { fingerprintFiles } from '../ingest/source-files.ts';
import { readerRegistry } from '../readers/index.generated.ts';
import type { SourceFile } from '../readers/reader.ts';
import type { SourceReading } from '../stored/dataset.ts';
import type { Database } from '../table/duckdb.ts';
import { DATA_LIMITS } from '../table/limits.ts';
import { parseJson } from './json-numbers.ts';
import { headOf, plainFiles } from './text-files.ts';

/** A file of rows, of which it is known how it is read. */
export interface FoundFile {
  readonly format: string;
  /** Text: unpacked, and in UTF-8. */
  readonly files: readonly SourceFile[];
  readonly notes: readonly string[];
}

/** Lines that are looked at. */
const LINES = 20;

/**
 * Finds out how a file is read, for whatever purpose: by what it holds, then by its ending, then as the source of the model was, whose
 * encoding is tried where the file is no UTF-8. The very file that a model was trained on is thus read, whatever its name.
 *
 * @throws SOURCE_EMPTY; USAGE where nothing tells the format; SOURCE_INVALID for what is no text of a known encoding, or packed
 * in another way
 */
export async function findFormat(
  path: string,
  files: readonly SourceFile[],
  reading: SourceReading | undefined,
  { db, workDir }: { readonly db: Database; readonly workDir: string },
): Promise<FoundFile> {
  const ending = formatOfEnding(path);
  const filled = files.find(({ size }) => size > 0);
  if (filled === undefined) throw new PerennialError('SOURCE_EMPTY', `${path}: the file is empty (0 bytes).`);
  if (await isParquet(filled)) return found('parquet', files, ending, path);
  if (ending === 'parquet' && reading?.source.format !== 'csv') return { format: ending, files, notes: [] };
  const encoding = reading?.source['encoding'];
  const plain = await plainTexts(files, typeof encoding === 'string' ? encoding : undefined, { db, workDir });
  const first = plain.find(({ size }) => size > 0);
  if (first === undefined) throw new PerennialError('SOURCE_EMPTY', `${path}: nothing is packed into the file.`);
  const text = (await headOf(first, DATA_LIMITS.headBytes)).replace(/^\uFEFF/, '');
  const whole = first.size <= DATA_LIMITS.headBytes;
  const format = formatOfText(text, whole, ending, reading?.source.format);
  if (format === undefined) throw unknownFormat(path);
  return found(format, plain, ending, path);
}

function found(format: string, files: readonly SourceFile[], ending: string | undefined, path: string): FoundFile {
  return { format, files, notes: ending === format || ending === undefined ? [] : [`${path} holds ${format}, and is read as that.`] };
}

function endings(): { readonly format: string; readonly ending: string }[] {
  return readerRegistry.all().flatMap(({ format, endings: own = [] }) => own.map((ending) => ({ format, ending })));
}

/** The format that the ending of a file says. */
function formatOfEnding(path: string): string | undefined {
  const lower = path.toLowerCase();
  return endings()
    .filter(({ ending }) => lower.endsWith(ending))
    .sort((a, b) => b.ending.length - a.ending.length)[0]?.format;
}

function unknownFormat(path: string): PerennialError {
  return new PerennialError(
    'USAGE',
    `Neither the ending of "${path}" nor what it holds says its format; readable are ${endings()
      .map(({ ending }) => ending)
      .join(', ')}.`,
  );
}

async function isParquet({ path }: SourceFile): Promise<boolean> {
  const handle = await open(path);
  try {
    const { buffer } = await handle.read(Buffer.alloc(4), 0, 4, 0);
    return buffer.toString('latin1') === 'PAR1';
  } finally {
    await handle.close();
  }
}

/** @param encoding that is tried where the files are not UTF-8 */
async function plainTexts(
  files: readonly SourceFile[],
  encoding: string | undefined,
  { db, workDir }: { readonly db: Database; readonly workDir: string },
): Promise<SourceFile[]> {
  try {
    // What is packed is checked while it is unpacked.
    await fingerprintFiles(files, true);
    return await plainFiles(db, files, undefined, workDir);
  } catch (error) {
    if (encoding === undefined || encoding === 'utf-8' || !isPerennialError(error, 'SOURCE_INVALID')) throw error;
    return plainFiles(db, files, encoding, workDir);
  }
}

/**
 * @param whole whether the text is all that the file holds
 * @param ending the format that its ending says
 * @param model format of the model's source
 */
function formatOfText(text: string, whole: boolean, ending: string | undefined, model: string | undefined): string | undefined {
  const isJson = (format: string | undefined): format is string => format === 'json' || format === 'ndjson';
  const start = text.trimStart();
  if (/^\[\s*(\{|\]|$)/.test(start)) return 'json';
  const lines = start.split('\n', LINES + 1);
  // A line may be longer than what was looked at, and one may stand behind it.
  const complete = (whole ? lines : lines.slice(0, -1)).filter((line) => line.trim() !== '');
  const objects = complete.slice(0, LINES).filter(isObject).length;
  if (start.startsWith('{')) {
    if (objects > 0 && (complete.length > 1 || !whole)) return 'ndjson';
    if (isJson(ending)) return ending;
    if (objects > 0 || /^\{\s*("|\}|$)/.test(start)) return isJson(model) ? model : 'json';
  }
  if (ending === 'csv' || model === 'csv') return 'csv';
  if (objects > 0 && objects >= complete.length / 2) return 'ndjson';
  return ending ?? (model === undefined ? undefined : isJson(model) && start === '' ? model : 'csv');
}

function isObject(line: string): boolean {
  if (!line.trimStart().startsWith('{')) return false;
  try {
    const value = parseJson(line);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    // Whatever it is, it is no object.
    return false;
  }
}
