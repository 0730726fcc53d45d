import type { Json } from '../core/json.ts';

/** A JSON pointer (RFC 6901) of the segments, e.g. `["steps", 0]` → "/steps/0". */
export function toPointer(segments: readonly (string | number)[]): string {
  return segments.map((segment) => `/${String(segment).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

export function fromPointer(pointer: string): string[] {
  if (pointer === '') return [];
  return pointer
    .slice(1)
    .split('/')
    .map((segment) => segment.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** The pointer of a member of what another pointer names. */
export function join(pointer: string, ...segments: readonly (string | number)[]): string {
  return pointer + toPointer(segments);
}

/** undefined where there is nothing. */
export function valueAt(root: Json, pointer: string): Json | undefined {
  let at: Json | undefined = root;
  for (const segment of fromPointer(pointer)) {
    if (at === null || typeof at !== 'object') return undefined;
    if (Array.isArray(at)) at = at[Number(segment)];
    else at = Object.hasOwn(at, segment) ? at[segment] : undefined;
    if (at === undefined) return undefined;
  }
  return at;
}
