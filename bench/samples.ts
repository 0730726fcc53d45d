/**
 * What the samples of `pipelines/` promise, by seed: each is run with so many seeds on a stack of its own, and the spread of its first
 * metric is printed, with the seeds that its gates reject or whose promise does not hold. A promise is one that every seed keeps.
 *
 *     npm run build && node bench/run.mjs samples --seeds 20 [--first 1] [--only weather,spam]
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { packageRoot } from '../src/platform/paths.ts';
import { freePort } from '../src/platform/ports.ts';
import { SAMPLES } from '../test/examples/promises.ts';
import type { Metrics } from '../test/examples/promises.ts';

const { values: options } = parseArgs({
  args: process.argv.slice(3),
  options: { seeds: { type: 'string', default: '20' }, first: { type: 'string', default: '1' }, only: { type: 'string' } },
});
const seeds = Number(options.seeds);
if (!Number.isInteger(seeds) || seeds < 1) throw new Error(`--seeds is "${options.seeds}"; expected a whole number from 1.`);
const first = Number(options.first);
if (!Number.isInteger(first) || first < 1) throw new Error(`--first is "${options.first}"; expected a whole number from 1.`);
const only = options.only?.split(',');
const unknown = only?.filter((name) => !SAMPLES.some((sample) => sample.name === name)) ?? [];
if (unknown.length > 0) throw new Error(`--only names ${unknown.join(', ')}; there is ${SAMPLES.map(({ name }) => name).join(', ')}.`);
const home = mkdtempSync(join(tmpdir(), 'perennial-bench-'));
process.env.PERENNIAL_HOME = home;
const env = {
  ...process.env,
  PERENNIAL_TOOLS: process.env.PERENNIAL_TOOLS ?? join(packageRoot(), '.perennial', 'tools'),
};

const documents = join(home, 'documents');

interface Ended {
  readonly status: string;
  readonly verdict: string | null;
  readonly headline: string;
  readonly metrics: Metrics;
  readonly steps: readonly { readonly values?: Record<string, unknown> }[];
}

/** @param may exit codes besides 0 */
function perennial(args: readonly string[], may: readonly number[] = []): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(packageRoot(), 'bin', 'perennial.js'), ...args], {
    env,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  if (status !== 0 && !may.includes(status ?? -1))
    throw new Error(`perennial ${args.join(' ')} ended with ${String(status)}:\n${stderr.slice(-4_000)}`);
  return stdout;
}

/** A gate that says no is a finding. */
function ended(file: string, seed: number, asks: boolean): Ended {
  const started = ['run', file, '-p', `seed=${seed}`, '--json'];
  if (!asks) return JSON.parse(perennial(started, [3])) as Ended;
  const { workflowId } = JSON.parse(perennial([...started, '--detach'])) as { workflowId: string };
  for (;;) {
    const view = JSON.parse(perennial(['runs', 'show', workflowId, '--json'])) as Ended;
    if (view.status !== 'running') return view;
    perennial(['runs', 'approve', workflowId, '--reason', 'a benchmark', '--json'], [2]);
    spawnSync('sleep', ['0.5']);
  }
}

const round = (value: number): number => Number(value.toPrecision(4));

function spread(values: readonly number[]): object {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = (sorted[Math.floor((sorted.length - 1) / 2)]! + sorted[Math.ceil((sorted.length - 1) / 2)]!) / 2;
  return { median: round(middle), min: round(sorted[0]!), max: round(sorted.at(-1)!), n: sorted.length };
}

try {
  mkdirSync(documents);
  symlinkSync(join(packageRoot(), 'pipelines', 'data'), join(documents, 'data'));
  const ports = ['--temporal-port', '--ui-port', '--port'];
  const free = await Promise.all(ports.map(() => freePort()));
  perennial(['up', '--detach', ...ports.flatMap((port, at) => [port, String(free[at])])]);
  const results: Record<string, unknown> = {};
  for (const { name, data, holds, asks } of SAMPLES) {
    if (only?.includes(name) === false) continue;
    const file = join(packageRoot(), 'pipelines', `${name}.json`);
    if (!existsSync(join(packageRoot(), 'pipelines', 'data', data))) {
      results[name] = { skipped: `pipelines/data/${data} is not there` };
      continue;
    }
    const document = JSON.parse(readFileSync(file, 'utf8')) as { readonly parameters?: Record<string, unknown> };
    if (document.parameters?.['seed'] === undefined) throw new Error(`${file} has no parameter "seed".`);
    const metric: Record<string, number[]> = {};
    const rejected: { readonly seed: number; readonly why: string }[] = [];
    const broken: number[] = [];
    for (let seed = first; seed < first + seeds; seed++) {
      // Each by itself: no champion of another seed stands in its way.
      const copy = join(documents, `${name}-${seed}.json`);
      writeFileSync(copy, JSON.stringify({ ...document, name: `${name}-${seed}`, on: {} }));
      const run = ended(copy, seed, asks === true);
      if (run.status !== 'completed' && run.status !== 'rejected') throw new Error(`${name}, seed ${seed}: ${run.headline}`);
      for (const [key, value] of Object.entries(run.metrics)) (metric[key] ??= []).push(value);
      if (run.verdict === 'rejected') rejected.push({ seed, why: run.headline });
      const values = Object.assign({}, ...run.steps.map((step) => step.values)) as Metrics;
      if (!holds(values)) broken.push(seed);
      process.stderr.write(`${name} seed ${seed}: ${run.status} ${JSON.stringify(run.metrics)}\n`);
    }
    results[name] = {
      metrics: Object.fromEntries(Object.entries(metric).map(([key, values]) => [key, spread(values)])),
      promiseBroken: broken,
      rejected,
    };
  }
  console.log(JSON.stringify({ benchmark: 'samples', first, seeds, load: loadavg()[0], samples: results }, null, 1));
} finally {
  spawnSync(process.execPath, [join(packageRoot(), 'bin', 'perennial.js'), 'down'], { env });
  rmSync(home, { recursive: true, force: true });
}
