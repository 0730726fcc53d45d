import { DATA_LIMITS } from '../table/limits.ts';
import { isCodeSql, missingWordSql, numberSql } from './numbers.ts';
import type { TypedColumn } from './source-column.ts';
import { timestampOfNumberSql, timestampOfTextSql } from './timestamps.ts';
import { numberFormatOf, timestampFormatOf } from './value-format.ts';

type Read = Pick<TypedColumn, 'id' | 'from' | 'text' | 'type' | 'format'>;

const isText = ({ from }: Pick<Read, 'from'>): boolean => from === 'text' || from === 'string';

/** SQL of the text of a value, as JSON of the same value shows it to a model that takes texts. */
export function textSql({ id, from, text }: Pick<Read, 'id' | 'from' | 'text'>): string {
  if (text !== undefined) return text;
  if (from === 'text' || from === 'string') return id;
  if (from === 'timestamp')
    return `CASE WHEN epoch_ms(${id}) % 1000 = 0 THEN strftime(${id}, '%Y-%m-%dT%H:%M:%S') ELSE strftime(${id}, '%Y-%m-%dT%H:%M:%S.%g') END`;
  if (from === 'number') return numberTextSql(id);
  return from === 'image' ? `to_base64(${id})` : `CAST(${id} AS VARCHAR)`;
}

/** A double as JavaScript writes it: whole numbers without a point. */
function numberTextSql(id: string): string {
  return `CASE WHEN ${id} = trunc(${id}) AND abs(${id}) < 1e21 THEN CAST(CAST(${id} AS HUGEINT) AS VARCHAR) ELSE regexp_replace(CAST(${id} AS VARCHAR), 'e([+-])0(\\d)$', 'e\\1\\2') END`;
}

const wholeSql = (value: string): string =>
  `CASE WHEN ${value} = trunc(${value}) AND abs(${value}) <= ${DATA_LIMITS.integerMax} THEN CAST(${value} AS BIGINT) END`;

/** SQL of the value of a column by its type: NULL where it is missing or cannot be read. Timestamps are in UTC. */
export function valueSql(column: Read): string {
  const { id, from, type, format } = column;
  switch (type) {
    case 'string':
      return textSql(column);
    case 'number':
    case 'integer': {
      if (from === 'timestamp' || from === 'image') return 'NULL';
      const read = isText(column) ? numberSql(id, numberFormatOf(format)) : `CAST(${id} AS DOUBLE)`;
      if (type === 'integer') return wholeSql(`(${read})`);
      return from === 'number' ? `CASE WHEN isnan(${read}) THEN NULL ELSE ${read} END` : read;
    }
    case 'boolean':
      if (from === 'boolean') return id;
      if (from === 'number' || from === 'integer' || from === 'exact') return `CASE WHEN ${id} IN (0, 1) THEN ${id} = 1 END`;
      return isText(column)
        ? `CASE lower(trim(${id})) WHEN 'true' THEN true WHEN 'false' THEN false WHEN 'yes' THEN true WHEN 'no' THEN false WHEN '1' THEN true WHEN '0' THEN false END`
        : 'NULL';
    case 'timestamp': {
      if (from === 'timestamp') return `CAST(${id} AS TIMESTAMP)`;
      if (from === 'number' || from === 'integer' || from === 'exact') return timestampOfNumberSql(id, timestampFormatOf(format));
      if (!isText(column)) return 'NULL';
      const own = timestampFormatOf(format);
      return own?.unit === undefined ? timestampOfTextSql(id, own) : timestampOfNumberSql(`(${numberSql(id, undefined)})`, own);
    }
    case 'image':
      if (from === 'image') return id;
      return isText(column) ? `TRY(from_base64(regexp_replace(${id}, '^data:image/[a-z+.-]+;base64,', '')))` : 'NULL';
  }
}

/** SQL: there is a value, and it is none of the column's type. Words for a missing value are none. */
export function isOddSql(column: Read, value: string): string {
  const { id, from, type } = column;
  if (type === 'string') return 'false';
  if (from === type && type !== 'number') return 'false';
  const missing = isText(column) && type !== 'image' ? ` AND NOT ${missingWordSql(id)}` : from === 'number' ? ` AND NOT isnan(${id})` : '';
  return `(${id} IS NOT NULL AND ${value} IS NULL${missing})`;
}

/** SQL: a text that would be read as a number is a code: zeros stand in front, or it is an integer that a number would change. */
export function codeSql(id: string): string {
  return `(${isCodeSql(id, `try_cast(${id} AS DOUBLE)`)})`;
}
