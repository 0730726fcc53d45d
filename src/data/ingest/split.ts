import { PerennialError } from '../../core/errors.ts';
import type { ConfigProblem } from '../../core/step.ts';
import { requireColumn } from '../table/columns.ts';
import type { Database } from '../table/duckdb.ts';
import { literal } from '../table/duckdb.ts';
import { keyDigestSql, shareSql } from '../reading/digest.ts';
import type { TypedColumn } from '../reading/source-column.ts';
import { momentHint } from '../reading/suggestions.ts';
import { SPLITS } from '../stored/dataset.ts';
import type { Split } from '../stored/dataset.ts';

export type SplitValue = string | number | boolean;

export interface SplitConfig {
  readonly train: number;
  readonly validation: number;
  readonly test: number;
  readonly by: 'hash' | 'random' | 'time' | 'column';
  readonly stratify?: boolean;
  /** The time column (by time), or the column that names the split (by column). */
  readonly column?: string;
  /** What the values of the column mean (by column); without it they are the names of the splits. */
  readonly values?: Partial<Readonly<Record<Split, SplitValue | readonly SplitValue[]>>>;
  /** Rows with the same value of this column stay together (by hash, random). */
  readonly key?: string;
}

export const DEFAULT_SPLIT: SplitConfig = { train: 0.7, validation: 0.15, test: 0.15, by: 'hash' };

/** Fills in a split: shares left out divide what the others leave; without any they are 0.7, 0.15 and 0.15. */
export function resolveSplit(split: Partial<SplitConfig> | undefined): SplitConfig {
  if (split === undefined) return DEFAULT_SPLIT;
  const given = SPLITS.filter((name) => split[name] !== undefined);
  if (given.length === 0) return { ...DEFAULT_SPLIT, ...split };
  const rest = Math.max(0, 1 - given.reduce((sum, name) => sum + split[name]!, 0)) / Math.max(1, SPLITS.length - given.length);
  const share = Math.round(rest * 1e9) / 1e9;
  return { by: 'hash', train: share, validation: share, test: share, ...split };
}

/** Mistakes of a split that its schema cannot say. */
export function checkSplit(split: SplitConfig, label: string | undefined): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const sum = split.train + split.validation + split.test;
  if (split.by !== 'column' && Math.abs(sum - 1) > 1e-6) {
    problems.push({
      pointer: '/split',
      message: `The proportions add up to ${Number(sum.toFixed(6))}, not 1.`,
      fix: `Make train + validation + test = 1, for example "test": ${Number(Math.max(0, 1 - split.train - split.validation).toFixed(6))}.`,
    });
  }
  if ((split.by === 'time' || split.by === 'column') && split.column === undefined) {
    problems.push({
      pointer: '/split/column',
      message: `A split by ${split.by} needs "column".`,
      fix: split.by === 'time' ? 'Name the column that orders the rows in time.' : 'Name the column that holds train, validation or test.',
    });
  }
  if ((split.by === 'hash' || split.by === 'random') && split.column !== undefined) {
    problems.push({
      pointer: '/split/column',
      message: `A split by ${split.by} has no "column".`,
      fix: 'Use "key" to keep rows with one value together, or "by": "time" or "column".',
    });
  }
  if ((split.by === 'time' || split.by === 'column') && split.key !== undefined)
    problems.push({
      pointer: '/split/key',
      message: `A split by ${split.by} has no "key".`,
      fix: 'Remove "key", or split by hash or random.',
    });
  if ((split.by === 'time' || split.by === 'column') && split.stratify === true)
    problems.push({
      pointer: '/split/stratify',
      message: `A split by ${split.by} cannot be stratified.`,
      fix: 'Remove "stratify", or split by hash or random.',
    });
  if (split.values !== undefined && split.by !== 'column')
    problems.push({
      pointer: '/split/values',
      message: `A split by ${split.by} has no "values".`,
      fix: 'Use "by": "column", or remove "values".',
    });
  const given = SPLITS.flatMap((name) => valuesOf(split, name).map((value) => textOf(value)));
  const twice = given.find((value, index) => given.indexOf(value) !== index);
  if (twice !== undefined)
    problems.push({ pointer: '/split/values', message: `"${twice}" stands for two splits.`, fix: 'Give every value to one split.' });
  if (split.values !== undefined && split.values.train === undefined)
    problems.push({
      pointer: '/split/values',
      message: 'No value stands for "train": there would be nothing to learn from.',
      fix: 'For example: "values": {"train": 0, "validation": 1, "test": 2}.',
    });
  if (split.stratify === true && label === undefined)
    problems.push({
      pointer: '/split/stratify',
      message: 'A stratified split needs a "label".',
      fix: 'Name the label, or remove "stratify".',
    });
  return problems;
}

function valuesOf({ values }: SplitConfig, name: Split): readonly SplitValue[] {
  return [values?.[name] ?? []].flat();
}

/** 0, 0.0 and "0" are one value; texts are compared without case and outer blanks. */
function textOf(value: SplitValue): string {
  return typeof value === 'string' && value.trim() !== '' && Number.isFinite(Number(value))
    ? String(Number(value))
    : String(value).trim().toLowerCase();
}

const SPLIT_NAMES: Readonly<Record<Split, readonly string[]>> = {
  train: ['train', 'training'],
  validation: ['validation', 'val', 'valid', 'dev'],
  test: ['test', 'testing'],
};

/** What to write where a column holds other values than the names of the splits. */
function splitHint(split: SplitConfig, found: readonly string[]): string {
  if (split.values !== undefined) return 'Add them to "values" of the split, or leave such rows out with "filter".';
  const codes = ['0', '1', '2'].every((code) => found.includes(code));
  const [train, validation, test] = (codes ? [0, 1, 2] : ['…', '…', '…']).map((value) => JSON.stringify(value));
  return `Say what the values mean: "values": {"train": ${train}, "validation": ${validation}, "test": ${test}}.`;
}

export interface SplitRequest {
  readonly db: Database;
  readonly split: SplitConfig;
  readonly seed: number;
  readonly columns: readonly TypedColumn[];
  readonly label: TypedColumn | undefined;
  readonly stratify: boolean;
}

/** The rows with the splits of the table `assigned`. */
const ASSIGNED = '(SELECT d.*, a.split, a.position, a.r FROM data d JOIN assigned a ON a.r = d.rowid)';

/** SQL of the split at a share of the rows from 0 to 1. */
function splitAt(at: string, split: SplitConfig): string {
  return `CASE WHEN ${at} < ${split.train} THEN 'train' WHEN ${at} < ${split.train + split.validation} THEN 'validation' WHEN ${split.test} > 0 THEN 'test' WHEN ${split.validation} > 0 THEN 'validation' ELSE 'train' END`;
}

const named = (before: string, n: string, total: string, split: SplitConfig) =>
  splitAt(`(((${before}) + (${n}) / 2.0) / (${total}))`, split);

/** SQL of the digest that keeps rows together: of the row, or of the value of "key". */
export function togetherSql({ split, columns }: Pick<SplitRequest, 'split' | 'columns'>): string {
  if (split.key === undefined) return 'digest';
  const key = requireColumn(columns, split.key, 'split.key');
  return `coalesce(${keyDigestSql({ name: key.name, type: key.type, sql: key.id })}, digest)`;
}

/**
 * Each row goes where its own digest says, so that it stays there whatever other rows come or go. A class that chance leaves without
 * a row in some split gives the rows that are nearest to it, where "stratify" is asked for.
 *
 * @returns SQL of the rows with their splits, which become a column of `data`
 */
async function byHash(request: SplitRequest): Promise<string> {
  const { db, split, seed, label, stratify } = request;
  const together = togetherSql(request);
  const share = shareSql(together, `split ${seed}`);
  await db.run(`ALTER TABLE data ADD COLUMN split ENUM(${SPLITS.map(literal).join(', ')})`);
  await db.run(`UPDATE data SET split = ${splitAt(share, split)}`);
  const moved =
    stratify && label !== undefined
      ? await rowsForEveryClass(
          request,
          label,
          `(SELECT CAST(${label.id} AS VARCHAR) AS s, ${together} AS together, ${share} AS u, split FROM data)`,
        )
      : [];
  for (const { value, together: chosen, to } of moved)
    await db.run(`UPDATE data SET split = '${to}' WHERE ${together} = ${chosen} AND CAST(${label!.id} AS VARCHAR) = ${literal(value)}`);
  return '(SELECT *, rowid AS position, rowid AS r FROM data)';
}

interface Moved {
  readonly value: string;
  readonly together: string;
  readonly to: Split;
}

async function rowsForEveryClass({ db, split }: SplitRequest, label: TypedColumn, assigned: string): Promise<Moved[]> {
  const wanted = SPLITS.filter((name) => split[name] > 0);
  const bounds: Record<Split, readonly [number, number]> = {
    train: [0, split.train],
    validation: [split.train, split.train + split.validation],
    test: [split.train + split.validation, 1],
  };
  const lacking = await db.rows(
    `SELECT CAST(${label.id} AS VARCHAR) FROM data GROUP BY ${label.id} HAVING ${wanted.map((name) => `count_if(split = '${name}') = 0`).join(' OR ')}`,
  );
  if (lacking.length === 0) return [];
  // Groups are counted of these few classes alone: of all rows that takes seconds.
  const classes = await db.rows(
    `SELECT s, count(DISTINCT together), ${SPLITS.map((name) => `count(DISTINCT CASE WHEN split = '${name}' THEN together END)`).join(', ')} FROM ${assigned} WHERE s IN (${lacking.map(([value]) => literal(String(value))).join(', ')}) GROUP BY s ORDER BY s`,
  );
  const moved: Moved[] = [];
  for (const [value, all, ...held] of classes) {
    const groups = Object.fromEntries(SPLITS.map((name, index) => [name, Number(held[index])])) as Record<Split, number>;
    const gone: string[] = [];
    // A class of one group is trained on: what only the test split holds cannot be learnt.
    for (const name of wanted.slice(0, Number(all))) {
      if (groups[name] > 0) continue;
      const [low, high] = bounds[name];
      const donors = SPLITS.filter((other) => groups[other] > 1 || (name === 'train' && groups[other] === 1));
      if (donors.length === 0) continue;
      const [chosen] = await db.rows(
        `SELECT CAST(together AS VARCHAR), split FROM ${assigned} WHERE s = ${literal(String(value))} AND split IN (${donors.map(literal).join(', ')})${gone.length === 0 ? '' : ` AND together NOT IN (${gone.join(', ')})`} ORDER BY greatest(${low} - u, u - ${high}, 0), together LIMIT 1`,
      );
      if (chosen === undefined) continue;
      moved.push({ value: String(value), together: String(chosen[0]), to: name });
      gone.push(String(chosen[0]));
      groups[name] += 1;
      groups[chosen[1] as Split] -= 1;
    }
  }
  return moved;
}

/** Exact shares, also within every class where that is asked for. */
async function byRandom(request: SplitRequest): Promise<string> {
  const { db, split, seed, columns, label, stratify } = request;
  const together = split.key === undefined ? `xor(CAST(rowid AS UBIGINT), CAST(0 AS UBIGINT))` : togetherSql({ split, columns });
  await db.run(
    `CREATE OR REPLACE TEMP TABLE keyed AS SELECT rowid AS r, ${together} AS k, ${stratify && label !== undefined ? `CAST(${label.id} AS VARCHAR)` : `''`} AS s FROM data`,
  );
  const choice = `SELECT k, CASE WHEN groups = 1 AND ${stratify} THEN 'train' ELSE ${named('before', 'n', 'total', split)} END AS split FROM (
         SELECT k, n, sum(n) OVER (PARTITION BY s ORDER BY h, k ROWS UNBOUNDED PRECEDING) - n AS before, sum(n) OVER (PARTITION BY s) AS total, count(*) OVER (PARTITION BY s) AS groups
         FROM (SELECT k, min(s) AS s, count(*) AS n, ${shareSql('k', `random ${seed}`)} AS h FROM keyed GROUP BY k))`;
  await db.run(`CREATE OR REPLACE TEMP TABLE assigned AS SELECT r, split, r AS position FROM keyed JOIN (${choice}) USING (k) ORDER BY r`);
  await db.run('DROP TABLE keyed');
  return ASSIGNED;
}

/** Says that a source is not in the order of time, and where: it is sorted. */
export async function orderNote(db: Database, split: SplitConfig, columns: readonly TypedColumn[]): Promise<string[]> {
  if (split.by !== 'time') return [];
  const time = requireColumn(columns, split.column!, 'split.column');
  const [found] = await db.rows(
    `SELECT count(*), min(place), any_value(total) FROM (SELECT ${time.id} < lag(${time.id}) OVER (ORDER BY rowid) AS back, rowid + 1 AS place, count(*) OVER () AS total FROM data) WHERE back`,
  );
  const [back, first, total] = found!.map(Number) as [number, number, number];
  return back === 0
    ? []
    : [
        `The source is not in the order of "${time.name}": ${back} of ${total} rows are earlier than the row before, the first is row ${first}. The rows were sorted.`,
      ];
}

async function byTime({ db, split, columns }: SplitRequest): Promise<string> {
  const time = requireColumn(columns, split.column!, 'split.column');
  if (!['timestamp', 'number', 'integer'].includes(time.type)) {
    throw new PerennialError(
      'SPLIT_INVALID',
      `split.column: "${time.name}" is a ${time.type} column; a split by time needs timestamps or numbers.`,
      {
        hint: await momentHint(db, time, 'data'),
      },
    );
  }
  // Rows of the same moment stay together: rank() is equal for ties.
  await db.run(`CREATE OR REPLACE TEMP TABLE assigned AS SELECT r, ${named('rank - 1', '0', 'total', split)} AS split, row_number() OVER (ORDER BY t, r) AS position
    FROM (SELECT rowid AS r, ${time.id} AS t, rank() OVER (ORDER BY ${time.id}) AS rank, count(*) OVER () AS total FROM data)`);
  return ASSIGNED;
}

async function byColumn({ db, split, columns }: SplitRequest): Promise<string> {
  const column = requireColumn(columns, split.column!, 'split.column');
  const text = `lower(trim(CAST(${column.id} AS VARCHAR)))`;
  const value =
    column.type === 'number'
      ? `CASE WHEN ${column.id} = trunc(${column.id}) THEN CAST(TRY_CAST(${column.id} AS BIGINT) AS VARCHAR) ELSE ${text} END`
      : text;
  const cases = SPLITS.flatMap((name) => {
    const own = split.values === undefined ? SPLIT_NAMES[name] : valuesOf(split, name).map(textOf);
    return own.length === 0 ? [] : [`WHEN ${value} IN (${own.map(literal).join(', ')}) THEN '${name}'`];
  });
  const name = `CASE ${cases.join(' ')} END`;
  const other = await db.rows(
    `SELECT coalesce(CAST(${column.id} AS VARCHAR), '(missing)'), count(*) FROM data WHERE ${name} IS NULL GROUP BY 1 ORDER BY 2 DESC LIMIT 5`,
  );
  if (other.length > 0) {
    throw new PerennialError(
      'SPLIT_INVALID',
      `split.column: "${column.name}" holds ${other.map((row) => `"${String(row[0])}" (${String(row[1])} rows)`).join(', ')}; expected ${split.values === undefined ? 'train, validation or test' : SPLITS.flatMap((each) => valuesOf(split, each).map((one) => JSON.stringify(one))).join(', ')}.`,
      {
        hint: splitHint(
          split,
          other.map((row) => String(row[0]).replace(/\.0$/, '')),
        ),
      },
    );
  }
  await db.run(`CREATE OR REPLACE TEMP TABLE assigned AS SELECT rowid AS r, ${name} AS split, rowid AS position FROM data`);
  return ASSIGNED;
}

/** Why a split stays empty although there seem to be rows enough. */
async function emptyHint({ db, split, label, stratify }: SplitRequest, rows: number): Promise<string> {
  if (split.by !== 'hash' && split.by !== 'random') return 'Give more rows or other proportions.';
  if (split.by === 'hash' && split.key === undefined) {
    const [distinct] = await db.rows(`SELECT count(DISTINCT digest) FROM data`);
    if (Number(distinct![0]) < rows / 2)
      return `Only ${String(distinct![0])} of the rows differ, and equal rows stay in one split: give more different rows, or "by": "random".`;
  }
  if (stratify && label !== undefined) {
    const [classes] = await db.rows(`SELECT count(DISTINCT ${label.id}) FROM data`);
    return `Each of the ${String(classes![0])} classes of "${label.name}" is divided by itself and has too few rows: give more rows of each, other proportions, or remove "stratify".`;
  }
  return split.key === undefined
    ? 'Give more rows or other proportions.'
    : `Rows with the same "${split.key}" stay together: give more different values, or other proportions.`;
}

export interface AssignedSplits {
  readonly rows: Readonly<Record<Split, number>>;
  /** SQL of the rows of `data` with split, position and r, the number of the row in the source. */
  readonly source: string;
  /** Their order is that of `position` already. */
  readonly inOrder: boolean;
}

/**
 * Divides the rows of `data`. Rows with equal key (or, by hash, equal contents) never come into two splits.
 *
 * @throws SPLIT_INVALID where a split with a proportion above 0 stays empty.
 */
export async function assignSplits(request: SplitRequest): Promise<AssignedSplits> {
  const { db, split } = request;
  const source =
    split.by === 'time'
      ? await byTime(request)
      : split.by === 'column'
        ? await byColumn(request)
        : split.by === 'hash'
          ? await byHash(request)
          : await byRandom(request);
  const rows = await countSplits(db, source);
  const total = rows.train + rows.validation + rows.test;
  for (const name of SPLITS) {
    if (rows[name] === 0 && (name === 'train' || (split.by !== 'column' && split[name] > 0))) {
      throw new PerennialError(
        'SPLIT_INVALID',
        `The ${name} split is empty: ${total} rows, ${split.by === 'column' ? `none of them "${name}" in "${split.column}"` : `proportion ${split[name]}`}.`,
        { hint: await emptyHint(request, total) },
      );
    }
  }
  return { rows, source, inOrder: split.by === 'hash' };
}

export async function countSplits(db: Database, source: string): Promise<Record<Split, number>> {
  const counts: Record<Split, number> = { train: 0, validation: 0, test: 0 };
  for (const [name, count] of await db.rows(`SELECT split, count(*) FROM ${source} GROUP BY split`)) counts[name as Split] = Number(count);
  return counts;
}
