import { statSync } from 'node:fs';
import { NotPlain, PlainRows, chunkLayout } from './plain-rows.ts';
import type { PlainLayout, PlainPiece } from './plain-rows.ts';

/** What a thread has to know of plain files. */
export type PlainShape = Omit<PlainLayout, 'pieces'>;

/** A piece of a file that a thread reads. */
export interface PieceTask {
  readonly piece: PlainPiece;
  /** Taken for the answer where it is large enough. */
  memory?: ArrayBuffer;
}

/** A text of more than twelve bytes, and where it stands. */
export type LongText = readonly [chunk: number, column: number, row: number, text: string];

export type PieceAnswer =
  | {
      /** Chunks, one behind the other, each laid out as {@link chunkLayout} says. */
      readonly memory: ArrayBuffer;
      /** By chunk. */
      readonly rows: readonly number[];
      readonly long: readonly LongText[];
      readonly carriage?: boolean;
    }
  | { readonly notPlain: string };

/** Bytes of a piece: what a thread reads before it takes the next. */
const PIECE_BYTES = 4 * 1024 * 1024;

/** Cuts files into pieces. @throws what the file system throws */
export function piecesOf(files: readonly Pick<PlainPiece, 'path' | 'skip'>[], pieceBytes: number = PIECE_BYTES): PlainPiece[] {
  return files.flatMap(({ path, skip }) => {
    const { size } = statSync(path);
    const count = Math.max(1, Math.ceil(size / pieceBytes));
    return Array.from({ length: count }, (_, index) => ({
      path,
      skip,
      start: index * pieceBytes,
      ...(index === count - 1 ? {} : { end: (index + 1) * pieceBytes }),
    }));
  });
}

/** The rows of a piece, or why it is not plain. */
export function packedRows(shape: PlainShape, { piece, memory: given }: PieceTask): PieceAnswer {
  const { bytes } = chunkLayout(shape.columns.map(({ kind }) => kind));
  const rows: number[] = [];
  const long: LongText[] = [];
  let memory = new Uint8Array(given ?? new ArrayBuffer(bytes * 16));
  const reader = new PlainRows({ ...shape, pieces: [piece] });
  try {
    for (;;) {
      reader.next();
      const { chunk } = reader;
      if (chunk.rows === 0) break;
      if (memory.length < bytes * (rows.length + 1)) {
        const larger = new Uint8Array(Math.ceil(1.5 * (rows.length + 1)) * bytes);
        larger.set(memory);
        memory = larger;
      }
      memory.set(chunk.memory, bytes * rows.length);
      for (const [column, texts] of chunk.long.entries())
        for (const [row, text] of texts ?? []) long.push([rows.length, column, row, text]);
      rows.push(chunk.rows);
    }
    const { carriage } = reader;
    return { memory: memory.buffer, rows, long, ...(carriage === undefined ? {} : { carriage }) };
  } catch (error) {
    if (error instanceof NotPlain) return { notPlain: error.message };
    throw error;
  } finally {
    reader.close();
  }
}
