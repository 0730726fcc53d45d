import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { PerennialError, messageOf } from '../../core/errors.ts';
import { defineSink } from './sink.ts';

interface FileConfig {
  readonly path: string;
  readonly bytesMax: number;
  readonly filesKept: number;
}

const NEWLINE = 0x0a;
/** Looked through at once for the end of the last whole line. */
const CHUNK_BYTES = 65_536;

export default defineSink<FileConfig>({
  name: 'file',
  aliases: ['ndjson', 'jsonl', 'log'],
  summary: 'A file on the machine of the worker, one event a line (ndjson), flushed to disk event by event.',
  configSchema: {
    type: 'object',
    additionalProperties: false,
    required: ['path'],
    properties: {
      path: {
        type: 'string',
        minLength: 1,
        description: 'The file; relative to the folder of the document. Folders are made.',
        examples: ['events/penguins.ndjson'],
      },
      bytesMax: {
        type: 'integer',
        minimum: 1_024,
        default: 67_108_864,
        description: 'A file that would grow beyond this is renamed (NAME-1.ndjson is older than NAME-2.ndjson), and a new one begun.',
      },
      filesKept: {
        type: 'integer',
        minimum: 0,
        default: 100,
        description: 'Of the renamed files, so many of the newest are kept.',
      },
    },
  },
  reference: 'https://github.com/ndjson/ndjson-spec',
  concurrency: 1,
  async send({ body }, { path, bytesMax, filesKept }, { documentDir }) {
    const file = resolve(documentDir, path);
    try {
      await inTurn(file, () => append(file, Buffer.from(`${body}\n`), { bytesMax, filesKept }));
    } catch (error) {
      throw new PerennialError('EVENT_FAILED', `${file} cannot be written: ${messageOf(error)}`, {
        hint: 'Events wait until the file can be written.',
        cause: error,
      });
    }
  },
});

const turns = new Map<string, Promise<unknown>>();

/** Two sinks may name one file. */
function inTurn<T>(file: string, write: () => Promise<T>): Promise<T> {
  const mine = (turns.get(file) ?? Promise.resolve()).then(write);
  turns.set(
    file,
    mine.catch(() => undefined),
  );
  return mine;
}

async function append(file: string, line: Buffer, limits: Pick<FileConfig, 'bytesMax' | 'filesKept'>): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  const handle = await open(file, 'a+');
  try {
    const size = await wholeLines(handle, file);
    // A worker that was killed before it could note that the line is there writes it again.
    if (await endsWith(handle, size, line)) return;
    if (size === 0 || size + line.length <= limits.bytesMax) return await write(handle, line);
  } finally {
    await handle.close();
  }
  await roll(file, limits.filesKept);
  const fresh = await open(file, 'a');
  try {
    await write(fresh, line);
  } finally {
    await fresh.close();
  }
}

async function write(handle: FileHandle, line: Buffer): Promise<void> {
  await handle.writeFile(line);
  await handle.datasync();
}

/** Every event begins so; a machine that lost its power may leave zeros. */
const TORN = /^(\{|\0)/;

/**
 * Takes away what a kill or a full disk left of a line. @returns the size then
 *
 * @throws Error where the end of the file is of no event: somebody else's file is not cut
 */
async function wholeLines(handle: FileHandle, file: string): Promise<number> {
  const { size } = await handle.stat();
  let end = size;
  for (let last = -1; end > 0 && last === -1;) {
    const from = Math.max(0, end - CHUNK_BYTES);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(end - from), 0, end - from, from);
    last = buffer.subarray(0, bytesRead).lastIndexOf(NEWLINE);
    end = last === -1 ? from : from + last + 1;
  }
  if (end === size) return end;
  const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, end);
  if (!TORN.test(buffer.toString('latin1')))
    throw new Error(
      `its last line is no event, and has no end; "path" of the sink may name another file than was meant (${basename(file)})`,
    );
  await handle.truncate(end);
  return end;
}

async function endsWith(handle: FileHandle, size: number, line: Buffer): Promise<boolean> {
  if (size < line.length) return false;
  const { buffer } = await handle.read(Buffer.alloc(line.length), 0, line.length, size - line.length);
  if (!buffer.equals(line)) return false;
  if (size === line.length) return true;
  const before = await handle.read(Buffer.alloc(1), 0, 1, size - line.length - 1);
  return before.buffer[0] === NEWLINE;
}

/** The file gets the next number; the oldest ones go. */
async function roll(file: string, kept: number): Promise<void> {
  const folder = dirname(file);
  const ending = extname(file);
  const stem = basename(file, ending);
  const numbers = (await readdir(folder))
    .map((name) => (name.startsWith(`${stem}-`) && name.endsWith(ending) ? name.slice(stem.length + 1, name.length - ending.length) : ''))
    .filter((text) => /^\d+$/.test(text))
    .map(Number)
    .sort((a, b) => a - b);
  const named = (number: number): string => join(folder, `${stem}-${number}${ending}`);
  const next = (numbers.at(-1) ?? 0) + 1;
  await rename(file, named(next));
  const all = [...numbers, next];
  for (const number of all.slice(0, Math.max(0, all.length - kept))) await rm(named(number), { force: true });
}
