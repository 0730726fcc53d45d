import { createHash } from 'node:crypto';
import { PerennialError } from '../../core/errors.ts';
import { areRows, findHeader } from './csv-header.ts';

/** One record of delimited text: a line, or several where a quoted field holds line breaks. */
interface CsvRecord {
  readonly text: string;
  /** Where the next record begins. */
  readonly next: number;
  /** It ends before the end of what was looked at. */
  readonly whole: boolean;
}

/** Records at the beginning of a text. */
export function* recordsOf(text: string, quote: string): Generator<CsvRecord> {
  let start = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at];
    if (quote !== '' && char === quote) quoted = !quoted;
    else if (!quoted && (char === '\n' || char === '\r')) {
      const end = at;
      if (char === '\r' && text[at + 1] === '\n') at += 1;
      yield { text: text.slice(start, end), next: at + 1, whole: true };
      start = at + 1;
    }
  }
  if (start < text.length) yield { text: text.slice(start), next: text.length, whole: false };
}

/** The fields of a record, without their quotes. */
export function fieldsOf(record: string, delimiter: string, quote: string): string[] {
  const fields: string[] = [];
  let field = '';
  let quoted = false;
  for (let at = 0; at < record.length; at += 1) {
    const char = record[at]!;
    if (quoted && char === quote && record[at + 1] === quote) {
      field += quote;
      at += 1;
    } else if (char === quote && quote !== '') quoted = !quoted;
    else if (!quoted && char === delimiter) {
      fields.push(field);
      field = '';
    } else field += char;
  }
  fields.push(field);
  return fields;
}

/** The opposite of {@link fieldsOf}. */
export function csvRecord(fields: readonly string[], delimiter: string, quote: string): string {
  // One empty field alone would be a blank line, which is no record.
  if (fields.length === 1 && fields[0] === '') return `${quote}${quote}`;
  return fields
    .map((field) =>
      quote !== '' && [quote, delimiter, '\n', '\r'].some((char) => field.includes(char))
        ? `${quote}${field.replaceAll(quote, quote + quote)}${quote}`
        : field,
    )
    .join(delimiter);
}

export interface CsvLayout {
  readonly delimiter: string;
  readonly names: readonly string[];
  /** Fields behind those that have a name, which are empty in every row that was looked at. */
  readonly trailing: number;
  /** Names that are ours, since the header has none there. */
  readonly unnamed: ReadonlySet<string>;
  /** Lines before the first row of data; undefined where quotes or line breaks stand in them, so that lines cannot be counted. */
  readonly skip?: number;
  /** Characters before the first row of data, a byte order mark left out. */
  readonly offset: number;
  /** The first field of the first row, where the header has no name for such fields, which are taken for names of the rows. */
  readonly rowNames?: string;
  /** Digest of the lines that were left out as was told. */
  readonly skipped: string;
  /** What stands before the header. */
  readonly before: readonly string[];
  /** The record that names the columns, and its fields without outer blanks; absent where none does, or where it names too few. */
  readonly header?: { readonly text: string; readonly fields: readonly string[] };
  /** The first row of data could be the header's, or the header one of data. */
  readonly looksLikeData: boolean;
}

export interface CsvDialect {
  readonly delimiter?: string;
  readonly quote: string;
  readonly header: boolean;
  /** Lines before the header; undefined: they are found. */
  readonly skip?: number;
  /** Columns that a model knows. */
  readonly expected?: readonly string[];
  /** What divided the fields of the source of a model. */
  readonly likely?: string;
  readonly likelySkip?: LikelySkip;
}

/** Lines that the document of a model had left out of its source. */
export interface LikelySkip {
  readonly lines: number;
  /** Of what they were. */
  readonly digest: string;
}

const DELIMITERS = [',', ';', '\t', '|'];
const RECORDS = 500;

/**
 * Finds the delimiter and the header in the beginning of a file: blank lines, comments and titles may stand before it.
 *
 * @returns undefined where nothing but blank lines is there
 * @throws SOURCE_INVALID where two columns have one name
 */
export function csvLayout(text: string, dialect: CsvDialect, name: string): CsvLayout | undefined {
  const { quote } = dialect;
  const records: string[] = [];
  const ends: number[] = [];
  for (const record of recordsOf(text.replace(/^\uFEFF/, ''), quote)) {
    if (records.length > 0 && !record.whole && text.length > 1 << 16) break;
    records.push(record.text);
    ends.push(record.next);
    if (records.length === RECORDS) break;
  }
  // Excel's first line may say what divides the fields.
  const said = /^"?sep=(.)"?\1*\s*$/i.exec(records[0] ?? '')?.[1];
  const skip = dialect.skip ?? likelySkipOf(records, dialect);
  const filled = records.flatMap((record, index) =>
    isBlank(record) || index < Math.max(skip ?? 0, said === undefined ? 0 : 1) ? [] : [index],
  );
  if (filled.length === 0) return undefined;
  const only = dialect.delimiter ?? said;
  const candidates = (
    only !== undefined
      ? [only]
      : dialect.likely === undefined || DELIMITERS.includes(dialect.likely)
        ? DELIMITERS
        : [...DELIMITERS, dialect.likely]
  ).map((delimiter) => {
    const divided = filled.map((index) => fieldsOf(records[index]!, delimiter, quote));
    const usual = modeOf(divided.map((fields) => fields.length));
    const found = findHeader({ records: divided, usual }, dialect.header, dialect.expected ?? [], skip !== undefined);
    const header = divided[found.at]!.map((field) => field.trim());
    // Without a header no name tells one from another: "1,5;2,5" has as many fields by the comma.
    const known = !dialect.header
      ? Number(delimiter === dialect.likely && usual > 1)
      : dialect.expected === undefined
        ? 0
        : dialect.expected.filter((column) => header.includes(column)).length;
    const share = usual < 2 ? 0 : divided.filter((fields) => fields.length === usual).length / divided.length;
    return { delimiter, found, known, score: share * (found.names.length + found.trailing === usual ? 2 : 1), fields: usual };
  });
  const best = candidates.reduce((top, one) =>
    one.known > top.known ||
    (one.known === top.known && (one.score > top.score + 1e-9 || (Math.abs(one.score - top.score) <= 1e-9 && one.fields > top.fields)))
      ? one
      : top,
  );
  const place = filled[best.found.at]!;
  const { names: fields, trailing, undecided, misfit, named } = best.found;
  if (misfit !== undefined && dialect.header) {
    const usual = filled.find((index) => fieldsOf(records[index]!, best.delimiter, quote).length === best.fields);
    throw new PerennialError(
      'SOURCE_INVALID',
      `${name}: the header names ${misfit.length} columns (${misfit.slice(0, 4).join(', ')}${misfit.length > 4 ? ', …' : ''}), and most rows have ${best.fields} fields: ${JSON.stringify((records[usual ?? 0] ?? '').slice(0, 80))}.`,
      {
        hint: `Put values that hold "${best.delimiter}" into quotes (a fraction as in 0${best.delimiter}5, a text), name every field in the header, or give the "delimiter" or "quote" that the file has; with "skip", say how many lines stand before the header.`,
      },
    );
  }
  if (undecided === true)
    throw new PerennialError(
      'SOURCE_INVALID',
      `${name}: the header names ${fields.length} columns (${fields.slice(0, 4).join(', ')}${fields.length > 4 ? ', …' : ''}), and every row has ${fields.length + 1} fields, the first of which counts up and the last of which is empty: either is without a name.`,
      { hint: `Name the first field in the header ("id${best.delimiter}…"), or take the delimiter at the ends of the rows away.` },
    );
  const names = dialect.header
    ? fields.map((field, index) => nameOf(field) || `column_${index + 1}`)
    : fields.map((_, index) => `column_${index + 1}`);
  const first = records.slice(0, place + (dialect.header ? 1 : 0));
  const nul = names.find((one) => one.includes('\0'));
  if (nul !== undefined)
    throw new PerennialError(
      'SOURCE_INVALID',
      `${name}: the name of a column holds a NUL character (${JSON.stringify(nul.slice(0, 40))}).`,
      {
        hint: 'Check that the file is a text, and give its "encoding".',
      },
    );
  const twice = names.find((one, index) => names.indexOf(one) !== index);
  if (twice !== undefined)
    throw new PerennialError('SOURCE_INVALID', `${name} has two columns named "${twice}".`, {
      hint: 'Give every column of the header its own name, or "header": false if the first line is data.',
    });
  return {
    delimiter: best.delimiter,
    names,
    trailing,
    unnamed: new Set(
      dialect.header ? names.filter((_, index) => nameOf(fields[index]!) === '' || /^Unnamed: \d+$/.test(nameOf(fields[index]!))) : [],
    ),
    ...(first.some((record) => /[\r\n]/.test(record) || (quote !== '' && record.includes(quote))) ? {} : { skip: first.length }),
    offset: first.length === 0 ? 0 : ends[first.length - 1]!,
    ...(named === true && dialect.header
      ? { rowNames: fieldsOf(records[filled[best.found.at + 1]!] ?? '', best.delimiter, quote)[0] ?? '' }
      : {}),
    skipped: digestOf(records.slice(0, skip ?? 0)),
    before: records.slice(0, place).filter((record) => !isBlank(record)),
    ...headerOf(records[place]!, dialect.header && named !== true, best.delimiter, quote, names.length),
    looksLikeData: dialect.header && fields.length > 1 && fields.every((field) => /^\s*[+-]?[\d.,:/-]+\s*$/.test(field)),
  };
}

function headerOf(text: string, isNamed: boolean, delimiter: string, quote: string, columns: number): Partial<Pick<CsvLayout, 'header'>> {
  const fields = fieldsOf(text, delimiter, quote).map((field) => field.trim());
  return isNamed && fields.length >= columns ? { header: { text, fields: fields.slice(0, columns) } } : {};
}

/** A name may have been broken into lines. */
const nameOf = (field: string): string => field.replace(/\s*[\r\n]+\s*/g, ' ').trim();
const isBlank = (record: string): boolean => record.trim() === '';

const digestOf = (records: readonly string[]): string => createHash('sha256').update(JSON.stringify(records)).digest('hex').slice(0, 16);

/**
 * Lines that are left out of a file of rows, since they were left out of the source of its model: the same ones, and where no header
 * tells where the table begins, others that cannot be rows.
 */
function likelySkipOf(records: readonly string[], { header, quote, likelySkip, likely }: CsvDialect): number | undefined {
  if (likelySkip === undefined || likelySkip.lines === 0) return undefined;
  const { lines, digest } = likelySkip;
  const before = records.slice(0, lines);
  if (digestOf(before) === digest) return lines;
  if (header || likely === undefined) return undefined;
  const divided = (some: readonly string[]): string[][] =>
    some.filter((record) => !isBlank(record)).map((record) => fieldsOf(record, likely, quote));
  return areRows(divided(before), divided(records.slice(lines))) ? undefined : lines;
}

function modeOf(counts: readonly number[]): number {
  const seen = new Map<number, number>();
  for (const count of counts) seen.set(count, (seen.get(count) ?? 0) + 1);
  return [...seen].sort((a, b) => b[1] - a[1] || b[0] - a[0])[0]![0];
}
