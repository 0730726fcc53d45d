import { PerennialError } from '../../core/errors.ts';
import { ownValue } from '../../core/json.ts';
import type { OpenArtifact } from '../../core/ports.ts';
import { INTEGER_CLASSES_MAX, labelColumns } from '../ingest/label-columns.ts';
import { keyDigestSql, shareSql, withDigest } from '../reading/digest.ts';
import type { DatasetMeta } from '../stored/dataset.ts';
import { columnsOf, datasetMeta } from '../stored/dataset-rows.ts';
import { requireColumn } from '../table/columns.ts';
import { literal, parquetTable } from '../table/duckdb.ts';
import type { Database } from '../table/duckdb.ts';
import type { FoldConfig } from './fold-config.ts';

type Columns = Awaited<ReturnType<typeof columnsOf>>;

/** Rows that no fold holds out: they are learnt from in each. */
const NEVER = -1;

/**
 * Puts every row of the train split into a part of one fold: the table `assigned` of `r`, its number in the split from 0 on, and `part`.
 * Rows that are in no part are left out.
 *
 * @throws COLUMN_MISSING; SPLIT_INVALID where a part stays empty
 */
export async function assignFolds(db: Database, dataset: OpenArtifact, config: FoldConfig): Promise<void> {
  const columns = await columnsOf(db, dataset, 'train');
  const meta = datasetMeta(dataset);
  const rows = parquetTable(await dataset.path('train.parquet'), 'file_row_number = true');
  if (config.by === 'time') await inTime(db, rows, columns, config, meta);
  else await divided(db, rows, columns, config, meta);
  const counts = new Map((await db.rows('SELECT part, count(*) FROM assigned GROUP BY part')).map(([part, n]) => [part, Number(n)]));
  for (const part of ['train', 'test'])
    if ((counts.get(part) ?? 0) === 0)
      throw new PerennialError(
        'SPLIT_INVALID',
        `Fold ${config.fold} of ${config.folds} has no row to ${part === 'test' ? 'measure on' : 'learn from'}: the train split has ${meta.rows.train} rows${config.key === undefined ? '' : `, and those of one "${config.key}" stay together`}.`,
        { hint: 'Ask for fewer folds, or give more rows.' },
      );
}

/** Each fold is measured on rows that come after all that it learns from; rows of one moment stay together. */
async function inTime(db: Database, rows: string, columns: Columns, { column: name, folds, fold }: FoldConfig, meta: DatasetMeta) {
  const { sql } = requireColumn(columns, name ?? meta.timeColumn ?? '', 'folds');
  // What ends the training early stands between what is learnt from and what is measured on, as it does in the split itself.
  const validated = meta.rows.validation > 0;
  const size = Math.floor(meta.rows.train / (folds + (validated ? 2 : 1)));
  const test = meta.rows.train - (folds - fold + 1) * size;
  const learnt = validated ? test - size : test;
  await db.run(
    `CREATE TEMP TABLE assigned AS SELECT r, CASE WHEN place < ${learnt} THEN 'train' WHEN place < ${test} THEN 'validation' WHEN place < ${test + size} THEN 'test' END AS part FROM (SELECT file_row_number AS r, rank() OVER (ORDER BY ${sql}) - 1 AS place FROM ${rows})`,
  );
  await db.run('DELETE FROM assigned WHERE part IS NULL');
}

async function divided(db: Database, rows: string, columns: Columns, config: FoldConfig, meta: DatasetMeta): Promise<void> {
  const { folds, fold, seed } = config;
  const stratum = await stratumSql(db, rows, columns, config, meta);
  await db.run(
    `CREATE TEMP TABLE keyed AS SELECT file_row_number AS r, ${togetherSql(columns, config)} AS k, ${stratum ?? `''`} AS s FROM ${withDigest(rows, columns)}`,
  );
  const share = shareSql('k', `folds ${seed}`);
  if (config.by === 'random')
    await db.run(
      `CREATE TEMP TABLE held AS SELECT k, least(${folds - 1}, CAST(floor((before + n / 2.0) / total * ${folds}) AS INTEGER)) AS fold FROM (SELECT k, n, sum(n) OVER (PARTITION BY s ORDER BY h, k ROWS UNBOUNDED PRECEDING) - n AS before, sum(n) OVER (PARTITION BY s) AS total FROM (SELECT k, min(s) AS s, count(*) AS n, ${share} AS h FROM keyed GROUP BY k))`,
    );
  else {
    await db.run(`CREATE TEMP TABLE held AS SELECT DISTINCT k, CAST(floor(${share} * ${folds}) AS INTEGER) AS fold FROM keyed`);
    if (stratum !== undefined) await spreadClasses(db, folds);
  }
  // What only the held out rows hold cannot be learnt: such a class is learnt from in every fold, and measured in none.
  if (stratum !== undefined)
    await db.run(
      `UPDATE held SET fold = ${NEVER} WHERE k IN (SELECT k FROM keyed WHERE s IN (SELECT s FROM keyed JOIN held USING (k) GROUP BY s HAVING count(DISTINCT fold) = 1))`,
    );
  await db.run(
    `CREATE TEMP TABLE assigned AS SELECT r, CASE WHEN fold = ${fold - 1} THEN 'test' ELSE 'train' END AS part FROM keyed JOIN held USING (k)`,
  );
}

/** SQL of what keeps rows together: the value of "key", the contents of a row, or by chance nothing. */
function togetherSql(columns: Columns, { key: name, by }: FoldConfig): string {
  if (name === undefined) return by === 'random' ? 'CAST(file_row_number AS UBIGINT)' : 'digest';
  const { sql, type } = requireColumn(columns, name, 'folds');
  return `coalesce(${keyDigestSql({ name, type, sql })}, digest)`;
}

/** SQL of the class of a row; undefined where there is none, or it does not matter. */
async function stratumSql(
  db: Database,
  rows: string,
  columns: Columns,
  { stratify }: FoldConfig,
  meta: DatasetMeta,
): Promise<string | undefined> {
  const [label] = labelColumns({ ...meta, columns });
  if (label === undefined || stratify === false || label.type === 'image') return undefined;
  const text = `coalesce(CAST(${label.sql} AS VARCHAR), '')`;
  const kind = ownValue(meta.labelKinds, label.name);
  if (stratify === true || kind === 'classes' || label.type === 'string' || label.type === 'boolean') return text;
  if (kind === 'number' || label.type !== 'integer') return undefined;
  const [distinct] = await db.rows(`SELECT count(DISTINCT ${label.sql}) FROM ${rows}`);
  return Number(distinct![0]) <= INTEGER_CLASSES_MAX ? text : undefined;
}

/** A class that chance leaves without a row in some fold gets one there, where it has rows enough. */
async function spreadClasses(db: Database, folds: number): Promise<void> {
  const lacking = `SELECT s FROM keyed JOIN held USING (k) GROUP BY s HAVING count(DISTINCT fold) < least(${folds}, count(DISTINCT k))`;
  const found = await db.rows(
    `SELECT DISTINCT s, CAST(k AS VARCHAR), fold, k FROM keyed JOIN held USING (k) WHERE s IN (${lacking}) ORDER BY s, k`,
  );
  const moved = new Map<string, number>();
  for (const name of new Set(found.map(([s]) => String(s)))) {
    const groups = found.filter(([s]) => s === name).map(([, k, fold]) => ({ k: String(k), fold: moved.get(String(k)) ?? Number(fold) }));
    const held = Array.from({ length: folds }, (_, fold) => groups.filter((group) => group.fold === fold));
    for (const own of held) {
      if (own.length > 0) continue;
      const most = held.reduce((largest, other) => (other.length > largest.length ? other : largest));
      const at = most.findIndex(({ k }) => !moved.has(k));
      if (most.length < 2 || at < 0) continue;
      const [group] = most.splice(at, 1);
      own.push(group!);
      moved.set(group!.k, held.indexOf(own));
    }
  }
  for (const [k, fold] of moved) await db.run(`UPDATE held SET fold = ${fold} WHERE CAST(k AS VARCHAR) = ${literal(k)}`);
}
