import { open } from 'node:fs/promises';
import { basename } from 'node:path';
import { messageOf } from '../../core/errors.ts';
import { parquetTable } from '../table/duckdb.ts';
import type { Database } from '../table/duckdb.ts';
import type { SourceFile, SourceProblem } from '../readers/reader.ts';
import { judgeFirstBytes } from './text-files.ts';

/** Four bytes at both ends, and the length of what describes the file before the last ones. */
const MAGIC = 'PAR1';
const ENCRYPTED = 'PARE';
const END_BYTES = 8;
const AGAIN = 'Write it again, or copy it again: whoever wrote or copied it stopped before the end, or changed it afterwards.';

/** Why files cannot be read as Parquet, in words of ours. @param error of the database */
export async function parquetProblem(db: Database, files: readonly SourceFile[], error: unknown): Promise<SourceProblem> {
  for (const file of files) {
    const problem = await problemOfEnds(file);
    if (problem !== undefined) return problem;
  }
  const text = messageOf(error);
  const nameOf = (path: string): string => files.find((file) => file.path === path)?.name ?? basename(path);
  const [, path, codec] = /file "([^"]*)": Unsupported compression codec "?(\w+)/i.exec(text) ?? [];
  if (codec !== undefined)
    return {
      message: `${nameOf(path!)} is packed with ${codec}, which is not read`,
      hint: 'Write it with one of uncompressed, snappy, gzip, brotli, lz4_raw or zstd.',
    };
  if (/at least one non-root column/i.test(text))
    return { message: `${nameOf(files[0]!.path)} has no columns`, hint: 'Write it again, with columns and rows.' };
  const [, lacked, first, second] =
    /column "([^"]*)" was read from the original file "([^"]*)", but could not be found in file "([^"]*)"/.exec(text) ?? [];
  if (lacked !== undefined)
    return {
      message: `${nameOf(second!)} has no column "${lacked}", and ${nameOf(first!)} has one`,
      hint: 'The files of a source have the same columns: correct the file, or name the files more closely in "path".',
    };
  const [, odd, column, from, to] = /reading file "([^"]*)": failed to cast column "([^"]*)" from type (.+?) to (.+?):/.exec(text) ?? [];
  if (odd !== undefined)
    return {
      message: `the column "${column}" is of type ${from} in ${nameOf(odd)}, and of type ${to} in ${files[0]!.name}`,
      hint: 'The files of a source have columns of the same types: write them again with one of both.',
    };
  const broken = await firstBroken(db, files);
  return broken.inFooter
    ? {
        message: `${broken.file.name} has a footer that cannot be understood: the file is damaged, or encrypted with its footer left open`,
        hint: `${AGAIN} Of an encrypted file, write one without encryption.`,
      }
    : {
        message: `${broken.file.name} has values that cannot be read, and a footer that is whole: it is damaged, or its columns are encrypted`,
        hint: `${AGAIN} Of an encrypted file, write one without encryption.`,
      };
}

async function problemOfEnds({ path, name, size }: SourceFile): Promise<SourceProblem | undefined> {
  if (size === 0) return { message: `${name} is empty (0 bytes)`, hint: 'Write it again, or leave it out.' };
  const handle = await open(path);
  try {
    const first = (await handle.read(Buffer.alloc(64), 0, 64, 0)).buffer.subarray(0, Math.min(64, size));
    const start = Math.max(0, size - END_BYTES);
    const last = (await handle.read(Buffer.alloc(END_BYTES), 0, END_BYTES, start)).buffer.subarray(0, size - start);
    const [head, tail] = [first.toString('latin1', 0, 4), last.toString('latin1', Math.max(0, last.length - 4))];
    if (head === ENCRYPTED || tail === ENCRYPTED)
      return { message: `${name} is encrypted, and nothing here has its keys`, hint: 'Write it without encryption.' };
    if (head !== MAGIC)
      return {
        message: `${name} is no Parquet file: it ${beginningOf(first, name)}`,
        hint: 'Give the "format" that it has, or the file that was meant.',
      };
    if (tail !== MAGIC || size < 2 * MAGIC.length + 4)
      return { message: `${name} is cut off: it begins as Parquet does, and ends without its footer (${size} bytes)`, hint: AGAIN };
    const footer = last.readUInt32LE(0);
    if (footer > size - 2 * MAGIC.length - 4)
      return { message: `${name} is damaged: its footer would have ${footer} bytes, and the file has ${size}`, hint: AGAIN };
    return undefined;
  } finally {
    await handle.close();
  }
}

/** What a file that is no Parquet seems to be. */
function beginningOf(first: Buffer, name: string): string {
  try {
    judgeFirstBytes(first, name);
  } catch (error) {
    // "NAME is a ZIP archive …, not a text file."
    return messageOf(error).replace(`${name} is`, 'is').replace(', not a text file.', '');
  }
  const text = first
    .toString('utf8')
    .split(/[\r\n]/)[0]!
    .slice(0, 40);
  return /^[\p{L}\p{N}\p{P}\p{S} \t]+$/u.test(text) && !text.includes('\uFFFD')
    ? `begins with the text ${JSON.stringify(text)}`
    : `begins with the bytes ${first.toString('hex', 0, 8)}`;
}

async function firstBroken(db: Database, files: readonly SourceFile[]): Promise<{ readonly file: SourceFile; readonly inFooter: boolean }> {
  for (const file of files) {
    const table = parquetTable(file.path);
    const fails = async (sql: string): Promise<boolean> =>
      db.rows(sql).then(
        () => false,
        () => true,
      );
    if (await fails(`SELECT count(*) FROM ${table}`)) return { file, inFooter: true };
    if (await fails(`SELECT count(COLUMNS(*)) FROM ${table}`)) return { file, inFooter: false };
  }
  return { file: files[0]!, inFooter: false };
}
