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
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { JsonObject } from '../src/core/json.ts';
import { ident, literal, pathLiteral, withDatabase } from '../src/data/table/duckdb.ts';
import type { Database } from '../src/data/table/duckdb.ts';
import { describeTable, profileFiles } from '../src/data/table/profile.ts';
import type { DriftResult } from '../src/monitoring/detect.ts';
import { packageRoot } from '../src/platform/paths.ts';
import { createRegistry } from '../src/registry/registry.ts';
import { createArtifactStore } from '../src/storage/artifact-store.ts';
import { openStore } from '../src/storage/open-store.ts';
import { modelFacts } from '../test/support/stored-facts.ts';

if (process.argv[3] === 'policy') {
  await import('./drift-policy.ts');
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
  const table = `read_parquet(${pathLiteral(path)})`;
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

interface Run {
  readonly seconds: number;
  readonly peakMb: number;
  /** Of all its threads: on a machine that others use, this says more than the clock. */
  readonly cpuSeconds: number;
  readonly result: DriftResult;
}

/** The command in a process of its own. Its peak is what the kernel says of the process shortly before it ends. */
async function compare(path: string): Promise<Run> {
  const started = performance.now();
  const child = spawn(process.execPath, [options.command, 'drift', 'bench', '--current', path, '--json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let out = '';
  let peakMb = 0;
  let ticks = 0;
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  const look = setInterval(() => {
    try {
      peakMb = Math.max(peakMb, Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1] ?? 0) / 1_000);
      const [user, system] = readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ')[1]!.split(' ').slice(11, 13).map(Number) as [
        number,
        number,
      ];
      ticks = Math.max(ticks, user + system);
    } catch {
      // It has ended, or this is no Linux: the last look counts.
    }
  }, 10);
  const code = await new Promise<number | null>((done) => child.on('close', done));
  clearInterval(look);
  if (code !== 0 && code !== 3) throw new Error(`perennial drift ended with ${String(code)}`);
  return {
    seconds: (performance.now() - started) / 1_000,
    peakMb: Math.round(peakMb),
    cpuSeconds: ticks / 100,
    result: JSON.parse(out) as DriftResult,
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
  const runs: Run[] = [];
  for (let turn = 0; turn < Number(options.runs); turn++) runs.push(await compare(current));
  const [{ result }] = runs as [Run];
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
