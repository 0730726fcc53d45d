import type { Decision } from './automatic-features.ts';
import type { TransformSpec } from './chain.ts';
import { FEATURES } from './fitted-column.ts';
import type { FittedColumn } from './fitted-column.ts';
import type { Column } from '../stored/column.ts';

/** Which column became what. */
export interface ColumnOutcome {
  readonly column: string;
  readonly type: Column['type'];
  /** As a document writes them; of a column that is left out none. */
  readonly transforms: readonly TransformSpec[];
  /** Input that it is a part of, or makes; undefined where it is left out. */
  readonly input?: string;
  /** Numbers, token ids or pixels per row. */
  readonly shape: readonly number[];
  /** Where preprocessing decided. */
  readonly why?: string;
}

/** @param decisions where the document says nothing */
export function columnOutcomes(
  fitted: readonly FittedColumn[],
  features: Readonly<Record<string, readonly TransformSpec[]>>,
  decisions: readonly Decision[] | undefined,
  columns: readonly Column[],
): ColumnOutcome[] {
  const outcome = (name: string, why?: string): ColumnOutcome => {
    const made = fitted.find((column) => column.name === name);
    const type = made?.type ?? columns.find((column) => column.name === name)!.type;
    return {
      column: name,
      type,
      transforms: made === undefined ? [] : (features[name] ?? []),
      ...(made === undefined ? {} : { input: made.spec.name }),
      shape: made?.spec.shape ?? [],
      ...(why === undefined ? {} : { why }),
    };
  };
  return decisions === undefined ? fitted.map(({ name }) => outcome(name)) : decisions.map(({ column, why }) => outcome(column, why));
}

/** `impute {"strategy":"median"} → standardize` */
export function transformsText(transforms: readonly TransformSpec[]): string {
  if (transforms.length === 0) return 'as it is';
  return transforms
    .map((spec) => (typeof spec === 'string' ? spec : `${Object.keys(spec)[0]} ${valueText(Object.values(spec)[0])}`.trim()))
    .join(' → ');
}

function valueText(value: unknown): string {
  if (typeof value !== 'object' || value === null) return typeof value === 'string' ? value : JSON.stringify(value);
  if (Array.isArray(value)) return value.map(valueText).join(', ');
  return Object.entries(value)
    .filter(([, setting]) => setting !== false && !(Array.isArray(setting) && setting.length === 0))
    .map(([key, setting]) => (setting === true ? key : `${key} ${valueText(setting)}`))
    .join(', ');
}

function becomes({ input, shape }: ColumnOutcome): string {
  if (input === undefined) return 'left out';
  return input === FEATURES && shape.length === 1 ? String(shape[0]) : `input [${shape.join(', ')}]`;
}

/** The head and a row for each column. */
export function outcomeTable(outcomes: readonly ColumnOutcome[]): string[][] {
  const decided = outcomes.some(({ why }) => why !== undefined);
  return [
    ['COLUMN', 'TYPE', 'TRANSFORMS', 'WIDTH', ...(decided ? ['WHY'] : [])],
    ...outcomes.map((each) => [
      each.column,
      each.type,
      each.input === undefined ? '-' : transformsText(each.transforms),
      becomes(each),
      ...(decided ? [each.why ?? ''] : []),
    ]),
  ];
}
