import { crc32 } from '../../core/crc32.ts';
import { deflateRawSync } from 'node:zlib';

/** The same for the same files: what was made at which time says nothing of a model. */
const DOS_DATE = 0x21; // 1 January 1980

/**
 * A ZIP archive, packed by deflate, as every system opens one. Up to 4 GiB.
 *
 * @see PKWARE, APPNOTE.TXT, sections 4.3.7 (local header), 4.3.12 (central directory) and 4.3.16 (its end)
 */
export function zipOf(files: Readonly<Record<string, Uint8Array>>): Uint8Array {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [name, bytes] of Object.entries(files)) {
    const path = Buffer.from(name, 'utf8');
    const packed = deflateRawSync(bytes);
    const facts = factsOf(path, bytes, packed);
    const local = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), facts, path]);
    const central = Buffer.alloc(46);
    central.write('PK\x01\x02', 'latin1');
    central.writeUInt16LE(0x0314, 4); // made by a Unix, so that the mode below counts
    facts.copy(central, 6);
    central.writeUInt32LE((0o100644 << 16) >>> 0, 38);
    central.writeUInt32LE(offset, 42);
    directory.push(central, path);
    parts.push(local, packed);
    offset += local.length + packed.length;
  }
  const listed = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  const count = Object.keys(files).length;
  end.writeUInt16LE(count, 8);
  end.writeUInt16LE(count, 10);
  end.writeUInt32LE(listed.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, listed, end]);
}

/** What both headers say of a file, from "version needed" to the length of the extra field. */
function factsOf(path: Buffer, bytes: Uint8Array, packed: Buffer): Buffer {
  const facts = Buffer.alloc(26);
  facts.writeUInt16LE(20, 0);
  facts.writeUInt16LE(0x0800, 2); // the name is UTF-8
  facts.writeUInt16LE(8, 4); // deflate
  facts.writeUInt16LE(0, 6);
  facts.writeUInt16LE(DOS_DATE, 8);
  facts.writeUInt32LE(crc32(bytes), 10);
  facts.writeUInt32LE(packed.length, 14);
  facts.writeUInt32LE(bytes.length, 18);
  facts.writeUInt16LE(path.length, 22);
  return facts;
}
