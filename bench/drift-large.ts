/**
 * `perennial drift MODEL --current FILE` over more rows than fit into memory, with the whole policy on: all default tests with their
 * corrections, a stream with pooled windows, and both tests of whole rows. 20 columns: 12 of numbers with two decimals, 3 of doubles as
 * they come, a flag, 3 of categories, and one of as many different texts as a twentieth of the rows.
 *
 * Goal: the peak of memory is bounded, whatever the number of rows: at most 2.5 GB (DuckDB is allowed 1 GB of it), and no more than half as
 * much again for ten times the rows.
 *
 * npm run build && node bench/run.mjs drift large [--rows 10000000,100000000] [--folder /tmp]
 *
 * 100,000,000 rows take 7 GB in the folder, which are removed afterwards.
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { JsonObject } from '../src/core/json.ts';
import { literal, withDatabase } from '../src/data/table/duckdb.ts';
import { packageRoot } from '../src/platform/paths.ts';
import { createRegistry } from '../src/registry/registry.ts';
import { createArtifactStore } from '../src/storage/artifact-store.ts';
import { openStore } from '../src/storage/open-store.ts';
import { runSteps } from '../test/support/run-steps.ts';
import { modelFacts } from '../test/support/stored-facts.ts';
import { measuredDrift } from './measured-drift.ts';

const { values: options } = parseArgs({
  args: process.argv.slice(3),
  allowPositionals: true,
  options: {
    rows: { type: 'string', default: '10000000,100000000' },
    training: { type: 'string', default: '1000000' },
    folder: { type: 'string', default: tmpdir() },
    command: { type: 'string', default: join(packageRoot(), 'bin', 'perennial.js') },
  },
});
const home = mkdtempSync(join(options.folder, 'perennial-bench-'));
process.env.PERENNIAL_HOME = join(home, 'home');

const NUMBERS = Array.from({ length: 15 }, (_, index) => `n${String(index).padStart(2, '0')}`);
const COLUMNS = [...NUMBERS, 'flag', 'c0', 'c1', 'c2', 'name'];

/** Sums of four uniform numbers are near enough to normal ones, and cheap. @param shift of one column, in parts of its range */
async function draw(name: string, rows: number, shift: number): Promise<string> {
  const path = join(home, `${name}.parquet`);
  const normal = '(random() + random() + random() + random() - 2)';
  const columns = [
    ...NUMBERS.map((column, index) => `${index < 12 ? `round(${normal}, 2)` : 'random()'}${index === 3 ? ` + ${shift}` : ''} AS ${column}`),
    'random() < 0.3 AS flag',
    ...[5, 12, 200].map((count, index) => `'v' || CAST(floor(random() * random() * ${count}) AS INTEGER) AS c${index}`),
    `'customer ' || CAST(floor(random() * ${Math.max(1, rows / 20)}) AS BIGINT) AS name`,
  ];
  await withDatabase((db) =>
    db.run(`COPY (SELECT ${columns.join(', ')} FROM range(${rows})) TO ${literal(path)} (FORMAT parquet, COMPRESSION zstd)`),
  );
  return path;
}

/** A version with the dataset that it learnt from: tests of whole rows look at its rows. */
async function register(): Promise<void> {
  const store = await openStore();
  const artifacts = createArtifactStore(store);
  await draw('training', Number(options.training), 0);
  const { ingest } = await runSteps({ dir: home, store, artifacts }, 'r', {
    apiVersion: 'perennial/v1',
    name: 'large',
    steps: [
      {
        id: 'ingest',
        uses: 'ingest',
        with: { source: { format: 'parquet', path: 'training.parquet' }, split: { train: 0.8, validation: 0.1, test: 0.1 } },
      },
    ],
  });
  const dataset = await artifacts.open(ingest!.outputs['dataset']!);
  const files: Record<string, Uint8Array> = {
    'preprocessor.json': Buffer.from(JSON.stringify({ columns: COLUMNS.map((name) => ({ name })) })),
  };
  for (const name of ['profile.json', 'reference.bin'])
    if (dataset.manifest.files[name] !== undefined) files[name] = await dataset.bytes(name);
  const modelRef = await artifacts.write({ kind: 'model', summary: 'bench', files, meta: modelFacts() as unknown as JsonObject });
  await createRegistry(store, artifacts).register({
    model: 'bench',
    modelRef,
    dataset: dataset.ref.digest,
    pipeline: 'large',
    runId: 'r',
    stepId: 'register',
  });
}

const round = (value: number): number => Number(value.toPrecision(4));

try {
  await register();
  const sizes: Record<string, unknown>[] = [];
  for (const rows of options.rows.split(',').map(Number)) {
    const path = await draw('current', rows, 0.2);
    const policy = ['--stream', 'daily', '--joint', 'mmd', '--joint', 'classifier', '--also', 'wasserstein,psi'];
    const { result, ...measured } = await measuredDrift(options.command, ['bench', '--current', path, ...policy]);
    sizes.push({
      rows,
      gigabytes: round(statSync(path).size / 1e9),
      seconds: round(measured.seconds),
      cpuSeconds: round(measured.cpuSeconds),
      peakMb: measured.peakMb,
      compared: result.columns.filter(({ status }) => status === 'compared').length,
      drifted: result.driftedColumns,
      joint: result.joint?.map(({ test, status, drifted, rowsCurrent }) => ({ test, status, drifted, rowsCurrent })),
    });
    process.stderr.write(`${JSON.stringify(sizes.at(-1))}\n`);
    rmSync(path);
  }
  console.log(
    JSON.stringify({ benchmark: 'drift large', load: loadavg()[0], columns: COLUMNS.length, sizes, goals: { peakMb: 2_500 } }, null, 2),
  );
} finally {
  rmSync(home, { recursive: true, force: true });
}
