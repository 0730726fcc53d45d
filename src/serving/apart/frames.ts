import type { Writable } from 'node:stream';
import type { ErrorCode } from '../../core/errors.ts';
import type { LocalFiles } from '../../training/trainer/local-artifact.ts';

/**
 * What a server and the process of a network send each other over a pipe: 4 bytes length of the head, 4 bytes length of the values, both
 * little-endian; the head as JSON; the values as they lie in memory.
 */
export type Head =
  /** The model; the first frame. */
  | { readonly type: 'load'; readonly model: LocalFiles }
  | { readonly type: 'loaded' }
  /** Values: the tensors one after the other, each with its own number of bytes. */
  | { readonly type: 'predict'; readonly id: number; readonly rows: number; readonly tensors: Readonly<Record<string, number>> }
  /** Values: float32. */
  | { readonly type: 'answer'; readonly id: number }
  /** Without an id: the model cannot be loaded. */
  | { readonly type: 'failed'; readonly id?: number; readonly code: ErrorCode; readonly message: string; readonly hint: string };

/** Bytes of both lengths. */
const LENGTHS = 8;

/** @param values not to be changed until they are sent */
export function writeFrame(pipe: Writable, head: Head, values: readonly NodeJS.ArrayBufferView[] = []): void {
  const text = Buffer.from(JSON.stringify(head));
  const start = Buffer.allocUnsafe(LENGTHS + text.length);
  start.writeUInt32LE(text.length, 0);
  start.writeUInt32LE(
    values.reduce((sum, { byteLength }) => sum + byteLength, 0),
    4,
  );
  text.copy(start, LENGTHS);
  pipe.cork();
  pipe.write(start);
  for (const { buffer, byteOffset, byteLength } of values) pipe.write(Buffer.from(buffer, byteOffset, byteLength));
  pipe.uncork();
}

/** Gives what comes in pieces as whole frames, in their order. The values begin at a multiple of 8 bytes of memory of their own. */
export class FrameReader {
  readonly #onFrame: (head: Head, values: Uint8Array) => void;
  #pieces: Buffer[] = [];
  #bytes = 0;

  constructor(onFrame: (head: Head, values: Uint8Array) => void) {
    this.#onFrame = onFrame;
  }

  push(piece: Buffer): void {
    this.#pieces.push(piece);
    this.#bytes += piece.length;
    for (;;) {
      if (this.#bytes < LENGTHS) return;
      const lengths = this.#front(LENGTHS);
      const head = lengths.readUInt32LE(0);
      const values = lengths.readUInt32LE(4);
      if (this.#bytes < LENGTHS + head + values) return;
      const frame = this.#take(LENGTHS + head + values);
      const found = new Uint8Array(values);
      found.set(frame.subarray(LENGTHS + head));
      this.#onFrame(JSON.parse(frame.toString('utf8', LENGTHS, LENGTHS + head)) as Head, found);
    }
  }

  /** The first bytes, joined only as far as needed: a large frame comes in thousands of pieces. */
  #front(bytes: number): Buffer {
    while (this.#pieces[0]!.length < bytes) this.#pieces.splice(0, 2, Buffer.concat(this.#pieces.slice(0, 2)));
    return this.#pieces[0]!;
  }

  #take(bytes: number): Buffer {
    const all = this.#pieces.length === 1 ? this.#pieces[0]! : Buffer.concat(this.#pieces);
    const rest = all.subarray(bytes);
    this.#pieces = rest.length === 0 ? [] : [rest];
    this.#bytes = rest.length;
    return all.subarray(0, bytes);
  }
}
