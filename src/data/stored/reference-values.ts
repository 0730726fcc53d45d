import { PerennialError } from '../../core/errors.ts';
import { ranksOfCounts } from '../table/ranks.ts';
import type { Ranks } from '../table/ranks.ts';

/** File beside `profile.json` with what drift is measured against where the profile itself is only a sample of it. */
export const REFERENCE_FILE = 'reference.bin';

export interface NumberReference {
  readonly kind: 'number';
  readonly name: string;
  readonly ranks: Ranks;
  /** Standard deviation of the population. */
  readonly deviation: number;
  /** Values in the data. More than `ranks.size`: the ranks are those of every so many rows. */
  readonly of: number;
}

export interface CategoryReference {
  readonly kind: 'category';
  readonly name: string;
  /** Most frequent first. */
  readonly counts: ReadonlyMap<string, number>;
  /** Rows of the values that are not listed. */
  readonly other: number;
}

export type ColumnReference = NumberReference | CategoryReference;
export type ReferenceValues = ReadonlyMap<string, ColumnReference>;

const MAGIC = Buffer.from('PRNLREF1', 'latin1');

interface NumberHeader {
  readonly kind: 'number';
  readonly name: string;
  readonly values: number;
  readonly size: number;
  readonly complete: boolean;
  readonly deviation: number;
  readonly of: number;
  /** Place of the first of the blocks in bytes, from where the header ends. */
  readonly at: number;
}
interface CategoryHeader {
  readonly kind: 'category';
  readonly name: string;
  readonly counts: readonly (readonly [string, number])[];
  readonly other: number;
}

/**
 * The columns as one file: `PRNLREF1`, the length of the header (unsigned 32 bits), the header as JSON, and from the next multiple of
 * 8 on the blocks of the columns, in little-endian, each from a multiple of 8 on. A column of numbers has the ascending values
 * (float64); then, unless each occurs once, the numbers of values up to each (unsigned 32 bits, of at most a million); then, where
 * values are left out, the numbers of values below each (the same).
 */
export function encodeReference(columns: readonly ColumnReference[]): Uint8Array {
  const blocks: (Float64Array | Uint32Array)[] = [];
  let at = 0;
  const headers = columns.map((column): NumberHeader | CategoryHeader => {
    if (column.kind === 'category') return { kind: 'category', name: column.name, counts: [...column.counts], other: column.other };
    const { ranks, name, deviation, of } = column;
    const header = {
      kind: 'number' as const,
      name,
      values: ranks.values.length,
      size: ranks.size,
      complete: ranks.complete,
      deviation,
      of,
      at,
    };
    const own = [
      ranks.values,
      ...(isOnce(header) ? [] : [Uint32Array.from(ranks.through)]),
      ...(ranks.complete ? [] : [Uint32Array.from(ranks.below)]),
    ];
    blocks.push(...own);
    for (const block of own) at += padded(block.byteLength);
    return header;
  });
  const header = Buffer.from(JSON.stringify({ formatVersion: 1, columns: headers }));
  const start = startOf(header.length);
  const bytes = Buffer.alloc(start + at);
  MAGIC.copy(bytes);
  bytes.writeUInt32LE(header.length, MAGIC.length);
  header.copy(bytes, MAGIC.length + 4);
  let offset = start;
  for (const block of blocks) {
    Buffer.from(block.buffer, block.byteOffset, block.byteLength).copy(bytes, offset);
    offset += padded(block.byteLength);
  }
  return bytes;
}

/** @throws MODEL_INVALID for what is no such file */
export function decodeReference(bytes: Uint8Array): ReferenceValues {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    if (!buffer.subarray(0, MAGIC.length).equals(MAGIC)) throw new RangeError('it does not begin with PRNLREF1');
    const length = buffer.readUInt32LE(MAGIC.length);
    const { columns } = JSON.parse(buffer.toString('utf8', MAGIC.length + 4, MAGIC.length + 4 + length)) as {
      columns: readonly (NumberHeader | CategoryHeader)[];
    };
    const start = startOf(length);
    const block: Block = (Kind, at, count) => {
      const from = start + at;
      const length = count * Kind.BYTES_PER_ELEMENT;
      if (from + length > buffer.length) throw new RangeError(`it ends after ${buffer.length} bytes, ${from + length} are announced`);
      // Numbers can only be looked at in place where the place is a multiple of their size.
      const place = buffer.byteOffset + from;
      return place % 8 === 0 ? new Kind(buffer.buffer, place, count) : new Kind(buffer.buffer.slice(place, place + length));
    };
    return new Map(
      columns.map((column) => [
        column.name,
        column.kind === 'category' ? { ...column, counts: new Map(column.counts) } : numbersOf(column, block),
      ]),
    );
  } catch (error) {
    if (error instanceof PerennialError) throw error;
    throw new PerennialError('MODEL_INVALID', `${REFERENCE_FILE} cannot be read: ${(error as Error).message}.`, {
      hint: 'Register the model again, or compare with another version.',
      cause: error,
    });
  }
}

type Block = <T extends Float64Array | Uint32Array>(
  Kind: { new (buffer: ArrayBufferLike, offset?: number, length?: number): T; readonly BYTES_PER_ELEMENT: number },
  at: number,
  count: number,
) => T;

function numbersOf(header: NumberHeader, block: Block): NumberReference {
  const { name, deviation, of, values: count, at, size, complete } = header;
  const values = block(Float64Array, at, count);
  const counts = (index: number): Uint32Array => block(Uint32Array, at + values.byteLength + index * padded(count * 4), count);
  const ranks = (): Ranks => {
    if (isOnce(header)) return ranksOfCounts(values, new Float64Array(count).fill(1));
    if (!complete) return { values, through: Float64Array.from(counts(0)), below: Float64Array.from(counts(1)), size, complete };
    const ends = new Float64Array(count + 1);
    ends.set(counts(0), 1);
    return { values, through: ends.subarray(1), below: ends.subarray(0, count), size, complete };
  };
  return { kind: 'number', name, deviation, of, ranks: ranks() };
}

const padded = (bytes: number): number => Math.ceil(bytes / 8) * 8;
const isOnce = ({ complete, size, values }: Pick<NumberHeader, 'complete' | 'size' | 'values'>): boolean => complete && size === values;
const startOf = (headerLength: number): number => Math.ceil((MAGIC.length + 4 + headerLength) / 8) * 8;
