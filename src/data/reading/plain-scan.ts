import { setImmediate } from 'node:timers/promises';
import { THREADS_AHEAD, threadsFor, workInThreads } from '../../platform/threads.ts';
import type { AppendRaw, Database, RawKind, RawValues } from '../table/duckdb.ts';
import { roundKeys } from '../table/row-digest.ts';
import { piecesOf } from './plain-pieces.ts';
import type { LongText, PieceAnswer, PieceTask, PlainShape } from './plain-pieces.ts';
import { NotPlain, PlainRows, chunkLayout } from './plain-rows.ts';
import type { PlainKind, PlainLayout, PlainPiece } from './plain-rows.ts';

export interface PlainSource extends Omit<PlainLayout, 'columns' | 'pieces'> {
  readonly files: readonly Pick<PlainPiece, 'path' | 'skip'>[];
  /** Of all columns of the files, in their order. */
  readonly columns: readonly { readonly name: string; readonly kind: PlainKind }[];
}

/** From so many pieces on threads gain more than they need to start. */
const PIECES_MIN = 6;
/** A thread holds a piece, what was read of it, and what is to be taken. */
const THREADS_MAX = 2;
/** How many chunks are read at once before other work of the process goes on. */
const CHUNKS_PER_TURN = 4;

/**
 * Appends the rows of plain files to a table: their columns that are not left out, in their order, and behind them `digest`, and
 * `identity`, which may be missing.
 *
 * @param pieceBytes of the pieces that files are cut into
 * @returns false where the files are not plain: rows may have been appended, and the general reading has to make the table anew
 */
export async function appendPlainRows(
  db: Database,
  table: string,
  { columns, files, ...layout }: PlainSource,
  pieceBytes?: number,
): Promise<boolean> {
  const kinds = columns.map(({ kind }) => kind);
  const shape: PlainShape = { ...layout, columns: columns.map(({ name, kind }) => ({ kind, keys: roundKeys(name) })) };
  const pieces = piecesOf(files, pieceBytes);
  const raw: RawKind[] = [...kinds.flatMap((kind): RawKind[] => (kind === 'leave' ? [] : [kind === 'string' ? 'text' : 'double']))];
  try {
    await db.appendRaw(table, [...raw, 'unsigned', 'unsigned'], (append) =>
      pieces.length < PIECES_MIN ? readHere(shape, files, append, db.signal) : readInThreads(shape, kinds, pieces, append, db.signal),
    );
    return true;
  } catch (error) {
    if (error instanceof NotPlain) return false;
    throw error;
  }
}

async function readHere(
  shape: PlainShape,
  files: readonly PlainPiece[],
  append: AppendRaw,
  signal: AbortSignal | undefined,
): Promise<void> {
  const rows = new PlainRows({ ...shape, pieces: files });
  const { chunk } = rows;
  const kinds = shape.columns.map(({ kind }) => kind);
  try {
    for (let turn = 1; ; turn += 1) {
      rows.next();
      if (chunk.rows === 0) return;
      append(valuesOf(kinds, chunk.memory.buffer as ArrayBuffer, 0, chunk.long), chunk.rows);
      if (turn % CHUNKS_PER_TURN !== 0) continue;
      await setImmediate();
      signal?.throwIfAborted();
    }
  } finally {
    rows.close();
  }
}

/** @throws NotPlain */
async function readInThreads(
  shape: PlainShape,
  kinds: readonly PlainKind[],
  pieces: readonly PlainPiece[],
  append: AppendRaw,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { bytes } = chunkLayout(kinds);
  const threads = Math.min(THREADS_MAX, threadsFor(pieces.length));
  const tasks = pieces.map((piece): PieceTask => ({ piece }));
  let carriage: boolean | undefined;
  await workInThreads<PieceTask, PieceAnswer>({
    entry: 'plain-rows',
    what: 'reading the rows',
    data: shape,
    tasks,
    threads,
    signal,
    take(answer, task) {
      if ('notPlain' in answer) throw new NotPlain(answer.notPlain);
      if (answer.carriage !== undefined && answer.carriage !== (carriage ??= answer.carriage))
        throw new NotPlain('lines that end in different ways');
      const long = longTexts(answer.long);
      for (const [chunk, rows] of answer.rows.entries()) append(valuesOf(kinds, answer.memory, chunk * bytes, long.get(chunk) ?? []), rows);
      const later = tasks[task + THREADS_AHEAD * threads];
      if (later !== undefined) later.memory = answer.memory;
    },
  });
}

type ByColumn = (Map<number, string> | undefined)[];

function longTexts(texts: readonly LongText[]): ReadonlyMap<number, ByColumn> {
  const chunks = new Map<number, ByColumn>();
  for (const [chunk, column, row, text] of texts) {
    let columns = chunks.get(chunk);
    if (columns === undefined) chunks.set(chunk, (columns = []));
    (columns[column] ??= new Map()).set(row, text);
  }
  return chunks;
}

const WORDS_OF_BITS = 64;

/** The columns of a chunk that lies in memory from some byte on. */
function valuesOf(
  kinds: readonly PlainKind[],
  memory: ArrayBuffer,
  offset: number,
  long: readonly (ReadonlyMap<number, string> | undefined)[],
): RawValues[] {
  const { columns, digests, identities, identified } = chunkLayout(kinds);
  const bits = (at: number): Uint32Array => new Uint32Array(memory, offset + at, WORDS_OF_BITS);
  const values = (at: number): Uint8Array => new Uint8Array(memory, offset + at);
  return [
    ...columns.flatMap((at, index): RawValues[] =>
      at === undefined ? [] : [{ values: values(at.values), present: bits(at.present), long: long[index] }],
    ),
    { values: values(digests) },
    { values: values(identities), present: bits(identified) },
  ];
}
