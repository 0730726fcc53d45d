/**
 * `perennial drift MODEL --current FILE` as a whole command, with its peak memory: all 20 columns of 1,000,000 rows of Parquet (15 of
 * numbers, 5 of categories) against a model that was trained on as many, with all default tests. Beside it the time that the profile of
 * the training data takes, which is a part of every ingest.
 * Goals: at most 1.5 s and 400 MB. alibi-detect computes KS and chi-square of such columns in 8.4 to 9.9 s.
 *
 * npm run build && node bench/run.mjs drift [--reference ref.parquet --current cur.parquet] [--runs 5] [--command other/bin/perennial.js]
 *
 * Without files, they are drawn. Columns of texts are categories, all others numbers.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { JsonObject } from '../src/core/json.ts';
import { ident, literal, parquetTable, withDatabase } from '../src/data/table/duckdb.ts';
import type { Database } from '../src/data/table/duckdb.ts';
import { describeTable, profileFiles } from '../src/data/table/profile.ts';
import { packageRoot } from '../src/platform/paths.ts';
import { createRegistry } from '../src/registry/registry.ts';
import { createArtifactStore } from '../src/storage/artifact-store.ts';
import { openStore } from '../src/storage/open-store.ts';
import { modelFacts } from '../test/support/stored-facts.ts';
import { measuredDrift } from './measured-drift.ts';
import type { MeasuredDrift } from './measured-drift.ts';

if (process.argv[3] === 'policy') {
  await import('./drift-policy.ts');
  process.exit();
}
if (process.argv[3] === 'large') {
  await import('./drift-large.ts');
  process.exit();
}

const { values: options } = parseArgs({
  args: process.argv.slice(3),
  options: {
    reference: { type: 'string' },
    current: { type: 'string' },
    rows: { type: 'string', default: '1000000' },
    runs: { type: 'string', default: '5' },
    command: { type: 'string', default: join(packageRoot(), 'bin', 'perennial.js') },
  },
});
const home = mkdtempSync(join(tmpdir(), 'perennial-bench-'));
process.env.PERENNIAL_HOME = join(home, 'home');

/** Nearly normal numbers, and categories of 3 to 15 values. */
async function draw(db: Database, seed: number): Promise<string> {
  const path = join(home, `${seed}.parquet`);
  const numbers = Array.from(
    { length: 15 },
    (_, index) => `round(sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random()), 6) AS n${String(index).padStart(2, '0')}`,
  );
  const categories = Array.from(
    { length: 5 },
    (_, index) => `'v' || CAST(floor(random() * random() * ${3 * (index + 1)}) AS VARCHAR) AS c${index}`,
  );
  await db.rows(`SELECT setseed(${seed / 100})`);
  await db.run(`COPY (SELECT ${[...numbers, ...categories].join(', ')} FROM range(${options.rows})) TO ${literal(path)} (FORMAT parquet)`);
  return path;
}

/** Registers a model with the profile of a file, without training one. */
async function register(db: Database, path: string): Promise<Record<string, number>> {
  const table = parquetTable(path);
  const columns = (await db.describe(`SELECT * FROM ${table}`)).map(({ name, type }) => ({
    name,
    type: (/^(DOUBLE|FLOAT|DECIMAL.*|U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?)$/.test(type) ? 'number' : 'string') as 'number' | 'string',
    sql: ident(name),
  }));
  const started = performance.now();
  const described = await describeTable(db, table, columns);
  const files = profileFiles(described);
  const profileMs = Math.round(performance.now() - started);
  const store = await openStore();
  const artifacts = createArtifactStore(store);
  const modelRef = await artifacts.write({
    kind: 'model',
    summary: 'bench',
    files: { ...files, 'preprocessor.json': Buffer.from(JSON.stringify({ columns: columns.map(({ name }) => ({ name })) })) },
    meta: modelFacts({
      output: { kind: 'number', name: 'label', width: 1 },
      outputShape: [1],
      loss: 'meanSquaredError',
    }) as unknown as JsonObject,
  });
  await createRegistry(store, artifacts).register({ model: 'bench', modelRef, pipeline: 'bench', runId: 'bench', stepId: 'register' });
  return {
    rows: described.profile.rows,
    columns: columns.length,
    profileMs,
    referenceMb: round((files['reference.bin']?.length ?? 0) / 1e6),
  };
}

const round = (value: number): number => Number(value.toPrecision(4));
const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;

try {
  const { reference, current, profile } = await withDatabase(async (db) => {
    const reference = options.reference === undefined ? await draw(db, 1) : resolve(options.reference);
    const current = options.current === undefined ? await draw(db, 2) : resolve(options.current);
    return { reference, current, profile: await register(db, reference) };
  });
  const runs: MeasuredDrift[] = [];
  for (let turn = 0; turn < Number(options.runs); turn++) runs.push(await measuredDrift(options.command, ['bench', '--current', current]));
  const [{ result }] = runs as [MeasuredDrift];
  console.log(
    JSON.stringify(
      {
        benchmark: 'drift',
        load: loadavg()[0],
        reference,
        current,
        profile,
        compared: result.columns.filter((column) => column.status === 'compared').length,
        drifted: result.driftedColumns,
        tests: result.options.tests,
        seconds: { median: round(median(runs.map(({ seconds }) => seconds))), all: runs.map(({ seconds }) => round(seconds)) },
        cpuSeconds: round(median(runs.map(({ cpuSeconds }) => cpuSeconds))),
        peakMb: Math.max(...runs.map(({ peakMb }) => peakMb)),
        goals: { seconds: 1.5, peakMb: 400 },
      },
      null,
      2,
    ),
  );
} finally {
  rmSync(home, { recursive: true, force: true });
}
