import { PerennialError } from '../../core/errors.ts';
import type { Tensor } from '../../core/tensor.ts';
import type { ColumnData } from '../transforms/column-data.ts';
import { requireColumn } from '../table/columns.ts';
import { literal, numberLiteral } from '../table/duckdb.ts';
import type { Database } from '../table/duckdb.ts';
import { isAnomalyName } from './anomaly-names.ts';
import { ANOMALY } from '../stored/examples.ts';
import { classesOf } from './label.ts';
import { numbersOfCategories } from '../transforms/transform.ts';
import { SPLITS } from '../stored/dataset.ts';
import type { AnomalyMeta, Split } from '../stored/dataset.ts';
import type { Column } from '../stored/column.ts';

type Value = string | number | boolean;

/** Which rows are anomalies: those whose column has one of some values, or any other than some. */
export type AnomalyConfig = { readonly column: string } & ({ readonly values: readonly Value[] } | { readonly normal: readonly Value[] });

/** The same, checked against the columns of a dataset. */
export interface AnomalyRule {
  readonly column: Column;
  /** As {@link classesOf} writes them. */
  readonly names: readonly string[];
  /** What the names are of. */
  readonly listed: 'anomalies' | 'normal';
}

/** @throws COLUMN_MISSING, CONFIG_INVALID */
export function anomalyRule(config: AnomalyConfig, columns: readonly Column[]): AnomalyRule {
  const column = requireColumn(columns, config.column, 'anomaly.column');
  if (column.type === 'image' || column.type === 'timestamp')
    throw new PerennialError('CONFIG_INVALID', `anomaly.column: "${column.name}" holds ${column.type}s, which do not say what a row is.`, {
      hint: 'Name a column of text, whole numbers or true/false.',
    });
  const [listed, values] = 'values' in config ? (['anomalies', config.values] as const) : (['normal', config.normal] as const);
  return { column, listed, names: values.map((value) => nameOf(value, column)) };
}

function nameOf(value: Value, { name, type }: Column): string {
  const fits =
    type === 'string' ||
    (type === 'boolean' ? ['true', 'false'].includes(String(value)) : String(value).trim() !== '' && Number.isFinite(Number(value)));
  if (!fits)
    throw new PerennialError(
      'CONFIG_INVALID',
      `anomaly: ${JSON.stringify(value)} is no value of the column "${name}", which holds ${type === 'boolean' ? 'true and false' : `${type} values`}.`,
    );
  return type === 'string' || type === 'boolean' ? String(value) : String(Number(value));
}

/** SQL that is true for anomalies and null where the value is missing. @param sql of the column */
export function isAnomalySql({ column, names, listed }: AnomalyRule, sql: string): string {
  const known =
    column.type === 'string'
      ? `${sql} IN (${names.map(literal).join(', ')})`
      : column.type === 'boolean'
        ? `${sql} IN (${names.join(', ')})`
        : `CAST(${sql} AS DOUBLE) IN (${names.map((name) => numberLiteral(Number(name))).join(', ')})`;
  return listed === 'anomalies' ? known : `NOT (${known})`;
}

/** 1 for anomalies, 0 for other rows. */
export function anomalyTensor(rule: AnomalyRule, data: ColumnData): Tensor {
  const values = new Int32Array(numbersOfCategories(classesOf(data, rule.column.type), (name) => Number(isAnomalyName(rule, name))));
  return { spec: { name: ANOMALY, shape: [1], dtype: 'int32' }, rows: values.length, data: values };
}

export interface AnomalySplit {
  /** SQL of the rows. */
  readonly source: string;
  /** SQL of the column. */
  readonly sql: string;
}

/**
 * Counts the anomalies of every split.
 *
 * @throws LABEL_INVALID for rows that do not say what they are; CONFIG_INVALID for a value that no row has; SPLIT_INVALID where training
 * has no normal
 * row, or the test split has not both kinds
 */
export async function countAnomalies(
  db: Database,
  rule: AnomalyRule,
  splits: Readonly<Partial<Record<Split, AnomalySplit>>>,
): Promise<AnomalyMeta> {
  const found = new Map<string, number>();
  const rows = { train: 0, validation: 0, test: 0 };
  const all = { train: 0, validation: 0, test: 0 };
  for (const split of SPLITS) {
    const place = splits[split];
    if (place === undefined) continue;
    const { source, sql } = place;
    const [counts] = await db.rows(
      `SELECT count(*), count(*) FILTER (WHERE ${sql} IS NULL), count(*) FILTER (WHERE ${isAnomalySql(rule, sql)}) FROM ${source}`,
    );
    const [total, missing, anomalies] = counts!.map(Number) as [number, number, number];
    if (missing > 0)
      throw new PerennialError(
        'LABEL_INVALID',
        `anomaly: ${missing} of ${total} rows of the ${split} split have no "${rule.column.name}", so that nobody knows whether they are normal.`,
        {
          hint: `Leave such rows out: in the validate step, { "column": "${rule.column.name}", "notNull": true } with "onViolation": "quarantine".`,
        },
      );
    [all[split], rows[split]] = [total, anomalies];
    for (const [value, count] of await db.rows(
      `SELECT CAST(${sql} AS VARCHAR), count(*) AS n FROM ${source} GROUP BY 1 ORDER BY n DESC, 1 LIMIT 1000`,
    )) {
      const name = rule.column.type === 'string' || rule.column.type === 'boolean' ? String(value) : String(Number(value));
      found.set(name, (found.get(name) ?? 0) + Number(count));
    }
  }
  const unknown = rule.names.find((name) => !found.has(name));
  if (unknown !== undefined && found.size < 1_000) {
    const seen = [...found.keys()].sort();
    throw new PerennialError(
      'CONFIG_INVALID',
      `anomaly: no row has the value ${JSON.stringify(unknown)} in "${rule.column.name}". There is: ${seen
        .slice(0, 20)
        .map((name) => JSON.stringify(name))
        .join(', ')}${seen.length > 20 ? ', …' : ''}.`,
    );
  }
  checkKinds(rows, all);
  return { column: rule.column.name, listed: rule.listed, names: rule.names, rows };
}

function checkKinds(anomalies: Readonly<Record<Split, number>>, all: Readonly<Record<Split, number>>): void {
  if (all.train === anomalies.train)
    throw new PerennialError(
      'SPLIT_INVALID',
      `anomaly: all ${all.train} rows of the train split are anomalies; there is nothing normal to learn.`,
      { hint: 'Correct "values" or "normal": the larger part of the rows has to be normal.' },
    );
  if (all.test === 0 || (anomalies.test > 0 && anomalies.test < all.test)) return;
  throw new PerennialError(
    'SPLIT_INVALID',
    `anomaly: ${anomalies.test === 0 ? 'none' : 'all'} of the ${all.test} rows of the test split are anomalies, so that nothing can be told apart.`,
    {
      hint: 'Use "stratify": true in the split of the ingest step, give the test split a larger share, or leave "anomaly" out to judge the reconstruction alone.',
    },
  );
}

/** Keeps the examples that no anomaly takes part in, without their flag. */
export function normalOnly(batch: Readonly<Record<string, Tensor>>): Record<string, Tensor> {
  const { [ANOMALY]: flags, ...rest } = batch;
  const kept = Array.from(flags!.data.keys()).filter((row) => flags!.data[row] === 0);
  return Object.fromEntries(
    Object.entries(rest).map(([name, tensor]) => {
      const width = tensor.rows === 0 ? 0 : tensor.data.length / tensor.rows;
      const data = new (tensor.data.constructor as Float32ArrayConstructor)(kept.length * width);
      kept.forEach((row, at) => data.set(tensor.data.subarray(row * width, (row + 1) * width), at * width));
      return [name, { spec: tensor.spec, rows: kept.length, data }];
    }),
  );
}
