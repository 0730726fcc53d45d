import { literal } from '../table/duckdb.ts';
import { DATA_LIMITS } from '../table/limits.ts';
import { BLANKS } from './blanks.ts';
import { shortestOfFloat32Sql } from './float32.ts';
import { momentTextSql } from './moment-text.ts';
import { missingNumbers, missingValues } from './null-words.ts';
import { isCodeSql, missingWordSql, numberSql } from './numbers.ts';
import type { TypedColumn } from './source-column.ts';
import { timestampOfNumberSql, timestampOfTextSql } from './timestamps.ts';
import { numberFormatOf, timestampFormatOf } from './value-format.ts';

type Read = Pick<TypedColumn, 'id' | 'from' | 'text' | 'type' | 'format' | 'float32' | 'numbers' | 'nullValues' | 'nullsTaken'>;

const isText = ({ from }: Pick<Read, 'from'>): boolean => from === 'text' || from === 'string';
const isNumbers = ({ from, numbers }: Pick<Read, 'from' | 'numbers'>): boolean =>
  from === 'number' || from === 'integer' || from === 'exact' || numbers === true;

/** SQL of the text of a value, as JSON of the same value shows it to a model that takes texts. */
export function textSql({ id, from, text, float32, numbers }: Pick<Read, 'id' | 'from' | 'text' | 'float32' | 'numbers'>): string {
  if (float32 === true && numbers === true) return `number_text(${shortestOfFloat32Sql(`(${numberSql(id, undefined)})`)})`;
  if (text !== undefined) return text;
  if (from === 'text' || from === 'string') return id;
  if (from === 'timestamp') return momentTextSql(id);
  if (from === 'number') return `number_text(${float32 === true ? shortestOfFloat32Sql(id) : id})`;
  return from === 'image' ? `to_base64(${id})` : `CAST(${id} AS VARCHAR)`;
}

const wholeSql = (value: string): string =>
  `CASE WHEN ${value} = trunc(${value}) AND abs(${value}) <= ${DATA_LIMITS.integerMax} THEN CAST(${value} AS BIGINT) END`;

/** SQL of a number of the source as a double. */
function doubleSql({ id, from }: Pick<Read, 'id' | 'from'>): string {
  // The database divides decimals after it has rounded their digits; their texts are rounded once.
  return from === 'exact' ? `CAST(CAST(${id} AS VARCHAR) AS DOUBLE)` : `CAST(${id} AS DOUBLE)`;
}

/** SQL of the value of a column by its type: NULL where it is missing or cannot be read. Timestamps are in UTC. */
export function valueSql(column: Read): string {
  const read = readSql(column);
  const missing = missingSql(column, read);
  return missing === undefined ? read : `CASE WHEN ${missing} THEN NULL ELSE ${read} END`;
}

/** The same without regard for texts that mean a missing value. */
function readSql(column: Read): string {
  const { id, from, type, format, float32 } = column;
  switch (type) {
    case 'string':
      return textSql(column);
    case 'number':
    case 'integer': {
      if (from === 'timestamp' || from === 'image') return 'NULL';
      // A format is of texts: a number of JSON is the number that it is.
      const given = isText(column) ? numberSql(id, column.numbers === true ? undefined : numberFormatOf(format)) : doubleSql(column);
      const read = float32 === true ? shortestOfFloat32Sql(given) : given;
      if (type === 'integer') return wholeSql(`(${read})`);
      return from === 'number' ? `CASE WHEN isnan(${read}) THEN NULL ELSE ${read} END` : read;
    }
    case 'boolean':
      if (from === 'boolean') return id;
      if (isNumbers(column)) {
        const number = isText(column) ? numberSql(id, undefined) : id;
        return `CASE WHEN ${number} IN (0, 1) THEN ${number} = 1 END`;
      }
      return isText(column)
        ? `CASE lower(trim(${id}, ${literal(BLANKS)})) WHEN 'true' THEN true WHEN 'false' THEN false WHEN 'yes' THEN true WHEN 'no' THEN false WHEN '1' THEN true WHEN '0' THEN false END`
        : 'NULL';
    case 'timestamp': {
      if (from === 'timestamp') return `CAST(${id} AS TIMESTAMP)`;
      const own = timestampFormatOf(format);
      if (isNumbers(column)) return timestampOfNumberSql(isText(column) ? `(${numberSql(id, undefined)})` : id, own);
      if (!isText(column)) return 'NULL';
      return own?.unit === undefined ? timestampOfTextSql(id, own) : timestampOfNumberSql(`(${numberSql(id, undefined)})`, own);
    }
    case 'image':
      if (from === 'image') return id;
      return isText(column) ? `TRY(from_base64(regexp_replace(${id}, '^data:image/[a-z+.-]+;base64,', '')))` : 'NULL';
  }
}

/** SQL: the value is one that the texts for a missing value stand for; undefined where none can be. */
function missingSql(column: Read, read: string): string | undefined {
  const { id, from, type, nullValues = [], nullsTaken } = column;
  if (nullValues.length === 0 || type === 'image') return undefined;
  const tests: string[] = [];
  const among = (value: string, items: readonly string[]): void => {
    if (items.length > 0) tests.push(`coalesce(${value} IN (${items.join(', ')}), false)`);
  };
  if (type === 'string') {
    if (nullsTaken !== true) among(read, nullValues.map(literal));
  } else if (isNumbers(column))
    among(isText(column) ? numberSql(id, undefined) : doubleSql(column), missingNumbers(nullValues).map(doubleLiteral));
  else if (isText(column)) {
    if (nullsTaken !== true) among(id, nullValues.map(literal));
  } else if (from === 'boolean')
    among(`CAST(${id} AS VARCHAR)`, nullValues.filter((text) => text === 'true' || text === 'false').map(literal));
  among(type === 'timestamp' ? `epoch_ms(${read})` : read, missingValues(column).map(doubleLiteral));
  return tests.length === 0 ? undefined : tests.join(' OR ');
}

const doubleLiteral = (value: number): string => `CAST('${value}' AS DOUBLE)`;

/** SQL: there is a value, and it is none of the column's type. Words for a missing value are none. */
export function isOddSql(column: Read, value: string): string {
  const { id, from, type } = column;
  if (type === 'string') return 'false';
  if (from === type && type !== 'number') return 'false';
  const words = isText(column) && type !== 'image' ? ` AND NOT ${missingWordSql(id)}` : from === 'number' ? ` AND NOT isnan(${id})` : '';
  const missing = missingSql(column, readSql(column));
  return `(${id} IS NOT NULL AND ${value} IS NULL${words}${missing === undefined ? '' : ` AND NOT (${missing})`})`;
}

/** SQL: a text that would be read as a number is a code: zeros stand in front, or it is an integer that a number would change. */
export function codeSql(id: string): string {
  return `(${isCodeSql(id, `try_cast(${id} AS DOUBLE)`)})`;
}
