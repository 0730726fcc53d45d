import { plural } from '../../core/plural.ts';
import { copyFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ArtifactRef } from '../../core/artifact.ts';
import { PerennialError } from '../../core/errors.ts';
import type { Json, JsonObject } from '../../core/json.ts';
import type { OpenArtifact } from '../../core/ports.ts';
import type { StepContext, StepResult } from '../../core/step.ts';
import { requireColumn } from '../table/columns.ts';
import { datasetMeta } from '../stored/dataset-rows.ts';
import { asPerennialError, ident, literal, parquetTable, withDatabase } from '../table/duckdb.ts';
import type { Database } from '../table/duckdb.ts';
import { findExpectation } from './find-expectation.ts';
import type { ExpectedColumn, RowRule, TableRule } from './expectation.ts';
import { datasetSummary, rowGroup, writeParquet } from '../ingest/ingest.ts';
import { digestsFile, writeDigestsOf } from '../ingest/row-digests.ts';
import { describeTable, profileFiles } from '../table/profile.ts';
import { SPLITS } from '../stored/dataset.ts';
import type { DatasetMeta } from '../stored/dataset.ts';

export interface ValidateConfig {
  readonly expect: readonly JsonObject[];
  readonly onViolation?: 'quarantine' | 'fail';
  readonly budget?: number;
}

interface Judged {
  readonly expectation: string;
  readonly rows: number;
  /** First offending values, for the report. */
  readonly samples: readonly string[];
  readonly failed?: string;
}

/** The table `judged`: all rows of all splits with "row", split, c0, …, in order. */
async function loadTable(db: Database, dataset: OpenArtifact, meta: DatasetMeta): Promise<ExpectedColumn[]> {
  const parts: string[] = [];
  for (const split of SPLITS) {
    if (meta.rows[split] === 0) continue;
    const source = parquetTable(await dataset.path(`${split}.parquet`));
    const names = await db.describe(`SELECT * FROM ${source}`);
    parts.push(`SELECT '${split}' AS split, ${names.map(({ name }, index) => `${ident(name)} AS c${index}`).join(', ')} FROM ${source}`);
  }
  await db.run(`CREATE TEMP TABLE judged AS SELECT row_number() OVER () AS "row", * FROM (${parts.join(' UNION ALL ')})`);
  return meta.columns.map((column, index) => ({ ...column, sql: `c${index}` }));
}

async function judgeRows(db: Database, rule: RowRule, text: string): Promise<Judged> {
  const value = rule.value === undefined ? 'NULL' : `left(CAST(${rule.value} AS VARCHAR), 60)`;
  await db.run(
    `INSERT INTO violations SELECT "row", ${literal(rule.reason)}, ${value} FROM (SELECT *, ${rule.violation} AS broken FROM judged) WHERE broken`,
  );
  const [count] = await db.rows(`SELECT count(*) FROM violations WHERE reason = ${literal(rule.reason)}`);
  const samples = await db.rows(
    `SELECT DISTINCT value FROM violations WHERE reason = ${literal(rule.reason)} AND value IS NOT NULL ORDER BY value LIMIT 5`,
  );
  return { expectation: text, rows: Number(count![0]), samples: samples.map((row) => String(row[0])) };
}

async function judge(db: Database, config: ValidateConfig, columns: readonly ExpectedColumn[]): Promise<Judged[]> {
  await db.run('CREATE TEMP TABLE violations ("row" BIGINT, reason VARCHAR, value VARCHAR)');
  const judged: Judged[] = [];
  for (const expectation of config.expect) {
    const text = JSON.stringify(expectation);
    const rule: RowRule | TableRule = findExpectation(expectation).rule(expectation, {
      column: (name) => requireColumn(columns, name, 'expect'),
    });
    try {
      if ('violation' in rule) judged.push(await judgeRows(db, rule, text));
      else {
        const [measured] = await db.rows(`SELECT ${rule.measure} FROM judged`);
        const failed = rule.judge(measured![0]);
        judged.push({ expectation: text, rows: 0, samples: [], ...(failed === undefined ? {} : { failed }) });
      }
    } catch (error) {
      throw asPerennialError(error, 'CONFIG_INVALID', `expect ${text}`);
    }
  }
  return judged;
}

function report(judged: readonly Judged[]): string {
  const line = (item: Judged) =>
    `| \`${item.expectation.replaceAll('|', '\\|')}\` | ${item.failed ?? (item.rows === 0 ? 'holds' : `${item.rows} rows${item.samples.length > 0 ? `, e.g. ${item.samples.slice(0, 3).join(', ')}` : ''}`)} |`;
  return ['| expectation | result |', '|---|---|', ...judged.map(line)].join('\n');
}

function checkOutcome(judged: readonly Judged[], bad: number, total: number, config: ValidateConfig): void {
  const broken = judged.filter((item) => item.failed !== undefined || item.rows > 0);
  const describe = (items: readonly Judged[]) =>
    items
      .slice(0, 5)
      .map(
        (item) =>
          item.failed ??
          `${item.expectation}: ${item.rows} rows${item.samples.length > 0 ? ` (e.g. ${item.samples.slice(0, 3).join(', ')})` : ''}`,
      )
      .join('; ');
  const details = { expectations: judged };
  const whole = judged.filter((item) => item.failed !== undefined);
  if (whole.length > 0)
    throw new PerennialError('EXPECTATION_FAILED', `The data break ${plural(whole.length, 'expectation')}: ${describe(whole)}.`, {
      details,
    });
  if (broken.length > 0 && config.onViolation === 'fail')
    throw new PerennialError('EXPECTATION_FAILED', `${bad} of ${total} rows break expectations: ${describe(broken)}.`, {
      hint: 'Correct the data, loosen the expectation, or use "onViolation": "quarantine".',
      details,
    });
  const share = bad / total;
  const budget = config.budget ?? 0.05;
  if (share > budget)
    throw new PerennialError(
      'EXPECTATION_FAILED',
      `${bad} of ${total} rows (${(100 * share).toFixed(1)} %) break expectations, the budget is ${(100 * budget).toFixed(1)} %: ${describe(broken)}.`,
      { details },
    );
}

async function quarantine(db: Database, dataset: OpenArtifact, columns: readonly ExpectedColumn[], workDir: string): Promise<string> {
  const before =
    dataset.manifest.files['quarantine.parquet'] === undefined ? undefined : parquetTable(await dataset.path('quarantine.parquet'));
  const content = columns.flatMap((column) =>
    column.type === 'image' ? [] : [`${literal(column.name)}, left(CAST(j.${column.sql} AS VARCHAR), 200)`],
  );
  const own = `SELECT v."row", string_agg(v.reason || coalesce(': ' || v.value, ''), '; ' ORDER BY v.reason) AS reason, CAST(any_value(json_object(${content.join(', ')})) AS VARCHAR) AS content FROM violations v JOIN judged j ON j."row" = v."row" GROUP BY v."row"`;
  const path = join(workDir, 'quarantine.parquet');
  const earlier = before === undefined ? '' : `SELECT 0 AS source, * FROM ${before} UNION ALL `;
  await writeParquet(
    db,
    `SELECT "row", reason, content FROM (${earlier}SELECT 1 AS source, * FROM (${own})) ORDER BY source, "row", reason`,
    path,
    122_880,
  );
  return path;
}

/** Places in the test split once the rows in violation are gone; -1 for those. */
async function placesAfter(db: Database, { rows }: DatasetMeta, positions: readonly number[]): Promise<number[]> {
  const first = rows.train + rows.validation + 1;
  const found = await db.rows(
    `SELECT before, after FROM (SELECT "row" - ${first} AS before, row_number() OVER (ORDER BY "row") - 1 AS after FROM kept WHERE split = 'test') WHERE before IN (${positions.join(', ')})`,
  );
  const places = new Map(found.map(([was, is]) => [Number(was), Number(is)]));
  return positions.map((position) => places.get(position) ?? -1);
}

/** The file leaves the work folder once it is written; the store's own stays. */
async function copied(dataset: OpenArtifact, file: string, workDir: string): Promise<string> {
  const path = join(workDir, file);
  await copyFile(await dataset.path(file), path);
  return path;
}

async function rewrite(
  db: Database,
  dataset: OpenArtifact,
  columns: readonly ExpectedColumn[],
  workDir: string,
): Promise<{ files: Record<string, Uint8Array | { path: string }>; meta: DatasetMeta }> {
  const before = datasetMeta(dataset);
  await db.run('CREATE TEMP TABLE kept AS SELECT * FROM judged WHERE "row" NOT IN (SELECT "row" FROM violations)');
  const rows = { train: 0, validation: 0, test: 0 };
  for (const [split, count] of await db.rows('SELECT split, count(*) FROM kept GROUP BY split')) rows[split as 'train'] = Number(count);
  for (const split of SPLITS)
    if (rows[split] === 0 && before.rows[split] > 0)
      throw new PerennialError('SPLIT_INVALID', `No row of the ${split} split meets the expectations.`);
  const files: Record<string, Uint8Array | { path: string }> = {};
  const group = rowGroup({ columns });
  for (const split of SPLITS) {
    const path = join(workDir, `${split}.parquet`);
    await writeParquet(
      db,
      `SELECT ${columns.map((column) => `${column.sql} AS ${ident(column.name)}`).join(', ')} FROM kept WHERE split = '${split}' ORDER BY "row"`,
      path,
      group,
    );
    files[`${split}.parquet`] = { path };
    const first = SPLITS.slice(0, SPLITS.indexOf(split)).reduce((sum, earlier) => sum + before.rows[earlier], 1);
    const digests = join(workDir, digestsFile(split));
    if (await writeDigestsOf(db, dataset, split, `SELECT "row" - ${first} FROM kept WHERE split = '${split}' ORDER BY "row"`, digests))
      files[digestsFile(split)] = { path: digests };
  }
  files['quarantine.parquet'] = { path: await quarantine(db, dataset, columns, workDir) };
  Object.assign(files, profileFiles(await describeTable(db, `(SELECT * FROM kept WHERE split = 'train')`, columns)));
  const rawTest =
    before.rawTest === undefined ? undefined : { ...before.rawTest, positions: await placesAfter(db, before, before.rawTest.positions) };
  if (rawTest !== undefined) files[rawTest.file] = { path: await copied(dataset, rawTest.file, workDir) };
  const [bad] = await db.rows('SELECT count(DISTINCT "row") FROM violations');
  return {
    files,
    meta: { ...before, rows, quarantined: before.quarantined + Number(bad![0]), ...(rawTest === undefined ? {} : { rawTest }) },
  };
}

/**
 * Judges a dataset and gives it on: unchanged where all rows keep what was promised, else without the rows that do not, which go to
 * the quarantine with their reasons.
 *
 * @throws EXPECTATION_FAILED, COLUMN_MISSING, CONFIG_INVALID
 */
export async function validate(ctx: StepContext, config: ValidateConfig, datasetRef: ArtifactRef): Promise<StepResult> {
  const dataset = await ctx.artifacts.open(datasetRef);
  const meta = datasetMeta(dataset);
  return withDatabase(async (db) => {
    const columns = await loadTable(db, dataset, meta);
    ctx.progress({ message: `judging ${plural(config.expect.length, 'expectation')}` });
    const judged = await judge(db, config, columns);
    const [counts] = await db.rows('SELECT (SELECT count(*) FROM judged), (SELECT count(DISTINCT "row") FROM violations)');
    const [total, bad] = counts!.map(Number) as [number, number];
    checkOutcome(judged, bad, total, config);
    const values = {
      rows: total - bad,
      quarantined: bad,
      expectations: judged.length,
      violated: judged.filter((item) => item.rows > 0).length,
      // Rows that break each, in the order of the document.
      ...(bad === 0 ? {} : { broken: judged.map((item) => item.rows) }),
    };
    if (bad === 0)
      return {
        outputs: { dataset: datasetRef },
        values,
        details: `**all ${total} rows keep ${judged.length} expectations**\n\n${report(judged)}`,
      };
    const { files, meta: after } = await rewrite(db, dataset, columns, ctx.workDir);
    const out = await ctx.artifacts.write({ kind: 'dataset', summary: datasetSummary(after), files, meta: after as unknown as Json });
    await Promise.all(Object.values(files).map(async (file) => ('path' in file ? rm(file.path, { force: true }) : undefined)));
    ctx.log.warn(`${bad} rows break expectations and are quarantined.`, { bad });
    return { outputs: { dataset: out }, values, details: `**${bad} of ${total} rows are quarantined**\n\n${report(judged)}` };
  }, ctx.signal);
}
