import { UNREADABLE, cellReader } from '../data/reading/cells.ts';
import type { ColumnProfile, SourceReading } from '../data/stored/dataset.ts';

/** What a comparison makes of a value of a row: null is missing, undefined cannot be read. */
export type ColumnValue = number | string | null | undefined;

/**
 * Reads values of rows that were asked about as the model read them: by the words for a missing value and the formats of its source.
 *
 * @param reading of the model; undefined for models of version 0.1.0, and for rows that are answers
 */
export function columnValues(
  { name, type }: Pick<ColumnProfile, 'name' | 'type'>,
  reading: SourceReading | undefined,
): (value: unknown) => ColumnValue {
  const { format, float32 } = reading?.columns.find((column) => column.name === name) ?? {};
  const read = cellReader({
    type: type === 'image' ? 'string' : type,
    nullValues: (reading?.source['nullValues'] ?? ['']) as readonly string[],
    ...(format === undefined ? {} : { format }),
    ...(float32 === undefined ? {} : { float32 }),
  });
  return (given) => {
    if (Number.isNaN(given)) return null;
    const value = read(given);
    if (value === UNREADABLE || (typeof value === 'number' && !Number.isFinite(value))) return undefined;
    return type === 'boolean' && value !== null ? String(value === 1) : value;
  };
}
