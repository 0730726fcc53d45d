import { PerennialError } from '../../core/errors.ts';
import { INTEGER_CLASSES_MAX } from './label-columns.ts';
import type { ReferenceValues } from '../stored/reference-values.ts';
import type { ColumnProfile, DatasetProfile, SourceReading } from '../stored/dataset.ts';
import type { ColumnType } from '../stored/column.ts';

/** What a document says of the version that its data are compared with. */
export interface ReferenceConfig {
  /** Model whose versions are meant; the one that the pipeline registers, where it is left out. */
  readonly model?: string;
  readonly version?: string | number;
  /** Columns whose change is right. */
  readonly accept?: readonly string[];
}

/** How a label was learnt. */
export interface KnownLabel {
  readonly name: string;
  readonly kind: 'classes' | 'number';
  /** Names of the classes, where all of them are known. */
  readonly classes?: readonly string[];
}

/** How the data looked that the last version was made from. */
export interface ReferenceSchema {
  /** For messages, e.g. "penguins version 3". */
  readonly text: string;
  readonly reading: SourceReading;
  readonly profile: DatasetProfile;
  /** What does not fit into the profile: all categories of a column. */
  readonly values?: ReferenceValues;
  /** As its model answers them; what is left out follows from the profile. */
  readonly labels?: readonly KnownLabel[];
  /** Columns that equalled the label. */
  readonly copies?: readonly string[];
}

/** What data are compared with, and what people should know of that. */
export interface Compared {
  readonly schema?: ReferenceSchema;
  readonly notes?: readonly string[];
}

/** Rows below which nothing is concluded from the values of a column. */
export const ROWS_MIN = 20;

/** How many of these data hold what a message tells of. */
export interface Looked {
  /** For messages: "400 rows", or "2,000 rows that were looked at". */
  readonly rows: number;
  /** Not all rows of the source were read: what is not among them may still be there. */
  readonly part: boolean;
}

/** A label of the reference; undefined where it had none of that name. */
export function knownLabel({ labels, profile }: ReferenceSchema, name: string): KnownLabel | undefined {
  const told = labels?.find((label) => label.name === name);
  if (told !== undefined) return told;
  const before = profile.columns.find((column) => column.name === name);
  if (before === undefined || before.count === 0) return undefined;
  if (before.type === 'string' || before.type === 'boolean') return { name, kind: 'classes', ...classesOf(before) };
  if (before.type === 'integer' && before.distinct <= INTEGER_CLASSES_MAX) return { name, kind: 'classes', ...classesOf(before) };
  return before.type === 'integer' || before.type === 'number' ? { name, kind: 'number' } : undefined;
}

function classesOf({ categories, number, distinct }: ColumnProfile): { readonly classes?: readonly string[] } {
  if (categories !== undefined) return categories.other > 0 ? {} : { classes: Object.keys(categories.counts) };
  const values = [...new Set(number?.sample ?? [])];
  return values.length === distinct ? { classes: values.map(String) } : {};
}

/** Whether values of two types can be compared. */
export function isSameKind(before: ColumnType, now: ColumnType): boolean {
  const isNumber = (type: ColumnType): boolean => type === 'number' || type === 'integer';
  return before === now || (isNumber(before) && isNumber(now));
}

/** The first values of a list, in quotes. */
export function quoted(values: readonly unknown[], most = 3): string {
  const shown = values.slice(0, most).map((value) => JSON.stringify(String(value).slice(0, 60)));
  return `${shown.join(', ')}${values.length > most ? ', …' : ''}`;
}

/** A number of at most four digits that matter. */
export function short(value: number): string {
  return String(Number(value.toPrecision(4)));
}

export function percent(share: number): string {
  return `${Number((100 * share).toFixed(share < 0.01 || share > 0.99 ? 1 : 0))} %`;
}

/** The error that stops a run, with the way to say that the change is right. */
export function changed(message: string, columns: readonly string[]): PerennialError {
  return new PerennialError('SCHEMA_CHANGED', message, {
    hint: `Correct the source. If that is how it is meant, write "reference": {"accept": ${JSON.stringify(columns)}} into the ingest step, and take it out again when the new version is there. "reference": {"version": "none"} compares nothing: the source is another one.`,
    details: { columns: [...columns] },
  });
}
