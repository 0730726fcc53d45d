import type { JsonSchema } from '../../core/json.ts';
import type { ImageFacts } from '../../data/images/image-facts.ts';

/** A text of at most {@link CHARACTERS_MAX} characters, milliseconds since 1970 UTC, or what was measured of a picture. */
export type MeasuredValue = string | number | ImageFacts;

/**
 * Something that can be measured of each value of a column whose values themselves cannot be compared: nearly every text and every picture
 * is different, and points in time go on. What is measured is compared as a column of its own, named `COLUMN (MEASURE)`.
 */
export interface MeasureDefinition<Value extends MeasuredValue = MeasuredValue, Learnt = unknown> {
  readonly name: string;
  readonly summary: string;
  /** Columns that it can be taken of. */
  readonly of: 'text' | 'timestamp' | 'image';
  /** What its values are compared as. */
  readonly gives: 'number' | 'category';
  /** true: taken of free text, or of images, where nobody says what is. */
  readonly byDefault: boolean;
  readonly configSchema: JsonSchema;
  readonly reference: string;
  /**
   * Learns from values of the reference. They are no part of what is compared: how one half of the reference is by what is learnt from the
   * other is what current values are compared with.
   */
  learn?(values: readonly Value[]): Learnt;
  /**
   * @returns a finite number, or the name of a category; null where there is nothing to measure
   */
  take(value: Value, learnt: Learnt): number | string | null;
}

/** What can be measured, in words. */
export const MEASURED_WORDS: Readonly<Record<MeasureDefinition['of'], string>> = {
  text: 'texts',
  timestamp: 'points in time',
  image: 'images',
};

/** Characters of a text that are looked at: UTF-16 code units. */
export const CHARACTERS_MAX = 2_000;

export function defineMeasure<Value extends MeasuredValue, Learnt = undefined>(
  definition: Omit<MeasureDefinition<Value, Learnt>, 'configSchema'>,
): MeasureDefinition {
  const configSchema = { type: 'object', additionalProperties: false, properties: {} } as const;
  return Object.freeze({ ...definition, configSchema }) as unknown as MeasureDefinition;
}
