import { createHmac } from 'node:crypto';
import type { HiddenColumns, PredictionLogSettings } from '../../core/prediction-log.ts';
import type { Row } from '../../core/tensor.ts';

/**
 * What is written in place of a value: its HMAC-SHA-256 with the id of the store, cut to 128 bits. Equal values of a column stay equal,
 * a number and its text are the same value, and logs that left the store tell nothing. Whoever has the store can try values out.
 *
 * @param key the id of the store
 */
export function hashedValue(key: string, column: string, value: unknown): string {
  const text = `${column.toLowerCase()}\n${String(value)}`;
  return `hmac-sha256:${createHmac('sha256', key).update(text).digest('hex').slice(0, 32)}`;
}

/** Whether a deployment says that the values of a column are not written as they are. */
export function isHidden(column: string, { leaveOut = [], hash = [] }: PredictionLogSettings): boolean {
  return [...leaveOut, ...hash].some((name) => name.toLowerCase() === column.toLowerCase());
}

/**
 * A row as it may be written. Names count whatever their case, as a reader of tables may spell them otherwise; what is missing stays
 * missing.
 *
 * @param key undefined while the id of the store is not known: what was to be hashed is left out
 */
export function hideColumns(
  row: Row,
  { leaveOut = [], hash = [] }: PredictionLogSettings,
  key: string | undefined,
): { readonly row: Row; readonly hidden?: HiddenColumns } {
  if (leaveOut.length === 0 && hash.length === 0) return { row };
  const out = new Set(leaveOut.map((name) => name.toLowerCase()));
  const digested = new Set(hash.map((name) => name.toLowerCase()));
  const shown: Record<string, Row[string]> = {};
  const leftOut: string[] = [];
  const hashed: string[] = [];
  for (const [name, value] of Object.entries(row)) {
    const plain = name.toLowerCase();
    if (out.has(plain) || (digested.has(plain) && key === undefined)) leftOut.push(name);
    else if (digested.has(plain) && value !== null) {
      hashed.push(name);
      shown[name] = hashedValue(key!, name, value);
    } else shown[name] = value;
  }
  if (leftOut.length === 0 && hashed.length === 0) return { row };
  return { row: shown, hidden: { ...(leftOut.length === 0 ? {} : { leftOut }), ...(hashed.length === 0 ? {} : { hashed }) } };
}
