import { createHash } from 'node:crypto';

/** Of names that are ours, as RFC 9562 asks for: never changed, since ids of events follow from it. */
const NAMESPACE = '7d0c3f0e-52a4-4b0f-9a55-0c1f6a0f6e0b';

/** A UUID (version 5) that is the same for the same parts. */
export function uuidOf(...parts: readonly string[]): string {
  const bytes = createHash('sha1')
    .update(Buffer.from(NAMESPACE.replaceAll('-', ''), 'hex'))
    .update(parts.join('\0'))
    .digest()
    .subarray(0, 16);
  bytes[6] = (bytes[6]! & 0x0f) | 0x50;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
