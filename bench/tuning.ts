/**
 * Search on functions whose optimum is known, beside Optuna's in the same sitting: the median of the best of 100 trials over 20 seeds,
 * and milliseconds a suggestion. Goals: `tpe` no worse than Optuna's TPESampler; `gp` at the optimum of Branin and Hartmann6 where
 * GPSampler is, on Rosenbrock no worse than the better of Optuna's two, at most 50 ms a suggestion; the 1,000th in under 50 ms.
 *
 *     node bench/run.mjs tuning [--python path/to/python] [--samplers tpe,gp] [--functions branin,hartmann6,rosenbrock5]
 *                               [--seeds 20] [--first 0] [--trials 100] [--thousandth false]
 *                               [--documents cars,digits,spam] [--asks asha,tuned] [--document-seeds 5] [--document-trials 27]
 *                               [--home a/folder/that/stays]
 *
 * The Python environment needs optuna, scipy and torch; without one Optuna is left out. `--first 100` takes the seeds from 100 on.
 * `--documents` searches real documents on a stack of its own (`npm run build` first); `--functions none` leaves the functions out.
 */
import { spawnSync } from 'node:child_process';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { packageRoot } from '../src/platform/paths.ts';
import { samplerRegistry } from '../src/tuning/samplers/index.generated.ts';
import type { FloatDimension, Space } from '../src/tuning/space.ts';
import type { TrialRecord } from '../src/tuning/trial.ts';
import { searchDocuments } from './tuning_documents.ts';
import { FUNCTIONS } from './tuning_functions.ts';

const { values: given } = parseArgs({
  args: process.argv.slice(3),
  options: {
    python: { type: 'string' },
    samplers: { type: 'string', default: 'tpe,gp' },
    functions: { type: 'string', default: 'branin,hartmann6,rosenbrock5' },
    seeds: { type: 'string', default: '20' },
    first: { type: 'string', default: '0' },
    trials: { type: 'string', default: '100' },
    thousandth: { type: 'string', default: 'true' },
    documents: { type: 'string' },
    'document-seeds': { type: 'string', default: '5' },
    asks: { type: 'string', default: 'asha,tuned' },
    home: { type: 'string' },
    'document-trials': { type: 'string' },
  },
});
const trials = Number(given.trials);
const seeds = Array.from({ length: Number(given.seeds) }, (_, at) => Number(given.first) + at);
const samplers = given.samplers.split(',');
const results: Record<string, unknown> = { loadBefore: loadavg() };
const functions = given.functions === 'none' ? [] : given.functions.split(',');
for (const name of functions) {
  const { optimum, space, value } = FUNCTIONS[name]!;
  const row: Record<string, unknown> = { optimum };
  for (const sampler of samplers) {
    const studies = seeds.map((seed) => study(sampler, space, value, seed, trials));
    row[sampler] = summary(
      studies.map(({ best }) => best),
      studies.flatMap(({ times }) => times),
      studies.map(({ times }) => times.at(-1)!),
      studies.reduce((sum, { cpu }) => sum + cpu, 0) / (seeds.length * trials),
    );
  }
  results[name] = row;
}
if (given.thousandth === 'true') results.thousandth = Object.fromEntries(samplers.map((sampler) => [sampler, thousandth(sampler)]));
if (given.python !== undefined) results.optuna = peer(given.python);
if (given.documents !== undefined)
  results.documents = await searchDocuments({
    names: given.documents.split(','),
    seeds: Number(given['document-seeds']),
    ...(given.home === undefined ? {} : { home: given.home }),
    asks: given.asks.split(',') as ('asha' | 'tuned')[],
    ...(given['document-trials'] === undefined ? {} : { trials: Number(given['document-trials']) }),
  });
console.log(JSON.stringify(results, null, 2));

interface Study {
  readonly best: number;
  /** Milliseconds of each suggestion. */
  readonly times: readonly number[];
  /** Milliseconds of the processor of all suggestions together: what the clock would say on a machine that does nothing else. */
  readonly cpu: number;
}

function study(sampler: string, space: Space, value: (at: readonly number[]) => number, seed: number, count: number): Study {
  const done: TrialRecord[] = [];
  const times: number[] = [];
  let cpu = 0;
  for (let number = 0; number < count; number += 1) {
    const before = process.cpuUsage();
    const start = performance.now();
    const point = samplerRegistry.get(sampler).suggest({ space, directions: ['minimize'], trials: done, number, seed, config: {} });
    times.push(performance.now() - start);
    cpu += milliseconds(before);
    done.push(completed(number, point, value(Object.values(point) as number[])));
  }
  return { best: Math.min(...done.map(({ values }) => values![0]!)), times, cpu };
}

/** Milliseconds of suggestions 1,000 to 1,010 of a study in ten dimensions, whose trials lie as a search leaves them: ever nearer. */
function thousandth(sampler: string): unknown {
  const space: Space = Object.fromEntries(
    Array.from({ length: 10 }, (_, at) => [`x${String(at)}`, { kind: 'float', low: 0, high: 1, scale: 'linear' }]),
  );
  const done: TrialRecord[] = [];
  for (let number = 0; number < 1_010; number += 1) {
    const point = samplerRegistry.get('random').suggest({ space, directions: ['minimize'], trials: [], number, seed: 1, config: {} });
    const nearer = Object.fromEntries(Object.entries(point).map(([name, at]) => [name, 0.3 + ((at as number) - 0.3) / (1 + number / 200)]));
    done.push(
      completed(
        number,
        nearer,
        Object.values(nearer).reduce((sum, at) => sum + (at - 0.3) ** 2, 0),
      ),
    );
  }
  const before = process.cpuUsage();
  const times = Array.from({ length: 11 }, (_, at) => {
    const number = 999 + at;
    const start = performance.now();
    samplerRegistry.get(sampler).suggest({ space, directions: ['minimize'], trials: done.slice(0, number), number, seed: 1, config: {} });
    return performance.now() - start;
  });
  return {
    medianMs: round(quantile(times, 0.5)),
    worstMs: round(Math.max(...times)),
    meanCpuMs: round(milliseconds(before) / times.length),
  };
}

function milliseconds(since: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1e3;
}

function completed(number: number, point: TrialRecord['point'], value: number): TrialRecord {
  return { number, point, state: 'completed', values: [value], readings: [] };
}

function peer(python: string): unknown {
  const bounds = functions.map((name) => [
    name,
    ...Object.values(FUNCTIONS[name]!.space).map((at) => [(at as FloatDimension).low, (at as FloatDimension).high]),
  ]);
  const { stdout, stderr, status } = spawnSync(
    python,
    [join(packageRoot(), 'bench', 'tuning_optuna.py'), JSON.stringify({ seeds, trials, samplers, bounds })],
    { encoding: 'utf8', maxBuffer: 1 << 26 },
  );
  if (status !== 0) throw new Error(`Optuna failed: ${stderr}`);
  const found = JSON.parse(stdout) as Record<string, Record<string, { best: number[]; ms: number[]; lastMs: number[]; meanCpuMs: number }>>;
  return Object.fromEntries(
    Object.entries(found).map(([name, bySampler]) => [
      name,
      Object.fromEntries(
        Object.entries(bySampler).map(([sampler, { best, ms, lastMs, meanCpuMs }]) => [sampler, summary(best, ms, lastMs, meanCpuMs)]),
      ),
    ]),
  );
}

function summary(best: readonly number[], ms: readonly number[], lastMs: readonly number[], meanCpuMs: number): unknown {
  return {
    medianBest: round(quantile(best, 0.5), 1e6),
    quartiles: [0.25, 0.75].map((share) => round(quantile(best, share), 1e6)),
    worst: round(Math.max(...best), 1e6),
    medianMs: round(quantile(ms, 0.5)),
    lastMedianMs: round(quantile(lastMs, 0.5)),
    meanCpuMs: round(meanCpuMs),
  };
}

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = share * (sorted.length - 1);
  const below = sorted[Math.floor(at)]!;
  return below + (at % 1) * (sorted[Math.ceil(at)]! - below);
}

function round(value: number, digits = 100): number {
  return Math.round(value * digits) / digits;
}
