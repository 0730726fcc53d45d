import { TooDeep } from './json-parser.ts';

/** A number as a text: as JavaScript writes it, except for integers that a number cannot hold, which keep their digits. */
export function canonicalNumber(literal: string): string {
  if (/^-?\d{16,}$/.test(literal) && !Number.isSafeInteger(Number(literal))) return BigInt(literal).toString();
  return String(Number(literal));
}

/** A list or an object of JSON as a text without blanks. */
export function canonicalNested(text: string): string {
  return JSON.stringify(JSON.parse(text));
}

/** Whether something in a value was nested too deep to be kept: then its text is not known. Only a value that is as deep as can be has such a place. */
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
      return value instanceof Uint8Array
        ? undefined
        : value instanceof Date
          ? value.toISOString()
          : isCut(value)
            ? undefined
            : JSON.stringify(value, (_key, item: unknown) => (typeof item === 'bigint' ? item.toString() : item));
    default:
      return undefined;
  }
}
