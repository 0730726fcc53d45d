import { stringify } from 'lossless-json';
import { parseText } from './json-parser.ts';

/**
 * A text of JSON as a value, in which integers beyond 2^53 are exact: they become BigInt.
 *
 * @throws SyntaxError, also for what is nested too deep
 */
export function parseJson(text: string): unknown {
  return parseText(text, { exactIntegers: true });
}

/** A value as a text of JSON; a BigInt is written as the integer that it is. */
export function writeJson(value: unknown, indent?: number): string {
  try {
    return JSON.stringify(value, undefined, indent);
  } catch {
    // Circles are found by the runtime alone; a BigInt it refuses.
    JSON.stringify(value, (_key, item: unknown) => (typeof item === 'bigint' ? item.toString() : item));
    return stringify(value, undefined, indent)!;
  }
}
