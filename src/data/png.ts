import { inflateSync } from 'node:zlib';
import type { Pixels } from './column-data.ts';

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
/** Chunks that change nothing about the pixels; an image with any other goes the general way. */
const HARMLESS = new Set(['pHYs', 'tEXt', 'zTXt', 'iTXt', 'tIME']);

function paeth(left: number, up: number, corner: number): number {
  const estimate = left + up - corner;
  const [a, b, c] = [Math.abs(estimate - left), Math.abs(estimate - up), Math.abs(estimate - corner)];
  return a <= b && a <= c ? left : b <= c ? up : corner;
}

/** Undoes the filters of the scan lines (PNG specification, section 9). undefined for an unknown filter. */
function unfilter(raw: Uint8Array, height: number, stride: number, bytes: number): Uint8Array | undefined {
  const out = new Uint8Array(height * stride);
  for (let row = 0; row < height; row += 1) {
    const filter = raw[row * (stride + 1)]!;
    if (filter > 4) return undefined;
    const [from, to] = [row * (stride + 1) + 1, row * stride];
    for (let at = 0; at < stride; at += 1) {
      const left = at >= bytes ? out[to + at - bytes]! : 0;
      const up = row > 0 ? out[to + at - stride]! : 0;
      const corner = row > 0 && at >= bytes ? out[to + at - stride - bytes]! : 0;
      const guess = filter === 0 ? 0 : filter === 1 ? left : filter === 2 ? up : filter === 3 ? (left + up) >> 1 : paeth(left, up, corner);
      out[to + at] = raw[from + at]! + guess;
    }
  }
  return out;
}

/**
 * Decodes plain PNG (8-bit grey or RGB, not interlaced, without colour management) some twenty times faster than the general decoder,
 * whose start-up per image dominates for small ones. undefined: this image is not plain, or damaged.
 *
 * @see PNG specification, third edition
 */
export function decodePlainPng(file: Uint8Array, pixelsMax: number): Pixels | undefined {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  if (bytes.length < 45 || !bytes.subarray(0, 8).equals(SIGNATURE) || bytes.toString('latin1', 12, 16) !== 'IHDR') return undefined;
  const [width, height] = [bytes.readUInt32BE(16), bytes.readUInt32BE(20)];
  const colour = bytes[25];
  if (bytes[24] !== 8 || (colour !== 0 && colour !== 2) || bytes[28] !== 0 || width * height > pixelsMax || width * height === 0) return undefined;
  const parts: Buffer[] = [];
  for (let at = 33; at + 12 <= bytes.length;) {
    const length = bytes.readUInt32BE(at);
    const type = bytes.toString('latin1', at + 4, at + 8);
    if (type === 'IEND') break;
    if (type === 'IDAT') parts.push(bytes.subarray(at + 8, at + 8 + length));
    else if (!HARMLESS.has(type)) return undefined;
    at += 12 + length;
  }
  const channels = colour === 0 ? 1 : 3;
  const expected = height * (width * channels + 1);
  let raw: Uint8Array;
  try {
    raw = inflateSync(Buffer.concat(parts), { maxOutputLength: expected });
  } catch {
    // Damaged: the general decoder says what is wrong.
    return undefined;
  }
  const data = raw.length === expected ? unfilter(raw, height, width * channels, channels) : undefined;
  if (data === undefined) return undefined;
  if (channels === 3) return { width, height, channels: 3, data };
  const rgb = new Uint8Array(width * height * 3);
  for (let at = 0; at < data.length; at += 1) rgb.fill(data[at]!, 3 * at, 3 * at + 3);
  return { width, height, channels: 3, data: rgb };
}
