import type { TensorSpec } from '../../core/tensor.ts';
import { outcomeTable } from './column-outcomes.ts';
import type { FittedPreprocessing } from './split-tensors.ts';

/** Rows of the table of columns in the details. */
const COLUMNS_SHOWN = 100;
/** Bytes of columns and of notes that travel with the run, within what a step may give; `columns.json` of the examples has all. */
export const TOLD_BYTES_MAX = 5 * 1024;

/** The first ones that fit. */
export function withinBytes<T>(items: readonly T[], bytes: number): T[] {
  let used = 0;
  const tooMany = items.findIndex((item) => (used += Buffer.byteLength(JSON.stringify(item)) + 1) > bytes);
  return tooMany === -1 ? [...items] : items.slice(0, tooMany);
}

/** A table of which column became what, for the step's details. */
export function describeFeatures({ outcomes }: FittedPreprocessing): string {
  const cell = (text: string): string => text.replaceAll('|', '\\|');
  const [head, ...rows] = outcomeTable(outcomes.slice(0, COLUMNS_SHOWN));
  const lines = rows.map(([column, ...rest]) => `| \`${cell(column!)}\` | ${rest.map(cell).join(' | ')} |`);
  const more = outcomes.length > COLUMNS_SHOWN ? ['', `… and ${outcomes.length - COLUMNS_SHOWN} more columns`] : [];
  return [`| ${head!.join(' | ')} |`, `|${head!.map(() => '---').join('|')}|`, ...lines, ...more].join('\n');
}

/** "features [3, 4] float32" */
export const shape = (spec: TensorSpec) => `${spec.name} [${spec.shape.join(', ')}] ${spec.dtype}`;

/** Notes that travel with the run. */
export function shortened(notes: readonly string[]): string[] {
  const told = withinBytes(notes, TOLD_BYTES_MAX);
  return told.length === notes.length
    ? told
    : [...told, `… and ${notes.length - told.length} more such columns; the log of the step names all.`];
}
