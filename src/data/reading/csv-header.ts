import { isMissingWord } from './numbers.ts';

/** The beginning of a table of texts, divided by one delimiter: the records that are no blank lines. */
export interface DividedText {
  readonly records: readonly (readonly string[])[];
  /** So many fields most records have. */
  readonly usual: number;
}

/** Where the table of a text begins, and what its columns are called. */
export interface FoundHeader {
  /** Place of the header among the records; without one, of the first row. */
  readonly at: number;
  readonly names: readonly string[];
  /** Fields at the end of every row that have no name and no value: their program puts a delimiter behind the last value. */
  readonly trailing: number;
  /** The header has one name less than the rows have values; whether their first or their last field has none cannot be told. */
  readonly undecided?: true;
  /** The rows have one value more than the header has names, and their first ones could be names of rows. */
  readonly named?: true;
  /** Names that the rows do not fit: of which columns the values are cannot be told. */
  readonly misfit?: readonly string[];
}

/** Rows from which the kind of a column is seen. */
const LOOKED_AT = 50;
/** Lines before a header are looked for among so many. */
const BEFORE_MAX = 50;
/** Names of columns that count rows. */
const COUNTING = /^(id|no|nr|num|number|index|row|line|record|#)$/i;
/** As many rows count up by one by chance. */
const COUNTED_MIN = 3;

const isEmpty = (field: string): boolean => field.trim() === '';
/** A number, date or time, in whatever way it is written. */
const isValue = (field: string): boolean => /^\s*[-+(]?[$€£¥]?\s*\d[\d\s.,:/T%Z+-]*\)?\s*[%€]?\s*$/.test(field);
const isNote = (record: readonly string[]): boolean => record[0]!.trimStart().startsWith('#');
/** Fields up to the last one that is not empty. */
const extentOf = (record: readonly string[]): number => record.findLastIndex((field) => !isEmpty(field)) + 1;
const filledOf = (record: readonly string[]): number => record.filter((field) => !isEmpty(field)).length;

/**
 * Finds the header of a table: notes that begin with "#", titles and what else stands before it may have as many delimiters as the
 * table, since programs that save sheets fill up every line.
 *
 * @param expected columns that a model knows @param skipped lines before it are left out already
 */
export function findHeader(text: DividedText, header: boolean, expected: readonly string[], skipped: boolean): FoundHeader {
  const at = skipped ? 0 : headerAt(text, header, expected);
  const own = text.records[at]!;
  if (!header) return { at, names: Array.from({ length: text.usual }, () => ''), trailing: 0 };
  const rows = rowsAfter(text, at);
  const more = text.usual - own.length;
  const lost = skipped ? undefined : namesBefore(text, at, rows);
  if (lost !== undefined) return { at, names: own, trailing: 0, misfit: lost };
  // A delimiter at the end of the header alone is the end of no column.
  if (more === -1 && own.length > 1 && isEmpty(own.at(-1)!)) return { at, names: own.slice(0, -1), trailing: 0 };
  if (more <= 0 || own.length < 2) return { at, names: own, trailing: 0 };
  if (endsEmpty(rows, own.length))
    return {
      at,
      names: own,
      trailing: more,
      ...(more === 1 && countsUp(rows) && !COUNTING.test(own[0]!.trim()) ? { undecided: true } : {}),
    };
  // A program that writes the names of its rows without a name for them gives a header that is one short.
  const first = rows.map(([name]) => name!.trim());
  return more === 1 && new Set(first).size === first.length && !first.includes('')
    ? { at, names: ['', ...own], trailing: 0, named: true }
    : { at, names: own, trailing: 0, misfit: own };
}

/** Names in front of a record that is none of names, but a row: as many fields as they have, the rows do not. */
function namesBefore({ records }: DividedText, at: number, rows: readonly (readonly string[])[]): readonly string[] | undefined {
  const own = records[at]!;
  const before = records
    .slice(0, at)
    .findLast((record) => record.length >= 2 && !isNote(record) && !record.some((field) => isEmpty(field) || isValue(field)));
  return before !== undefined && rows.length > 0 && own.some(isValue) && areRows([own], rows) ? before : undefined;
}

/** Rows of the usual length after a record. */
const rowsAfter = ({ records, usual }: DividedText, at: number): (readonly string[])[] =>
  records.slice(at + 1).filter((record) => record.length === usual);

const endsEmpty = (rows: readonly (readonly string[])[], from: number): boolean =>
  rows.length > 0 && rows.every((row) => row.slice(from).every(isEmpty));

const countsUp = (rows: readonly (readonly string[])[]): boolean =>
  rows.length >= COUNTED_MIN && rows.every((row, index) => /^\d+$/.test(row[0]!) && Number(row[0]) === Number(rows[0]![0]) + index);

/** Place of the header: the first record that has as many fields as most, or names all columns that have values. */
function headerAt(text: DividedText, header: boolean, expected: readonly string[]): number {
  const { records, usual } = text;
  const known = knownAt(records, expected);
  if (header && known !== undefined) return known;
  const start = afterNotes(text, header);
  if (usual < 2) return start;
  if (!header) {
    const first = records.findIndex((record, index) => index >= start && record.length === usual);
    return first === -1 ? start : first;
  }
  const length = records[start]!.length;
  const short = length >= 2 && length < usual;
  const next = records.findIndex((record, index) => index > start && record.length === usual);
  // A title that happens to be one field short stands above names; names of columns stand above values.
  const isTitle = short && next > 0 && !records[next]!.some(isValue) && namesFit(records[next]!, rowsAfter(text, next));
  if (isTitle) return afterTitles(text, next);
  if (length >= usual || (short && (length === usual - 1 || endsEmpty(rowsAfter(text, start), length)))) return afterTitles(text, start);
  const found = records.findIndex((record, index) => index >= start && record.length === usual);
  // Rows of the same length from here on make a table; a single one does not.
  if (found < 0 || rowsAfter(text, found).length === 0) return start;
  return afterTitles(text, found);
}

/** The record that names the most columns of a model, where the first ones do not. */
function knownAt(records: readonly (readonly string[])[], expected: readonly string[]): number | undefined {
  if (expected.length === 0) return undefined;
  const counts = records.slice(0, BEFORE_MAX).map((record) => {
    const names = new Set(record.map((field) => field.trim()));
    return expected.filter((column) => names.has(column)).length;
  });
  const most = Math.max(...counts);
  return most > expected.length / 2 ? counts.indexOf(most) : undefined;
}

/** "#id,name" may be a header as well, and a row may begin with "#" where many do. */
function afterNotes(text: DividedText, header: boolean): number {
  const { records, usual } = text;
  const next = records.findIndex((record) => !isNote(record));
  if (next <= 0 || records.filter(isNote).length > records.length / 2) return 0;
  const last = records.findLastIndex((record, index) => index < next && record.length === usual);
  if (!header || last === -1 || usual < 2) return next;
  const rows = rowsAfter(text, next - 1);
  if (namesFit(rows[0] ?? [], rows.slice(1))) return next;
  if (namesFit(records[last]!, rows)) return last;
  // Of texts alone nothing tells but how they are written: notes are words with blanks between them.
  const isProse = (field: string): boolean => /\S\s+\S/.test(field);
  const [first, ...others] = records[last]!;
  const isSpaced = (fields: readonly string[]): boolean => fields.some((field) => /^\s/.test(field));
  return isProse(first!.replace(/^\s*#\s*/, '')) || others.some(isProse) || (isSpaced(others) && !rows.some(isSpaced)) ? next : last;
}

/** A record is one of names where it has a text above numbers. */
function namesFit(record: readonly string[], rows: readonly (readonly string[])[]): boolean {
  const some = rows.slice(0, LOOKED_AT);
  return record.some((name, column) => {
    const values = some.map((row) => row[column] ?? '').filter((field) => !isEmpty(field));
    return (
      !isEmpty(name) && !isMissingWord(name) && !isValue(name) && values.length > 0 && values.filter(isValue).length > values.length / 2
    );
  });
}

/** Behind titles that are filled up with delimiters, and lines of delimiters alone. */
function afterTitles({ records, usual }: DividedText, start: number): number {
  const extents = records.slice(start, start + LOOKED_AT + BEFORE_MAX).map(extentOf);
  const whole = extents.toSorted((a, b) => a - b)[extents.length >> 1]!;
  const found = records.findIndex((_, index) => index >= start && (extents[index - start] ?? 0) >= whole);
  if (found <= start || found - start > BEFORE_MAX || records[found]!.every(isValue)) return start;
  const before = records.slice(start, found);
  const rows = records.slice(found + 1).filter((record) => record.length === usual);
  const isTitle = filledOf(before[0]!) === 1 && !isEmpty(before[0]![0]!);
  const isSure = before.some((record) => filledOf(record) === 0) || (isTitle && (usual >= 3 || namesFit(records[found]!, rows)));
  return isSure && rows.length > 0 ? found : start;
}

/** Whether records before the rows of a table could be rows of it, by how many fields they have and which of them are numbers. */
export function areRows(before: readonly (readonly string[])[], rows: readonly (readonly string[])[]): boolean {
  const some = rows.slice(0, LOOKED_AT);
  const isOfNumbers = (column: number): boolean => {
    const values = some.map((row) => row[column] ?? '').filter((field) => !isMissingWord(field));
    return values.length > 0 && values.filter(isValue).length > values.length / 2;
  };
  return before.every(
    (record) =>
      some.filter((row) => row.length === record.length).length > some.length / 2 &&
      record.every((field, column) => isMissingWord(field) || isValue(field) || !isOfNumbers(column)),
  );
}
