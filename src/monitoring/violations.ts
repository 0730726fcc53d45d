import type { ColumnDrift, TestScore } from './column-drift.ts';
import type { DriftResult, JudgedBy } from './detect.ts';
import type { JointDrift } from './joint/compare-rows.ts';
import { scoreText } from './score-text.ts';

/**
 * Kinds of violations.
 *
 * @see Amazon SageMaker Model Monitor, "Schema for violations (constraint_violations.json file)"
 */
export type ConstraintCheckType =
  | 'data_type_check'
  | 'completeness_check'
  | 'baseline_drift_check'
  | 'missing_column_check'
  | 'extra_column_check'
  | 'categorical_values_check';

/**
 * Stands for all compared columns together. That file speaks of features alone; of its words, drift of whole rows is a
 * `baseline_drift_check`, and no single feature may be blamed for it.
 */
const ALL_FEATURES = '*';

/** Columns that a violation of whole rows names. */
const NAMED_MAX = 10;

/** One thing that current rows do not keep to, in the words of `constraint_violations.json`. */
export interface Violation {
  /** "*": all compared columns together. */
  readonly feature_name: string;
  readonly constraint_check_type: ConstraintCheckType;
  /** One sentence with its full stop. */
  readonly description: string;
}

/**
 * What of the current rows is not as the rows of the reference were: by column in their order, then columns that are new, then whole rows.
 * Without a verdict nothing has drifted.
 */
export function violationsOf(
  result: Pick<DriftResult, 'columns' | 'newColumns' | 'options' | 'enoughRows' | 'isAsked' | 'joint'>,
): Violation[] {
  const { columns, newColumns, options, enoughRows, joint = [] } = result;
  const unseenText = unseenTextOf(result);
  const rules = new Map(Object.entries(options.columns));
  return [
    ...columns
      .flatMap((column) => ofColumn(column, rules.get(column.name) ?? options, unseenText))
      .filter((one) => enoughRows || one.constraint_check_type !== 'baseline_drift_check'),
    ...newColumns.map((name): Violation => ({
      feature_name: name,
      constraint_check_type: 'extra_column_check',
      description: 'The rows of the training had no such column.',
    })),
    ...joint.filter(({ drifted }) => drifted && enoughRows).map(ofRows),
  ];
}

function ofRows({ test, reason, columns }: JointDrift): Violation {
  const named = `${columns.slice(0, NAMED_MAX).join(', ')}${columns.length > NAMED_MAX ? ', …' : ''}`;
  return {
    feature_name: ALL_FEATURES,
    constraint_check_type: 'baseline_drift_check',
    description: `Whole rows, by ${test}: ${reason.replace(/\.$/, '')} (${named}).`,
  };
}

/** Says which categories are new: "Never seen in training: …"; empty where none is. */
export function unseenTextOf({ isAsked }: Pick<DriftResult, 'isAsked'>): (column: Pick<ColumnDrift, 'unseen'>) => string {
  return ({ unseen }) => {
    if (unseen.length === 0) return '';
    const shown = unseen.slice(0, 5).map(({ value, share }) => `${JSON.stringify(value)} (${percent(share)})`);
    const where = isAsked === true ? 'the earlier questions' : 'training';
    return `Never seen in ${where}: ${shown.join(', ')}${unseen.length > shown.length ? ', …' : ''}.`;
  };
}

/** @param rules that the column was judged by */
function ofColumn(
  column: ColumnDrift,
  { missing, agree }: Pick<JudgedBy, 'missing' | 'agree'>,
  unseenText: ReturnType<typeof unseenTextOf>,
): Violation[] {
  const { name, status, type, missingReference, missingCurrent, invalidCurrent, unseen, drifted, reason, tests } = column;
  const found = (constraint_check_type: ConstraintCheckType, description: string): Violation => ({
    feature_name: name,
    constraint_check_type,
    description,
  });
  if (status === 'absent') return [found('missing_column_check', reason)];
  const deciding = tests.filter(({ decides }) => decides);
  const isExceeded = ({ exceeded }: TestScore): boolean => exceeded;
  // A column also drifts because values went missing, which is a violation of its own.
  const isMoved = drifted && deciding.length > 0 && (agree === 'all' ? deciding.every(isExceeded) : deciding.some(isExceeded));
  return [
    ...(invalidCurrent > 0 ? [found('data_type_check', `${percent(invalidCurrent)} of the rows hold no ${type}.`)] : []),
    ...(missingCurrent - missingReference > missing
      ? [found('completeness_check', `Missing values went from ${percent(missingReference)} to ${percent(missingCurrent)} of the rows.`)]
      : []),
    ...(unseen.length > 0 ? [found('categorical_values_check', unseenText(column))] : []),
    ...(isMoved ? [found('baseline_drift_check', `${deciding.filter(isExceeded).map(scoreText).join(', ')}.`)] : []),
  ];
}

/** Up to 0.1 % no change is lost. */
function percent(share: number): string {
  return share > 0 && share < 0.001 ? '< 0.1 %' : `${(share * 100).toFixed(1)} %`;
}

/** The file `constraint_violations.json`. */
export function violationsFile(result: Parameters<typeof violationsOf>[0]): string {
  return `${JSON.stringify({ violations: violationsOf(result) }, null, 2)}\n`;
}
