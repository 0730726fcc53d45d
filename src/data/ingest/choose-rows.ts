import { PerennialError, isPerennialError } from '../../core/errors.ts';
import type { JsonObject } from '../../core/json.ts';
import type { ConfigProblem } from '../../core/step.ts';
import { requireColumn } from '../table/columns.ts';
import type { TypedColumn } from '../reading/source-column.ts';
import { asPerennialError } from '../table/duckdb.ts';
import type { Database } from '../table/duckdb.ts';
import { findExpectation } from '../expectations/find-expectation.ts';
import type { RowRule } from '../expectations/expectation.ts';
import { shareSql } from '../reading/digest.ts';
import { countSplits, togetherSql } from './split.ts';
import type { AssignedSplits, SplitConfig } from './split.ts';
import { SPLITS } from '../stored/dataset.ts';
import type { Split } from '../stored/dataset.ts';

export interface SampleConfig {
  readonly fraction: number;
  /** Default: train. */
  readonly splits?: readonly Split[];
}

/** Mistakes of filter and sample that their schemas cannot say. */
export function checkChoice(
  filter: readonly JsonObject[] | undefined,
  sample: SampleConfig | undefined,
  split: SplitConfig,
): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  for (const [index, condition] of (filter ?? []).entries()) {
    const { name } = findExpectation(condition);
    if (!ROW_EXPECTATIONS.has(name))
      problems.push({
        pointer: `/filter/${index}`,
        message: `"${name}" judges all rows together, not one by one.`,
        fix: `Write one of ${[...ROW_EXPECTATIONS].join(', ')}; or put it into "expect" of a validate step.`,
      });
  }
  if (sample !== undefined && split.by === 'time') {
    problems.push({
      pointer: '/sample',
      message: 'Of rows in the order of time no sample is taken: the rows between would be missing.',
      fix: 'Take the recent rows with "window", or split by hash.',
    });
  }
  return problems;
}

const ROW_EXPECTATIONS: ReadonlySet<string> = new Set(['in', 'between', 'notNull', 'matches', 'length']);

/**
 * Keeps only rows of `data` that meet all conditions.
 *
 * @returns how many rows went
 * @throws CONFIG_INVALID, COLUMN_MISSING; SOURCE_EMPTY where none is left
 */
export async function filterRows(
  db: Database,
  columns: readonly TypedColumn[],
  filter: readonly JsonObject[] | undefined,
): Promise<number> {
  let gone = 0;
  for (const condition of filter ?? []) {
    const before = await countRows(db);
    const { violation } = ruleOf(condition, columns);
    try {
      await db.run(`DELETE FROM data WHERE ${violation}`);
    } catch (error) {
      throw asPerennialError(error, 'CONFIG_INVALID', `filter ${JSON.stringify(condition)}`);
    }
    const left = await countRows(db);
    if (left === 0)
      throw new PerennialError('SOURCE_EMPTY', `filter: none of ${before} rows meets ${JSON.stringify(condition)}.`, {
        hint: 'Correct the condition, or look at the values of the column.',
      });
    gone += before - left;
  }
  return gone;
}

function ruleOf(condition: JsonObject, columns: readonly TypedColumn[]): RowRule {
  try {
    return findExpectation(condition).rule(condition, {
      column: (name) => ({ ...requireColumn(columns, name, 'filter'), sql: requireColumn(columns, name, 'filter').id }),
    }) as RowRule;
  } catch (error) {
    if (!isPerennialError(error, 'CONFIG_INVALID')) throw error;
    throw new PerennialError(error.code, error.message.replace(/^expect:/, 'filter:'), { hint: error.hint });
  }
}

async function countRows(db: Database): Promise<number> {
  const [count] = await db.rows('SELECT count(*) FROM data');
  return Number(count![0]);
}

interface SampleRequest {
  readonly db: Database;
  readonly sample: SampleConfig | undefined;
  readonly split: SplitConfig;
  readonly seed: number;
  readonly columns: readonly TypedColumn[];
  readonly assigned: AssignedSplits;
}

/**
 * Keeps a share of the rows of some splits: by the contents of the rows (or the key of the split), so that a row stays in the sample
 * when others come.
 *
 * @throws SPLIT_INVALID where a split is left without a row
 */
export async function sampleRows({ db, sample, split, seed, columns, assigned }: SampleRequest): Promise<AssignedSplits> {
  if (sample === undefined) return assigned;
  const of = [...new Set<Split>(sample.splits ?? ['train'])];
  const left = `${shareSql(togetherSql({ split, columns }), `sample ${seed}`)} >= ${sample.fraction}`;
  const source = `(SELECT * FROM ${assigned.source} WHERE NOT (split IN (${of.map((name) => `'${name}'`).join(', ')}) AND ${left}))`;
  const rows = await countSplits(db, source);
  for (const name of of) {
    if (rows[name] === 0 && assigned.rows[name] > 0)
      throw new PerennialError(
        'SPLIT_INVALID',
        `The sample of ${sample.fraction} of the ${assigned.rows[name]} rows of the ${name} split is empty.`,
        { hint: `Give a larger "fraction", or leave "${name}" out of "splits".` },
      );
  }
  return { ...assigned, rows, source };
}

/** "2 conditions", "10 % of train" for one line of text. */
export function choiceInWords(filter: readonly JsonObject[] | undefined, sample: SampleConfig | undefined): string {
  const conditions =
    filter === undefined || filter.length === 0
      ? ''
      : `, filtered by ${[...new Set(filter.map(({ column }) => String(column)))].join(', ')}`;
  return sample === undefined
    ? conditions
    : `${conditions}, ${Number((100 * sample.fraction).toFixed(4))} % of ${SPLITS.filter((name) => (sample.splits ?? ['train']).includes(name)).join(', ')}`;
}
