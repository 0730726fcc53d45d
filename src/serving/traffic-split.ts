import { createHash } from 'node:crypto';
import type { Arm, RolloutRouting } from '../core/rollout.ts';

/** Which version a request meets, and by which name its caller goes in the logs. */
export interface Split {
  readonly arm: Arm;
  /** A digest of the key; absent where chance decided. */
  readonly unit?: string;
}

/**
 * Decides by chance, or by the key: the same key meets the same version on every server, and stays with the candidate while its share
 * grows.
 *
 * @param key what the request is told apart by; undefined: it has none, or several
 * @returns undefined: the request is outside
 */
export function splitOf(rollout: RolloutRouting, key: string | undefined): Split | undefined {
  const { id, share, by } = rollout;
  if (by === undefined) return { arm: Math.random() < share ? 'candidate' : 'champion' };
  if (key === undefined) return undefined;
  const digest = createHash('sha256').update(`${id}\n${key}`).digest();
  return { arm: digest.readUInt32BE(0) / 0x1_0000_0000 < share ? 'candidate' : 'champion', unit: digest.toString('hex', 0, 8) };
}

/** The one value of a column in all rows; undefined where there is none, or several. */
export function keyOfRows(rows: readonly unknown[], column: string): string | undefined {
  let found: string | undefined;
  for (const row of rows) {
    const value = typeof row === 'object' && row !== null ? (row as Readonly<Record<string, unknown>>)[column] : undefined;
    if (!['string', 'number', 'bigint', 'boolean'].includes(typeof value)) return undefined;
    const key = String(value);
    if (found !== undefined && found !== key) return undefined;
    found = key;
  }
  return found;
}
