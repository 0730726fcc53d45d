import { parse, stringify } from 'lossless-json';

/** A run of so many digits may be an integer that a number does not hold. */
const LONG = /\d{16}/;

/**
 * A text of JSON as a value, in which integers beyond 2^53 are exact: they become BigInt. Other texts, nearly all, take the runtime's
 * own parser.
 *
 * @throws SyntaxError
 */
export function parseJson(text: string): unknown {
  const value = JSON.parse(text) as unknown;
  if (!LONG.test(text)) return value;
  return parse(text, null, (literal) => (/^-?\d+$/.test(literal) && !Number.isSafeInteger(Number(literal)) ? BigInt(literal) : Number(literal)));
}

/** A value as a text of JSON; a BigInt is written as the integer that it is. */
export function writeJson(value: unknown): string {
  let large = false;
  const plain = JSON.stringify(value, (_key, item: unknown) => {
    if (typeof item === 'bigint') large = true;
    return typeof item === 'bigint' ? item.toString() : item;
  });
  return large ? stringify(value)! : plain;
}
