/**
 * A whole `perennial run` (ingest, validate, preprocess, ten epochs of training, evaluate, register) with the stack up, beside the same
 * work written by hand with scikit-learn and Keras, as whole commands in one sitting: a table like a census, and small images of digits,
 * on the same rows of train, validation and test, with one seed a turn; qualities are means over the turns.
 * Goals: faster than the script, at equal or better quality on the test rows. Ludwig took 2.4 and 2.8 times as long as such scripts.
 *
 *     npm run build && node bench/run.mjs pipeline --python path/to/python [--runs 3]
 *
 * The Python environment needs keras, tensorflow, scikit-learn, pandas and pillow; it also writes the data.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { packageRoot } from '../src/platform/paths.ts';
import { freePort } from '../src/platform/ports.ts';

const { values: options } = parseArgs({
  args: process.argv.slice(3),
  options: { python: { type: 'string', default: 'python3' }, runs: { type: 'string', default: '3' } },
});
const home = mkdtempSync(join(tmpdir(), 'perennial-bench-'));
const data = join(home, 'data');
process.env.PERENNIAL_HOME = join(home, 'home');
const env = {
  ...process.env,
  PERENNIAL_TOOLS: process.env.PERENNIAL_TOOLS ?? join(packageRoot(), '.perennial', 'tools'),
};

function run(command: string, args: readonly string[]): { readonly seconds: number; readonly out: string } {
  const started = performance.now();
  const { status, stdout, stderr } = spawnSync(command, args, { env, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${String(status)}:\n${stderr.slice(-4_000)}`);
  return { seconds: (performance.now() - started) / 1_000, out: stdout };
}

const perennial = (...args: string[]): ReturnType<typeof run> =>
  run(process.execPath, [join(packageRoot(), 'bin', 'perennial.js'), ...args]);
const keras = (task: string, seed = 0): ReturnType<typeof run> =>
  run(options.python, [join(packageRoot(), 'bench', 'pipeline_keras.py'), task, data, String(seed)]);

interface Task {
  readonly ingest: object;
  readonly features: object;
  readonly train: object;
  readonly metrics: readonly string[];
}

const NUMBERS = ['age', 'wealth', 'education_years', 'gain', 'loss', 'hours'];
const CATEGORIES = ['work', 'education', 'marital', 'occupation', 'relation', 'group', 'sex', 'country'];
const TASKS: Readonly<Record<string, Task>> = {
  table: {
    ingest: { source: { format: 'csv', path: join(data, 'table.csv') }, label: 'income', split: { by: 'column', column: 'split' } },
    features: {
      ...Object.fromEntries(NUMBERS.map((name) => [name, [{ impute: 'median' }, 'standardize']])),
      ...Object.fromEntries(CATEGORIES.map((name) => [name, [{ impute: { constant: 'missing' } }, 'oneHot']])),
    },
    train: { model: { architecture: 'mlp', units: [64, 64] }, loss: 'binaryCrossentropy', batchSize: 256 },
    metrics: ['rocAuc', 'accuracy'],
  },
  digits: {
    ingest: {
      source: { format: 'csv', path: join(data, 'digits.csv') },
      label: 'label',
      columns: { path: 'image', label: 'string' },
      split: { by: 'column', column: 'split' },
    },
    features: { path: ['grayscale', 'rescale'] },
    train: {
      model: {
        layers: [
          { type: 'conv2d', filters: 32, kernelSize: 3, padding: 'same', activation: 'relu' },
          { type: 'conv2d', filters: 64, kernelSize: 3, padding: 'same', activation: 'relu' },
          { type: 'maxPooling2d', poolSize: 2 },
          { type: 'flatten' },
          { type: 'dense', units: 64, activation: 'relu' },
          { type: 'dropout', rate: 0.25 },
          { type: 'dense', units: 10, activation: 'softmax' },
        ],
      },
      loss: 'categoricalCrossentropy',
      batchSize: 64,
    },
    metrics: ['accuracy'],
  },
};

function document(name: string, { ingest, features, train, metrics }: Task): string {
  const path = join(home, `${name}.json`);
  const steps = [
    { uses: 'ingest', with: ingest },
    { uses: 'validate', with: { expect: [{ rows: { atLeast: 1_000 } }] } },
    { uses: 'preprocess', with: { features } },
    { uses: 'train', with: { ...train, epochs: 10, seed: '${parameters.seed}' } },
    { uses: 'evaluate', with: { metrics } },
    { uses: 'register', with: {} },
  ];
  writeFileSync(path, JSON.stringify({ apiVersion: 'perennial/v1', name, parameters: { seed: { type: 'integer', default: 0 } }, steps }));
  return path;
}

const summary = (values: readonly number[]): object => {
  const sorted = [...values].sort((a, b) => a - b);
  const round = (value: number): number => Number(value.toFixed(3));
  return {
    median: round(sorted[Math.floor(sorted.length / 2)]!),
    min: round(sorted[0]!),
    max: round(sorted.at(-1)!),
    n: sorted.length,
    unit: 's',
  };
};

const means = (runs: readonly Record<string, number>[], metrics: readonly string[]): Record<string, number> =>
  Object.fromEntries(
    metrics.map((metric) => [metric, Number((runs.reduce((sum, run) => sum + run[metric]!, 0) / runs.length).toFixed(4))]),
  );

try {
  keras('data');
  perennial(
    'up',
    '--detach',
    '--temporal-port',
    String(await freePort()),
    '--ui-port',
    String(await freePort()),
    '--port',
    String(await freePort()),
  );
  const results: Record<string, unknown> = {};
  for (const [name, task] of Object.entries(TASKS)) {
    const path = document(name, task);
    const ours: number[] = [];
    const theirs: number[] = [];
    const quality: Record<string, number>[] = [];
    const byHand: Record<string, number>[] = [];
    for (let turn = 0; turn < Number(options.runs); turn++) {
      const own = perennial('run', path, '--no-cache', '--json', '-p', `seed=${turn}`);
      ours.push(own.seconds);
      quality.push((JSON.parse(own.out) as { metrics: Record<string, number> }).metrics);
      const script = keras(name, turn);
      theirs.push(script.seconds);
      byHand.push(JSON.parse(script.out.trim().split('\n').at(-1)!) as Record<string, number>);
    }
    const middle = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
    results[name] = {
      run: summary(ours),
      quality: means(quality, task.metrics),
      script: summary(theirs),
      scriptQuality: means(byHand, task.metrics),
      timesAsFast: Number((middle(theirs) / middle(ours)).toFixed(2)),
    };
  }
  console.log(JSON.stringify({ benchmark: 'pipeline', load: loadavg()[0], ...results }, null, 1));
} finally {
  spawnSync(process.execPath, [join(packageRoot(), 'bin', 'perennial.js'), 'down'], { env });
  rmSync(home, { recursive: true, force: true });
}
