import { createHash } from 'node:crypto';
import type { DuckDBDataChunk, DuckDBScalarFunction, DuckDBVector } from '@duckdb/node-api';

/** Name of the SQL function `row_digest(names, key, …)`; see {@link rowDigestFunction}. */
export const ROW_DIGEST = 'row_digest';

/**
 * The SQL function that makes 64 bits of the values of a row. Its first argument is the names of the columns as JSON, the others are
 * their keys, DOUBLE or UBIGINT, in the same order. It is ours and in JavaScript, since the database's own hash functions may change
 * with its version, and rows must not move between splits with an upgrade; it is called for 2,048 rows at a time.
 */
export async function rowDigestFunction(): Promise<DuckDBScalarFunction> {
  const { ANY, DuckDBScalarFunction: Scalar, UBIGINT } = await import('@duckdb/node-api');
  return Scalar.create({
    name: ROW_DIGEST,
    returnType: UBIGINT,
    varArgsType: ANY,
    specialHandling: true,
    mainFunction(_, chunk, output) {
      digestRows(chunk, output);
    },
  });
}

function digestRows(chunk: DuckDBDataChunk, output: DuckDBVector): void {
  const rows = chunk.rowCount;
  const digests = words(output, rows);
  digests.fill(0);
  const rounds = roundsOf(String(chunk.getColumnVector(0).getItem(0)));
  for (const [index, keys] of rounds.entries()) {
    const vector = chunk.getColumnVector(index + 1);
    addColumn(digests, words(vector, rows), presence(vector), keys);
  }
  output.flush();
}

/** The values of a vector of 8 bytes each, as pairs of 32 bits, the lower one first. */
function words(vector: DuckDBVector, rows: number): Uint32Array {
  const { items } = vector as unknown as { readonly items: ArrayBufferView };
  return new Uint32Array(items.buffer, items.byteOffset, 2 * rows);
}

function presence(vector: DuckDBVector): Uint32Array | null {
  const { data } = (vector as unknown as { readonly validity: { readonly data: BigUint64Array | null } }).validity;
  return data === null ? null : new Uint32Array(data.buffer, data.byteOffset, 2 * data.length);
}

/** Numbers that differ from column to column and from round to round. */
export type RoundKeys = readonly [number, number, number, number];

/** Minus zero is zero. */
const SIGN = 0x80000000;

/**
 * Adds a column to the digests by exclusive or: each value is first mixed by four rounds that can be undone, so that two values of a
 * column never become one. A missing value counts as no column.
 *
 * @see Luby and Rackoff (1988), How to construct pseudorandom permutations from pseudorandom functions
 */
export function addColumn(
  digests: Uint32Array,
  values: Uint32Array,
  present: Uint32Array | null,
  [first, second, third, fourth]: RoundKeys,
): void {
  for (let row = 0, at = 0; at < digests.length; row++, at += 2) {
    if (present !== null && ((present[row >>> 5]! >>> (row & 31)) & 1) === 0) continue;
    let low = values[at]!;
    let high = values[at + 1]!;
    if (low === 0 && high === SIGN) high = 0;
    high ^= mixed(low ^ first);
    low ^= mixed(high ^ second);
    high ^= mixed(low ^ third);
    low ^= mixed(high ^ fourth);
    digests[at] = digests[at]! ^ low;
    digests[at + 1] = digests[at + 1]! ^ high;
  }
}

/** Every bit of 32 comes to depend on every other (the finalizer of MurmurHash3). */
function mixed(value: number): number {
  let word = value;
  word = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
  word = Math.imul(word ^ (word >>> 13), 0xc2b2ae35);
  return word ^ (word >>> 16);
}

const ROUNDS_KEPT = 100;
const known = new Map<string, readonly RoundKeys[]>();

function roundsOf(names: string): readonly RoundKeys[] {
  const found = known.get(names);
  if (found !== undefined) return found;
  const rounds = (JSON.parse(names) as string[]).map(roundKeys);
  if (known.size === ROUNDS_KEPT) known.delete(known.keys().next().value!);
  known.set(names, rounds);
  return rounds;
}

/** The numbers of a column. */
export function roundKeys(name: string): RoundKeys {
  const bytes = createHash('sha256').update(`column ${name}`).digest();
  return [bytes.readUInt32LE(0), bytes.readUInt32LE(4), bytes.readUInt32LE(8), bytes.readUInt32LE(12)];
}
