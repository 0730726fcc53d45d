import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, open, type FileHandle } from 'node:fs/promises';
import { dirname, join, normalize, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createInflateRaw } from 'node:zlib';

interface Entry {
  readonly name: string;
  readonly method: number;
  readonly checksum: number;
  readonly compressedSize: number;
  readonly size: number;
  readonly offset: number;
  readonly mode: number;
}

/**
 * Unpacks the members of a zip archive (a Python wheel is one) that `target` gives a relative path for. Streams, so memory stays
 * small for members of any size.
 *
 * @param bytesMax of all of these members, unpacked, where the archive comes from anyone: then checksums are compared as well
 * @throws Error for archives beyond 4 GiB, members that are larger than they say, or together than `bytesMax`, encrypted members, methods
 * other than stored and deflated, and paths that leave the folder.
 * @see https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
 */
export async function unzip(
  archive: string,
  folder: string,
  target: (name: string) => string | undefined,
  bytesMax?: number,
): Promise<number> {
  const file = await open(archive, 'r');
  let count = 0;
  let bytes = 0;
  try {
    for (const entry of await readDirectory(file, archive)) {
      const path = target(entry.name);
      if (path === undefined || entry.name.endsWith('/')) continue;
      bytes += entry.size;
      if (bytesMax !== undefined && bytes > bytesMax)
        throw new Error(`it unpacks to ${bytes} bytes with "${entry.name}"; up to ${bytesMax} are read`);
      await extract(file, archive, entry, inside(folder, path), bytesMax !== undefined);
      count += 1;
    }
  } finally {
    await file.close();
  }
  return count;
}

function inside(folder: string, path: string): string {
  const full = normalize(join(folder, path));
  if (!full.startsWith(normalize(folder) + sep)) throw new Error(`the archive's member "${path}" would leave the folder`);
  return full;
}

const END_OF_DIRECTORY = 0x06054b50;
const DIRECTORY_ENTRY = 0x02014b50;
const END_BYTES = 22;
const COMMENT_BYTES_MAX = 65_535;

async function readDirectory(file: FileHandle, archive: string): Promise<Entry[]> {
  const { size } = await file.stat();
  const tail = await read(file, Math.max(0, size - END_BYTES - COMMENT_BYTES_MAX), Math.min(size, END_BYTES + COMMENT_BYTES_MAX));
  let end = tail.length - END_BYTES;
  while (end >= 0 && tail.readUInt32LE(end) !== END_OF_DIRECTORY) end -= 1;
  if (end < 0) throw new Error(`${archive} is not a zip archive`);
  const [count, bytes, offset] = [tail.readUInt16LE(end + 10), tail.readUInt32LE(end + 12), tail.readUInt32LE(end + 16)];
  if (count === 0xffff || offset === 0xffffffff) throw new Error(`${archive} is a zip64 archive, which is not supported`);
  if (offset + bytes > size) throw new Error(`${archive} is cut short`);
  const directory = await read(file, offset, bytes);
  const entries: Entry[] = [];
  for (let at = 0; entries.length < count;) {
    if (directory.readUInt32LE(at) !== DIRECTORY_ENTRY) throw new Error(`${archive}: the directory is damaged`);
    const lengths = [directory.readUInt16LE(at + 28), directory.readUInt16LE(at + 30), directory.readUInt16LE(at + 32)] as const;
    const name = directory.toString('utf8', at + 46, at + 46 + lengths[0]);
    if ((directory.readUInt16LE(at + 8) & 1) === 1) throw new Error(`${archive}: "${name}" is encrypted`);
    entries.push({
      name,
      method: directory.readUInt16LE(at + 10),
      checksum: directory.readUInt32LE(at + 16),
      compressedSize: directory.readUInt32LE(at + 20),
      size: directory.readUInt32LE(at + 24),
      mode: directory.readUInt32LE(at + 38) >>> 16,
      offset: directory.readUInt32LE(at + 42),
    });
    at += 46 + lengths[0] + lengths[1] + lengths[2];
  }
  return entries;
}

async function extract(file: FileHandle, archive: string, entry: Entry, path: string, compare: boolean): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const header = await read(file, entry.offset, 30);
  const start = entry.offset + 30 + header.readUInt16LE(26) + header.readUInt16LE(28);
  const output = createWriteStream(path, { mode: (entry.mode & 0o111) === 0 ? 0o644 : 0o755 });
  if (entry.compressedSize === 0) {
    output.end();
    return;
  }
  const input = createReadStream(archive, { start, end: start + entry.compressedSize - 1, highWaterMark: 1 << 20 });
  if (entry.method === 0) await pipeline(input, checked(entry, compare), output);
  else if (entry.method === 8) await pipeline(input, createInflateRaw({ chunkSize: 1 << 18 }), checked(entry, compare), output);
  else throw new Error(`"${entry.name}" is packed by method ${entry.method}; known are 0 (stored) and 8 (deflated)`);
  if (output.bytesWritten !== entry.size) throw new Error(`"${entry.name}" has ${output.bytesWritten} bytes, expected ${entry.size}`);
}

/** Ends where a member unpacks to more than it says, or to other bytes. */
function checked({ name, size, checksum }: Entry, compare: boolean): (source: AsyncIterable<Buffer>) => AsyncGenerator<Buffer> {
  return async function* (source) {
    let bytes = 0;
    let crc = 0;
    for await (const chunk of source) {
      bytes += chunk.length;
      if (bytes > size) throw new Error(`"${name}" is larger than the ${size} bytes it says`);
      if (compare) crc = crc32(chunk, crc);
      yield chunk;
    }
    if (compare && crc !== checksum) throw new Error(`"${name}" is damaged: its checksum does not fit`);
  };
}

const CRC_TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = (value >>> 1) ^ ((value & 1) === 0 ? 0 : 0xedb88320);
  return value;
});

/** CRC-32 of bytes that follow those with the checksum `before`. */
function crc32(bytes: Buffer, before: number): number {
  let crc = ~before;
  for (let index = 0; index < bytes.length; index++) crc = (crc >>> 8) ^ CRC_TABLE[(crc ^ bytes[index]!) & 0xff]!;
  return ~crc >>> 0;
}

async function read(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  const { bytesRead } = await file.read(buffer, 0, length, position);
  if (bytesRead !== length) throw new Error('the archive is cut short');
  return buffer;
}
