import { PerennialError } from '../core/errors.ts';

/** S3 allows 1,024 bytes; the rest is room for the prefix of the store. */
export const KEY_BYTES_MAX = 900;
/** File systems allow 255 bytes in a name. One limit for all stores: what works on one works on all. */
export const SEGMENT_BYTES_MAX = 240;

const LONE_SURROGATE = /\p{Surrogate}/u;
const CONTROL = /[\u0000-\u001f\u007f]/;

/**
 * Refuses keys that one of the stores could not hold, or that would leave the store's folder.
 *
 * @throws NAME_INVALID naming the key and the rule.
 */
export function checkKey(key: string, what = 'key'): void {
  const refuse = (rule: string): never => {
    throw new PerennialError('NAME_INVALID', `The ${what} ${JSON.stringify(key)} ${rule}.`, {
      hint: `A ${what} is a path with forward slashes, without empty, "." or ".." segments, back slashes or control characters.`,
    });
  };
  if (key === '') refuse('is empty');
  if (Buffer.byteLength(key) > KEY_BYTES_MAX) refuse(`is longer than ${KEY_BYTES_MAX} bytes`);
  if (key.includes('\\')) refuse('contains a back slash');
  if (CONTROL.test(key)) refuse('contains a control character');
  if (LONE_SURROGATE.test(key)) refuse('is not valid Unicode');
  for (const segment of key.split('/')) {
    if (segment === '') refuse('has an empty segment');
    if (segment === '.' || segment === '..') refuse(`has the segment "${segment}"`);
    if (Buffer.byteLength(segment) > SEGMENT_BYTES_MAX) refuse(`has a segment longer than ${SEGMENT_BYTES_MAX} bytes`);
  }
}

/** A prefix is the beginning of a key: it may end anywhere, also with a slash, and may be empty. */
export function checkPrefix(prefix: string): void {
  if (prefix !== '') checkKey(prefix.endsWith('/') ? prefix.slice(0, -1) : prefix, 'prefix');
}

/** The order in which every store lists: by the bytes of the key, as S3 does. */
export function compareKeys(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
