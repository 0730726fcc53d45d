import { parseJson, writeJson } from './json-numbers.ts';
import { TooDeep } from './json-parser.ts';

/** A number as a text: as JavaScript writes it, except for integers that a number cannot hold, which keep their digits. */
export function canonicalNumber(literal: string): string {
  if (/^-?\d{16,}$/.test(literal) && !Number.isSafeInteger(Number(literal))) return BigInt(literal).toString();
  return String(Number(literal));
}

/** A decimal of a typed source as a text: as JSON writes the number, and with its own digits where a number does not hold them. */
export function canonicalDecimal(literal: string): string {
  const digits = /^-?\d+\.\d+$/.test(literal) ? literal.replace(/\.?0+$/, '') : literal;
  const number = canonicalNumber(digits);
  return significant(number.replace(/e.*/, '')) === significant(digits) ? number : digits;
}

const significant = (text: string): string => text.replace(/^-?0*\.?0*/, '').replace('.', '');

/** A list or an object of JSON as a text without blanks; integers keep all their digits. */
export function canonicalNested(text: string): string {
  return writeJson(parseJson(text));
}

/** A value of JSON that stands in a column of texts. */
export function canonicalText(json: string): string {
  const first = json[0];
  if (first === '[' || first === '{') return canonicalNested(json);
  return first === '-' || (first !== undefined && first >= '0' && first <= '9') ? canonicalNumber(json) : json;
}

/**
 * Whether something in a value was nested too deep to be kept: then its text is not known. Only a value that is as deep as can be has such
 * a place.
 */
function isCut(value: object | null): boolean {
  let cut = false;
  JSON.stringify(value, function (this: Record<string, unknown>, key: string, item: unknown) {
    if (this[key] instanceof TooDeep) cut = true;
    return typeof item === 'bigint' ? 0 : item;
  });
  return cut;
}

/** The text of a value of a row, for a column of texts: what training made of the same value in a source of JSON. */
export function textOfValue(value: unknown): string | undefined {
  switch (typeof value) {
    case 'string':
      return value;
    case 'number':
    case 'bigint':
    case 'boolean':
      return String(value);
    case 'object':
      if (value instanceof Uint8Array || isCut(value)) return undefined;
      return value instanceof Date ? value.toISOString() : writeJson(value);
    default:
      return undefined;
  }
}
