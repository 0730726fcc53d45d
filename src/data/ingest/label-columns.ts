import type { Column } from '../stored/column.ts';

/** Integer labels with at most so many distinct values are classes. */
export const INTEGER_CLASSES_MAX = 20;

/** `label` of an ingest step as a list. */
export function labelList(label: string | readonly string[] | undefined): readonly string[] {
  return label === undefined ? [] : typeof label === 'string' ? [label] : label;
}

/** As the `meta` of a dataset names them. */
export function labelNames([first, ...further]: readonly { readonly name: string }[]): { label: string | null; furtherLabels?: string[] } {
  return { label: first?.name ?? null, ...(further.length === 0 ? {} : { furtherLabels: further.map(({ name }) => name) }) };
}

/** The columns to predict. */
export function labelColumns<C extends Column>({
  columns,
  label,
  furtherLabels = [],
}: {
  readonly columns: readonly C[];
  readonly label: string | null;
  readonly furtherLabels?: readonly string[];
}): C[] {
  return [label, ...furtherLabels].flatMap((name) => columns.find((column) => column.name === name) ?? []);
}
