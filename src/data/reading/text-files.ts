import { isUtf8 } from 'node:buffer';
import { createReadStream, createWriteStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { PerennialError, messageOf } from '../../core/errors.ts';
import { literal, pathLiteral } from '../table/duckdb.ts';
import type { Database } from '../table/duckdb.ts';
import { DATA_LIMITS } from '../table/limits.ts';
import type { SourceFile } from '../readers/reader.ts';

/** Encodings that a text source can declare, with the names that decoders know. */
export const ENCODINGS: Readonly<Record<string, string>> = {
  'utf-8': 'utf-8',
  'utf-16': 'utf-16le',
  'latin-1': 'latin1',
  'windows-1252': 'windows-1252',
  'windows-1250': 'windows-1250',
  'windows-1251': 'windows-1251',
  'iso-8859-2': 'iso-8859-2',
  'iso-8859-15': 'iso-8859-15',
  'koi8-r': 'koi8-r',
  shift_jis: 'shift_jis',
  'euc-jp': 'euc-jp',
  gb18030: 'gb18030',
  big5: 'big5',
  'euc-kr': 'euc-kr',
};

export type Packing = 'gzip' | 'zstd';

/** What the first bytes of a file say of it. */
export interface FirstBytes {
  readonly packing?: Packing;
  /** Name of the encoding of a byte order mark, or of bytes that only UTF-16 has. */
  readonly encoding?: 'utf-8' | 'utf-16le' | 'utf-16be';
}

const FOREIGN: readonly (readonly [string, string, string])[] = [
  ['504b0304', 'a ZIP archive or a workbook of Excel', 'Unpack it, or save the sheet as CSV.'],
  ['425a68', 'packed with bzip2', 'Unpack it, or pack it with gzip.'],
  ['fd377a585a00', 'packed with xz', 'Unpack it, or pack it with gzip.'],
  ['377abcaf271c', 'packed with 7-Zip', 'Unpack it, or pack it with gzip.'],
  ['50415231', 'Apache Parquet', 'Use "format": "parquet".'],
  ['d0cf11e0a1b11ae1', 'a workbook of Excel', 'Save the sheet as CSV.'],
];

/** Texts that are no tables, by how they begin. */
const FOREIGN_TEXTS: readonly (readonly [RegExp, string, string])[] = [
  [/^version https:\/\/git-lfs\./, 'a pointer of Git LFS, and not the file that it stands for', 'Fetch the file itself: git lfs pull.'],
  [
    /^\s*<(!doctype|html|\?xml)/i,
    'a page of HTML or XML',
    'Save its table as CSV; a failed download may have left a page in place of the file.',
  ],
];

/** Where an archive of tar says that it is one. */
const TAR = { at: 257, magic: 'ustar' };
const FIRST_BYTES = 512;
/** UTF-16 is recognized by so many bytes. */
const ENCODED_BYTES = 64;

/** Recognizes packed files, encodings, and files that are no text at all. @throws SOURCE_INVALID */
export async function lookAtFirstBytes(file: Pick<SourceFile, 'path' | 'name'>): Promise<FirstBytes> {
  const handle = await open(file.path);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(FIRST_BYTES), 0, FIRST_BYTES, 0);
    return judgeFirstBytes(buffer.subarray(0, bytesRead), file.name);
  } finally {
    await handle.close();
  }
}

export function judgeFirstBytes(bytes: Buffer, name: string): FirstBytes {
  const hex = bytes.toString('hex');
  const foreign = FOREIGN.find(([magic]) => hex.startsWith(magic));
  if (foreign !== undefined) throw new PerennialError('SOURCE_INVALID', `${name} is ${foreign[1]}, not a text file.`, { hint: foreign[2] });
  const refuse = (what: string, hint: string): never => {
    throw new PerennialError('SOURCE_INVALID', `${name} is ${what}.`, { hint });
  };
  if (hex.startsWith('fffe0000') || hex.startsWith('0000feff'))
    refuse('UTF-32, which is not read', 'Convert it: iconv -f utf-32 -t utf-8.');
  if (bytes.toString('latin1', TAR.at, TAR.at + TAR.magic.length) === TAR.magic) refuse('an archive of tar, not a text file', 'Unpack it.');
  const text = bytes.toString('utf8').replace(/^\uFEFF/, '');
  for (const [pattern, what, hint] of FOREIGN_TEXTS) if (pattern.test(text)) refuse(what, hint);
  if (hex.startsWith('1f8b')) return { packing: 'gzip' };
  if (hex.startsWith('28b52ffd')) return { packing: 'zstd' };
  const encoding = encodingOfBytes(bytes.subarray(0, ENCODED_BYTES));
  return encoding === undefined ? {} : { encoding };
}

function encodingOfBytes(bytes: Buffer): FirstBytes['encoding'] {
  const hex = bytes.subarray(0, 4).toString('hex');
  if (hex.startsWith('efbbbf')) return 'utf-8';
  if (hex.startsWith('fffe')) return 'utf-16le';
  if (hex.startsWith('feff')) return 'utf-16be';
  // ASCII in UTF-16 has a zero in every second byte.
  const zeros = (odd: 0 | 1): number => bytes.reduce((sum, byte, at) => sum + (at % 2 === odd && byte === 0 ? 1 : 0), 0);
  if (bytes.length >= 8 && zeros(1) > 0.4 * bytes.length && zeros(0) === 0) return 'utf-16le';
  if (bytes.length >= 8 && zeros(0) > 0.4 * bytes.length && zeros(1) === 0) return 'utf-16be';
  return undefined;
}

/**
 * The files of a text source as plain UTF-8: unpacked and decoded into the work folder where they are not.
 *
 * @param encoding as declared; undefined: UTF-8, or what a byte order mark says
 * @throws SOURCE_INVALID
 */
export async function plainFiles(
  db: Database,
  files: readonly SourceFile[],
  encoding: string | undefined,
  workDir: string,
): Promise<SourceFile[]> {
  const plain: SourceFile[] = [];
  for (const [index, file] of files.entries()) {
    const path = join(workDir, `plain-${index}-${plain.length}`);
    const { packing } = await lookAtFirstBytes(file);
    const unpacked = packing === undefined ? file : await unpack(db, file, packing, `${path}.unpacked`);
    const first = packing === undefined ? await lookAtFirstBytes(file) : await lookAtFirstBytes(unpacked);
    const decoder = first.encoding ?? (encoding === undefined ? 'utf-8' : ENCODINGS[encoding]!);
    plain.push(
      decoder === 'utf-8'
        ? packing === undefined
          ? unpacked
          : await decode(unpacked, 'utf-8', path)
        : await decode(unpacked, decoder, path),
    );
  }
  return plain;
}

/** What a small file says, and how it is encoded; or why it cannot be read. */
export type DecodedText = { readonly text: string } | { readonly reason: string; readonly detail: string };

/**
 * The text of a whole file.
 *
 * @param encoding as declared; undefined: UTF-8. A byte order mark is believed more
 */
export function decodeText(bytes: Uint8Array, encoding: string | undefined): DecodedText {
  const start = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 64));
  const name = encodingOfBytes(start) ?? (encoding === undefined ? 'utf-8' : ENCODINGS[encoding]!);
  if (name === 'latin1') return { text: Buffer.from(bytes).toString('latin1') };
  try {
    return { text: new TextDecoder(name, { fatal: true }).decode(bytes) };
  } catch {
    if (name !== 'utf-8')
      return {
        reason: `the file is not ${name}, as its ${encodingOfBytes(start) === undefined ? 'source says' : 'byte order mark says'}`,
        detail: '',
      };
    const { place, hint } = whereNotUtf8(bytes);
    return { reason: 'the file is not UTF-8 (the source can declare its "encoding")', detail: `${place}; ${hint}` };
  }
}

/** Where bytes are no UTF-8, and what they would be in the encoding that is most usual beside it. @param offset of the bytes in the file */
export function whereNotUtf8(bytes: Uint8Array, offset = 0, line = 1): { readonly place: string; readonly hint: string } {
  const at = firstInvalid(bytes);
  const lines = bytes.subarray(0, at).reduce((count, byte) => count + (byte === 10 ? 1 : 0), line);
  const around = bytes.subarray(Math.max(0, at - 12), at + 12);
  const read =
    new TextDecoder('windows-1252')
      .decode(around)
      .split(/[\r\n]/)
      .find((part) => /[^\x00-\x7f]/.test(part)) ?? '';
  return {
    place: `byte 0x${(bytes[at] ?? 0).toString(16)} at offset ${offset + at} (line ${lines})`,
    hint: `read as "windows-1252" it would be ${JSON.stringify(read)}`,
  };
}

/** Offset of the first byte that cannot stand where it stands. @see The Unicode Standard, table 3-7 */
function firstInvalid(bytes: Uint8Array): number {
  for (let at = 0; at < bytes.length;) {
    const lead = bytes[at]!;
    const length =
      lead < 0x80 ? 1 : lead >= 0xc2 && lead < 0xe0 ? 2 : lead >= 0xe0 && lead < 0xf0 ? 3 : lead >= 0xf0 && lead < 0xf5 ? 4 : 0;
    if (length === 0 || !isUtf8(bytes.subarray(at, at + length)) || at + length > bytes.length) return at;
    at += length;
  }
  return bytes.length;
}

async function unpack(db: Database, file: SourceFile, packing: Packing, path: string): Promise<SourceFile> {
  const limit = Math.max(DATA_LIMITS.unpackedBytesMin, file.size * DATA_LIMITS.unpackedRatioMax);
  const tooLarge = (): PerennialError =>
    new PerennialError(
      'SOURCE_INVALID',
      `${file.name} unpacks to more than ${Math.round(limit / 2 ** 20)} MB, ${DATA_LIMITS.unpackedRatioMax} times its size: that is no table that somebody packed.`,
      { hint: 'Unpack it yourself if it is one.' },
    );
  try {
    if (packing === 'gzip') await pipeline(createReadStream(file.path), createGunzip(), limited(limit, tooLarge), createWriteStream(path));
    else {
      // Whole lines of text; the characters around them cannot stand in one.
      await db.run(
        `COPY (SELECT line FROM read_csv(${pathLiteral(file.path)}, compression='zstd', auto_detect=false, header=false, delim=chr(1), quote='', escape='', columns={'line': 'VARCHAR'}, max_line_size=${DATA_LIMITS.lineBytesMax}, buffer_size=${DATA_LIMITS.textBufferBytes})) TO ${literal(path)} (FORMAT csv, HEADER false, DELIMITER '\x01', QUOTE '', ESCAPE '')`,
      );
      if ((await stat(path)).size > limit) throw tooLarge();
    }
  } catch (error) {
    if (error instanceof PerennialError) throw error;
    throw new PerennialError(
      'SOURCE_INVALID',
      `${file.name} cannot be unpacked (${packing}): ${
        /unexpected end|incomplete|truncated/i.test(messageOf(error)) ? 'it is cut off' : 'its packed bytes are damaged'
      }.`,
      {
        hint: 'Write or copy it again, and to its end.',
        cause: error,
      },
    );
  }
  return { ...file, path, size: (await stat(path)).size };
}

function limited(limit: number, error: () => Error): Transform {
  let seen = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      seen += chunk.length;
      if (seen > limit) done(error());
      else done(null, chunk);
    },
  });
}

async function decode(file: SourceFile, encoding: string, path: string): Promise<SourceFile> {
  const decoder = encoding === 'latin1' ? undefined : new TextDecoder(encoding, { fatal: true });
  let seen = 0;
  const place = (error: unknown): PerennialError =>
    new PerennialError('SOURCE_INVALID', `${file.name} is not ${encoding}: there is something else within the first ${seen} bytes.`, {
      hint: 'Give the right "encoding" in the source.',
      cause: error,
    });
  const text = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      seen += chunk.length;
      try {
        done(null, Buffer.from(decoder === undefined ? chunk.toString('latin1') : decoder.decode(chunk, { stream: true })));
      } catch (error) {
        done(place(error));
      }
    },
    flush(done) {
      try {
        done(null, Buffer.from(decoder?.decode() ?? ''));
      } catch (error) {
        done(place(error));
      }
    },
  });
  await pipeline(createReadStream(file.path), text, createWriteStream(path));
  return { ...file, path, size: (await stat(path)).size };
}

/** A copy in which every line ends alike, quoted fields left as they are. */
export async function withEvenLines(file: SourceFile, quote: string, path: string): Promise<SourceFile> {
  const mark = quote === '' ? -1 : quote.charCodeAt(0);
  let quoted = false;
  let carriage = false;
  const even = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const out = Buffer.allocUnsafe(chunk.length + 1);
      let size = 0;
      for (const byte of chunk) {
        if (carriage) {
          carriage = false;
          out[size++] = 10;
          if (byte === 10) continue;
        }
        if (byte === mark) quoted = !quoted;
        if (byte === 13 && !quoted) carriage = true;
        else out[size++] = byte;
      }
      done(null, out.subarray(0, size));
    },
    flush(done) {
      done(null, carriage ? Buffer.from('\n') : undefined);
    },
  });
  await pipeline(createReadStream(file.path), even, createWriteStream(path));
  return { ...file, path, size: (await stat(path)).size };
}

/** The beginning of a file of UTF-8, with its byte order mark. */
export async function headOf(file: SourceFile, bytes: number): Promise<string> {
  const handle = await open(file.path);
  try {
    const buffer = Buffer.alloc(Math.min(bytes, Math.max(1, file.size)));
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, 0);
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(buffer.subarray(0, bytesRead));
  } finally {
    await handle.close();
  }
}

/** A copy without the first so many characters (a byte order mark is left out as well). */
export async function withoutHead(file: SourceFile, characters: number, path: string): Promise<SourceFile> {
  const head = await headOf(file, DATA_LIMITS.headBytes);
  const mark = head.startsWith('\uFEFF') ? 3 : 0;
  const start = mark + Buffer.byteLength(head.replace(/^\uFEFF/, '').slice(0, characters));
  await pipeline(createReadStream(file.path, { start }), createWriteStream(path));
  return { ...file, path, size: (await stat(path)).size };
}
