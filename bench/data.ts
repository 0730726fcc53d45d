/**
 * A table of 5,000,000 rows and 12 columns from CSV to what a model is trained on: types found, missing numbers imputed, numbers
 * standardized, categories one-hot, split by class, 53 float32 columns and the profile in the store. The two steps run as a worker runs
 * them, each once, with their processor seconds and the peak memory of the process. A Python with polars does the same work beside them
 * (without a profile, a check of types, digests of rows, or a flush to the disk).
 * Goals: at most 1.5 times polars, at most 1.2 GiB; the same path on 200 rows not slower than before.
 *
 *     node bench/run.mjs data [--file table.csv] [--rows 5000000] [--runs 1] [--python path/to/python]
 *
 * Without a file the table is drawn.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { ArtifactRef } from '../src/core/artifact.ts';
import type { StepContext, StepResult } from '../src/core/step.ts';
import { literal, withDatabase } from '../src/data/table/duckdb.ts';
import { ingest } from '../src/data/ingest/ingest.ts';
import { preprocess } from '../src/data/preprocess/preprocess.ts';
import { packageRoot } from '../src/platform/paths.ts';
import { createArtifactStore } from '../src/storage/artifact-store.ts';
import { openStore } from '../src/storage/open-store.ts';

const { values: options } = parseArgs({
  args: process.argv.slice(3),
  options: {
    file: { type: 'string' },
    rows: { type: 'string', default: '5000000' },
    runs: { type: 'string', default: '1' },
    python: { type: 'string' },
  },
});
const folder = mkdtempSync(join(tmpdir(), 'perennial-bench-'));
process.env.PERENNIAL_HOME = join(folder, 'home');
mkdirSync(join(folder, 'home'));

/** Seven numbers of other sizes with one missing in fifty, four columns of categories, and a label. */
async function draw(): Promise<string> {
  const path = join(folder, 'table.csv');
  const number = (index: number): string =>
    `CASE WHEN random() < 0.02 THEN NULL ELSE round(${10 ** (index - 2)} * sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random()), 4) END AS n${index}`;
  const categories = [3, 5, 12, 26].map((count, index) => `'v' || CAST(floor(random() * ${count}) AS INTEGER) AS c${index}`);
  await withDatabase((db) =>
    db.run(
      `COPY (SELECT ${[...Array.from({ length: 7 }, (_, index) => number(index)), ...categories].join(', ')}, CAST(random() < 0.2 AS INTEGER) AS label FROM range(${options.rows})) TO ${literal(path)} (FORMAT csv, HEADER)`,
    ),
  );
  return path;
}

const path = options.file === undefined ? await draw() : resolve(options.file);
const numbers = Array.from({ length: 7 }, (_, index) => [`n${index}`, [{ impute: 'median' }, 'standardize']] as const);
const categories = Array.from({ length: 4 }, (_, index) => [`c${index}`, ['oneHot']] as const);

interface Measured {
  readonly seconds: number;
  readonly cpuSeconds: number;
}

async function measured(work: () => Promise<StepResult>): Promise<Measured & { readonly output: ArtifactRef; readonly details: string }> {
  const started = performance.now();
  const before = process.cpuUsage();
  const { outputs, details } = await work();
  const { user, system } = process.cpuUsage(before);
  return {
    seconds: round((performance.now() - started) / 1e3),
    cpuSeconds: round((user + system) / 1e6),
    output: Object.values(outputs)[0]!,
    details: details ?? '',
  };
}

const round = (value: number): number => Math.round(100 * value) / 100;

async function perennial(): Promise<Record<string, unknown>> {
  const store = await openStore();
  const workDir = join(folder, 'work');
  mkdirSync(workDir, { recursive: true });
  const context = {
    progress() {},
    log: { info() {}, warn() {}, debug() {}, error() {} },
    documentDir: folder,
    workDir,
    nominalTime: '2024-01-01T00:00:00Z',
    artifacts: createArtifactStore(store),
    attempt: 1,
    signal: new AbortController().signal,
  } as unknown as StepContext;
  const read = await measured(() =>
    ingest(context, { source: { format: 'csv', path }, label: 'label', split: { by: 'hash', stratify: true } }),
  );
  const prepared = await measured(() => preprocess(context, { features: Object.fromEntries([...numbers, ...categories]) }, read.output));
  return {
    seconds: round(read.seconds + prepared.seconds),
    ingest: { seconds: read.seconds, cpuSeconds: read.cpuSeconds },
    preprocess: { seconds: prepared.seconds, cpuSeconds: prepared.cpuSeconds },
    peakMb: Math.round(process.resourceUsage().maxRSS / 1024),
    rows: read.output.summary,
    examples: prepared.output.summary,
  };
}

const results: Record<string, unknown> = { loadBefore: loadavg(), runs: [] as unknown[], polars: [] as unknown[] };
for (let run = 0; run < Number(options.runs); run += 1) {
  // But where the database, which drew the table, puts what does not fit into memory.
  for (const name of readdirSync(join(folder, 'home'), { encoding: 'utf8' }).filter((each) => each !== 'tmp'))
    rmSync(join(folder, 'home', name), { recursive: true });
  (results['runs'] as unknown[]).push(await perennial());
  if (options.python === undefined) continue;
  const peer = spawnSync(options.python, [join(packageRoot(), 'bench', 'data_polars.py'), path, folder], { encoding: 'utf8' });
  if (peer.status !== 0) throw new Error(peer.stderr);
  (results['polars'] as unknown[]).push(JSON.parse(peer.stdout));
}
console.log(JSON.stringify({ ...results, loadAfter: loadavg() }, null, 2));
rmSync(folder, { recursive: true, force: true });
