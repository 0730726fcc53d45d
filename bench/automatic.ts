/**
 * Preprocessing that nobody wrote (`"preprocess"` without `"features"`) beside what a competent user writes by hand with scikit-learn, on
 * generated tables: the same network (scikit-learn's MLPClassifier) learns from both, on the same rows; ROC-AUC on the test rows, means
 * over seeds of the network.
 * Goal: within 0.005 of the hand-written one.
 *
 *     node bench/run.mjs automatic --python path/to/python [--seeds 1,2] [--tables census,credit,plant] [--variants variants.json]
 *
 * The Python environment needs scikit-learn and pandas. `--variants`: further preprocessing to compare, { "name": { "table": { "column":
 * [transforms] } } }.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openExamples } from '../src/data/stored/examples.ts';
import { ingest } from '../src/data/ingest/ingest.ts';
import { preprocess } from '../src/data/preprocess/preprocess.ts';
import type { PreprocessConfig } from '../src/data/preprocess/preprocess-config.ts';
import { packageRoot } from '../src/platform/paths.ts';
import { SPLITS } from '../src/data/stored/dataset.ts';
import { createBench } from '../test/unit/data/support.ts';
import { TABLES, csvOf } from './automatic-tables.ts';

const { values: options } = parseArgs({
  args: process.argv.slice(3),
  options: {
    python: { type: 'string', default: 'python3' },
    seeds: { type: 'string', default: '1,2' },
    tables: { type: 'string', default: Object.keys(TABLES).join(',') },
    variants: { type: 'string' },
  },
});
const folder = mkdtempSync(join(tmpdir(), 'perennial-automatic-'));
const bench = await createBench();
const variants =
  options.variants === undefined
    ? {}
    : (JSON.parse(readFileSync(options.variants, 'utf8')) as Record<string, Record<string, PreprocessConfig['features']>>);

function write(path: string, values: Float32Array | Int32Array | Uint8Array): void {
  writeFileSync(path, Buffer.from(values.buffer, values.byteOffset, values.byteLength));
}

const results: object[] = [];
for (const table of options.tables.split(',')) {
  for (const seed of options.seeds.split(',').map(Number)) {
    const made = TABLES[table]!(seed);
    const home = join(folder, `${table}-${seed}`);
    const csv = join(home, 'table.csv');
    mkdirSync(home);
    writeFileSync(csv, csvOf(made));
    const { outputs } = await ingest(bench.context(), {
      source: { format: 'csv', path: csv },
      label: 'label',
      split: { by: 'column', column: 'part' },
    });
    const ways: Record<string, PreprocessConfig> = {
      automatic: {},
      ...Object.fromEntries(
        Object.entries(variants).flatMap(([name, byTable]) => (byTable[table] === undefined ? [] : [[name, { features: byTable[table] }]])),
      ),
    };
    for (const [way, config] of Object.entries(ways)) {
      mkdirSync(join(home, way));
      const prepared = await preprocess(bench.context(), config, outputs.dataset!);
      const examples = await openExamples(await bench.open(prepared.outputs.examples));
      for (const split of SPLITS) {
        const reader = examples.reader(split);
        const batch = reader.read(0, reader.rows);
        write(join(home, way, `${split}.features`), batch.features!.data);
        write(join(home, way, `${split}.label`), batch['@label']!.data);
      }
    }
    const { status, stdout, stderr } = spawnSync(
      options.python,
      [join(packageRoot(), 'bench', 'automatic_sklearn.py'), table, home, ...Object.keys(ways)],
      { encoding: 'utf8', env: { ...process.env, OMP_NUM_THREADS: '1', OPENBLAS_NUM_THREADS: '1' } },
    );
    if (status !== 0) throw new Error(stderr);
    const result = { table, seed, ...(JSON.parse(stdout) as object) };
    process.stderr.write(`${JSON.stringify(result)}\n`);
    results.push(result);
  }
}
process.stdout.write(`${JSON.stringify(results, null, 2)}\n`);
rmSync(folder, { recursive: true, force: true });
await bench.close();
