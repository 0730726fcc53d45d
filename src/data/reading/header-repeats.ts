import { createReadStream } from 'node:fs';
import type { SourceFile } from '../readers/reader.ts';
import { fieldsOf } from './csv-layout.ts';
import type { CsvLayout } from './csv-layout.ts';

/** A single column may well have a value that is called as it. */
const COLUMNS_MIN = 2;
const BLOCK_BYTES = 4 * 1024 * 1024;

const LINE_FEED = 10;
const CARRIAGE = 13;
const BOM_END = 0xbf;

/** Whether a record is the header once more. */
export function isHeaderAgain(text: string, delimiter: string, quote: string, header: CsvLayout['header']): boolean {
  if (header === undefined || header.fields.length < COLUMNS_MIN) return false;
  const fields = fieldsOf(text, delimiter, quote);
  return fields.length >= header.fields.length && fields.every((field, index) => field.trim() === (header.fields[index] ?? ''));
}

/**
 * How often the header of a file stands among its rows once more, as where files were joined, or a program wrote it with every part that
 * it added: as the file itself writes it, and with quotes around all names or none. A search of bytes, since hardly any file has one.
 *
 * @param file plain UTF-8
 */
export async function headerRepeats(
  file: Pick<SourceFile, 'path'>,
  { header, delimiter }: Pick<CsvLayout, 'header' | 'delimiter'>,
  quote: string,
  signal?: AbortSignal,
): Promise<number> {
  if (header === undefined || header.fields.length < COLUMNS_MIN) return 0;
  const { text, fields } = header;
  const quoted = fields.map((field) => `${quote}${field.replaceAll(quote, quote + quote)}${quote}`);
  const forms = new Set([text, fields.join(delimiter), ...(quote === '' ? [] : [quoted.join(delimiter)])]);
  const needles = [...forms].filter((form) => isHeaderAgain(form, delimiter, quote, header)).map((form) => Buffer.from(form));
  const overlap = Math.max(...needles.map(({ length }) => length)) + 2;
  let found = 0;
  // A byte before the block and one behind a needle say whether it is a line: the end of a block is looked at with the next one.
  let rest = Buffer.from([LINE_FEED]);
  for await (const block of createReadStream(file.path, { highWaterMark: BLOCK_BYTES, ...(signal === undefined ? {} : { signal }) })) {
    const bytes = Buffer.concat([rest, block as Buffer]);
    const until = Math.max(1, bytes.length - overlap);
    found += linesIn(bytes, needles, until);
    rest = bytes.subarray(until - 1);
  }
  return Math.max(0, found + linesIn(Buffer.concat([rest, Buffer.from([LINE_FEED])]), needles, Number.POSITIVE_INFINITY) - 1);
}

/** Lines that are one of the needles and begin before a place, and behind the first byte. */
function linesIn(bytes: Buffer, needles: readonly Buffer[], until: number): number {
  const isEnd = (byte: number | undefined): boolean => byte === LINE_FEED || byte === CARRIAGE;
  let found = 0;
  for (const needle of needles)
    for (let at = bytes.indexOf(needle, 1); at !== -1 && at < until; at = bytes.indexOf(needle, at + needle.length))
      if ((isEnd(bytes[at - 1]) || bytes[at - 1] === BOM_END) && isEnd(bytes[at + needle.length])) found += 1;
  return found;
}
