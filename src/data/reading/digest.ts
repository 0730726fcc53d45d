import { createHash } from 'node:crypto';
import { literal } from '../table/duckdb.ts';
import { ROW_DIGEST } from '../table/row-digest.ts';
import type { ColumnType } from '../stored/column.ts';

/** Bytes of the digest of a row. */
export const DIGEST_BYTES = 8;

const MASK = '4294967295';

export interface DigestColumn {
  readonly name: string;
  readonly type: ColumnType;
  /** SQL of the typed value. */
  readonly sql: string;
}

/**
 * A query that gives everything of `source` and `digest`: 64 bits that stand for the contents of a row. They are equal for equal
 * values in columns of equal names, whatever format they were read from and in whatever order the columns stand; a missing value
 * counts as no column.
 */
export function withDigest(source: string, columns: readonly DigestColumn[]): string {
  if (columns.length === 0) return `(SELECT *, CAST(0 AS UBIGINT) AS digest FROM ${source})`;
  return `(SELECT *, ${ROW_DIGEST}(${literal(JSON.stringify(columns.map(({ name }) => name)))}, ${columns.map(keySql).join(', ')}) AS digest FROM ${source})`;
}

/**
 * SQL of 64 bits that stand for a row as a model tells rows apart: numbers by what is left of them in 32 bits, texts without the blanks
 * around them, whatever the source wrote. Equal where {@link withDigest} gives equal digests, and for such spellings too.
 */
export function identitySql(columns: readonly DigestColumn[]): string {
  if (columns.length === 0) return 'CAST(0 AS UBIGINT)';
  const groups = Array.from({ length: Math.ceil(columns.length / COLUMNS_AT_ONCE) }, (_, index) =>
    columns.slice(index * COLUMNS_AT_ONCE, (index + 1) * COLUMNS_AT_ONCE),
  );
  return xorOf(
    groups.map(
      (group) =>
        `${ROW_DIGEST}(${literal(JSON.stringify(group.map(({ name }) => name)))}, ${group.map((column) => keySql(plain(column))).join(', ')})`,
    ),
  );
}

/**
 * The same for some columns of the table that `loadTable` makes, out of what its reader has told already where it has.
 *
 * @param all columns of the table
 * @param whole the reader has told it of every row: the columns are not looked at
 */
export function knownIdentitySql(all: readonly DigestColumn[], columns: readonly DigestColumn[], whole = false): string {
  const others = all.filter(({ name }) => !columns.some((column) => column.name === name));
  // Each column adds to it by exclusive or, and a second time takes that away.
  const known = others.length === 0 ? 'identity' : `CASE WHEN identity IS NOT NULL THEN xor(identity, ${identitySql(others)}) END`;
  return whole ? known : `coalesce(${known}, ${identitySql(columns)})`;
}

const COLUMNS_AT_ONCE = 200;
/** Space, tab, the two ends of a line, and the space that does not break. */
const BLANKS = 'chr(32) || chr(9) || chr(160) || chr(13) || chr(10)';

/** What is beyond 32 bits stays as it is. */
function plain(column: DigestColumn): DigestColumn {
  const { type, sql } = column;
  if (type === 'string') return { ...column, sql: `nfc_normalize(trim(${sql}, ${BLANKS}))` };
  return type === 'number' || type === 'integer'
    ? { ...column, sql: `coalesce(CAST(TRY_CAST(${sql} AS FLOAT) AS DOUBLE), CAST(${sql} AS DOUBLE))` }
    : column;
}

/** As a tree: a chain of thousands of columns would be deeper than the database lets it be. */
export function xorOf(values: readonly string[]): string {
  if (values.length === 1) return values[0]!;
  const middle = values.length >> 1;
  return `xor(${xorOf(values.slice(0, middle))}, ${xorOf(values.slice(middle))})`;
}

/** SQL of a number from 0 up to 1 that follows from a digest and a purpose, such as the seed of a split. */
export function shareSql(digest: string, purpose: string): string {
  const salted = `xor(${digest}, CAST(${saltOf(purpose)} AS UBIGINT))`;
  const mixed = [FIRST, shifted(29), SECOND, shifted(32)].reduce((value, round) => round(`(${value})`), salted);
  // The upper bits of a product lean to small values; below them they are even.
  return `(CAST(${mixed} & 281474976710655 AS DOUBLE) / 281474976710656.0)`;
}

/** SQL of 64 bits that stand for one value, whatever column it is of. */
export function keyDigestSql(column: DigestColumn): string {
  const key = keySql(column);
  return isNumeric(column) ? `CAST(CAST((${key} + 0.0) AS BIT) AS UBIGINT)` : `(${key})`;
}

const isNumeric = ({ type }: DigestColumn): boolean => type !== 'string' && type !== 'image';

/** SQL of 64 bits that stand for one value: a double, or an integer without a sign. */
function keySql({ type, sql }: DigestColumn): string {
  switch (type) {
    case 'number':
    case 'integer':
    case 'boolean':
      return `CAST(${sql} AS DOUBLE)`;
    case 'timestamp':
      return `CAST(epoch_ms(${sql}) AS DOUBLE)`;
    case 'image':
      return `md5_number_lower(${sql})`;
    case 'string':
      return `CASE WHEN strlen(${sql}) BETWEEN 1 AND 8 THEN xor(CAST(CAST(encode(${sql}) AS BIT) AS UBIGINT), CAST(strlen(${sql}) AS UBIGINT)) ELSE md5_number_lower(${sql}) END`;
  }
}

const halves =
  (low: string, high: string) =>
  (value: string): string =>
    `xor((${value} & ${MASK}) * ${low}, (${value} >> 32) * ${high} + 374761393)`;
const shifted =
  (bits: number) =>
  (value: string): string =>
    `xor(${value}, ${value} >> ${bits})`;

/** Two rounds of multiplication by halves: 32 by 32 bits never overflow. */
const FIRST = halves('2654435761', '2246822519');
const SECOND = halves('3266489917', '4283543511');

function saltOf(text: string): string {
  return createHash('sha256').update(text).digest().readBigUInt64LE(0).toString();
}
