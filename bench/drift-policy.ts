/**
 * How often the policy cries wolf, and how soon it finds what changed: simulated streams of daily windows through the code that monitors
 * decide with, by its defaults. The training data are a sample as well: of 2,000 rows.
 *
 * Goals: of streams in which nothing changes (90 windows of 20 columns: 10 of numbers, 5 flags, 5 of 3 to 15 categories) fewer than 1 % are
 * ever called drifted, at 1,000 rows a window and at 300; a shift of half a standard deviation in one column is found within three windows
 * in at least 95 %, one of 0.3 within five in at least 90 %, a flag that goes from 50 to 60 % within five in at least 90 %.
 *
 * node bench/run.mjs drift policy [--streams 200] [--rows 1000,300] [--only stationary] [--seed 0] [--python PYTHON]
 *
 * With a Python that has evidently or nannyml, their defaults look at the same streams (fewer of them: --peers 20).
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Prng } from '../src/core/prng.ts';
import type { ColumnProfile } from '../src/data/stored/dataset.ts';
import type { NumberReference } from '../src/data/stored/reference-values.ts';
import { ranksOf } from '../src/data/table/ranks.ts';
import { verdictOf } from '../src/monitoring/drift-checks/run-drift-check.ts';
import type { ColumnWindow, CurrentSource } from '../src/monitoring/column-window.ts';
import { DRIFT_DEFAULTS } from '../src/monitoring/defaults.ts';
import { judgeWindow } from '../src/monitoring/detect.ts';
import type { KeptWindow, TrainingProfile } from '../src/monitoring/detect.ts';
import { numberSample } from '../src/monitoring/drift/drift-test.ts';
import { packageRoot } from '../src/platform/paths.ts';

const { values: options } = parseArgs({
  args: process.argv.slice(3),
  allowPositionals: true,
  options: {
    streams: { type: 'string', default: '200' },
    rows: { type: 'string', default: '1000,300' },
    reference: { type: 'string', default: '2000' },
    only: { type: 'string' },
    seed: { type: 'string', default: '0' },
    python: { type: 'string' },
    peers: { type: 'string', default: '20' },
  },
});

/** Shares of the categories of a column; undefined: standard normal numbers. */
type Shares = readonly number[] | undefined;
const zipf = (count: number): number[] => {
  const weights = Array.from({ length: count }, (_, index) => 1 / (index + 1));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / total);
};
const COLUMNS: readonly Shares[] = [
  ...new Array<undefined>(10).fill(undefined),
  [0.5, 0.5],
  [0.5, 0.5],
  [0.3, 0.7],
  [0.9, 0.1],
  [0.98, 0.02],
  ...[3, 5, 8, 12, 15].map(zipf),
];
const NAMES = COLUMNS.map((shares, index) => `${shares === undefined ? 'number' : shares.length === 2 ? 'flag' : 'category'}${index}`);
const FLAG = 10;

interface Change {
  readonly column: number;
  /** Of numbers, in standard deviations. */
  readonly shift?: number;
  readonly shares?: readonly number[];
}
type Drawn = readonly (Float64Array | readonly number[])[];

/** Rows of a day: numbers, or how often each category occurs. */
function draw(random: Prng, rows: number, change?: Change): Drawn {
  return COLUMNS.map((shares, index) => {
    const own = change?.column === index ? change : undefined;
    if (shares === undefined) return Float64Array.from({ length: rows }, () => random.normal() + (own?.shift ?? 0));
    const ends: number[] = [];
    for (const share of own?.shares ?? shares) ends.push((ends.at(-1) ?? 0) + share);
    const counts = shares.map(() => 0);
    for (let row = 0; row < rows; row++) {
      const at = random.uniform();
      const index = ends.findIndex((end) => at < end);
      counts[index < 0 ? counts.length - 1 : index]! += 1;
    }
    return counts;
  });
}

function trainingOf(drawn: Drawn, rows: number): TrainingProfile {
  const known = new Map<string, NumberReference>();
  const columns = drawn.map((values, index): ColumnProfile => {
    const base = { name: NAMES[index]!, count: rows, missing: 0 };
    if (!(values instanceof Float64Array)) {
      const counts = Object.fromEntries(values.map((count, at) => [`c${at}`, count] as const).filter(([, count]) => count > 0));
      return { ...base, type: 'string', distinct: Object.keys(counts).length, categories: { counts, other: 0 } };
    }
    const sample = [...values].sort((a, b) => a - b);
    known.set(base.name, { kind: 'number', name: base.name, ranks: ranksOf(Float64Array.from(sample)), deviation: 1, of: rows });
    const number = { min: sample[0]!, max: sample.at(-1)!, mean: 0, std: 1, quantiles: {}, edges: [], counts: [], sample: [] };
    return { ...base, type: 'number', distinct: rows, number };
  });
  return { profile: { formatVersion: 1, rows, columns }, values: known };
}

const sourceOf =
  (drawn: Drawn, rows: number): CurrentSource =>
  async () => ({
    rows,
    unknown: [],
    async *columns() {
      for (const [index, values] of drawn.entries()) {
        const window: ColumnWindow = {
          rows,
          missing: 0,
          invalid: 0,
          present: true,
          sample:
            values instanceof Float64Array
              ? numberSample(values)
              : { kind: 'category', counts: new Map(values.map((count, at) => [`c${at}`, count])), other: 0 },
        };
        yield await Promise.resolve([NAMES[index]!, window] as const);
      }
    },
  });

/** Of the window of the first alarm, from 1 on; 0: none. */
async function firstAlarm(seed: string, rows: number, windows: number, quiet: number, change?: Change): Promise<number> {
  const random = new Prng('drift-policy', seed, Number(options.seed));
  const referenceRows = Number(options.reference);
  const training = trainingOf(draw(random, referenceRows), referenceRows);
  let before: KeptWindow[] = [];
  let verdicts: { readonly drifted: boolean }[] = [];
  const { windowsMin, windowsOf, pool } = DRIFT_DEFAULTS;
  for (let day = 1 - quiet; day <= windows; day++) {
    const drawn = draw(random, rows, day > 0 ? change : undefined);
    const { result, window } = await judgeWindow(training, sourceOf(drawn, rows), { before });
    const verdict = verdictOf(result, verdicts, { windowsMin, windowsOf, coolDownMs: 0 });
    before = [window, ...before].slice(0, pool);
    verdicts = [result, ...verdicts].slice(0, windowsOf);
    if (verdict.alarm && day > 0) return day;
  }
  return 0;
}

const SCENES = {
  stationary: { windows: 90, quiet: 0, goal: 'fewer than 1 % ever' },
  half: { windows: 3, quiet: 5, change: { column: 0, shift: 0.5 }, goal: 'at least 95 %' },
  third: { windows: 5, quiet: 5, change: { column: 0, shift: 0.3 }, goal: 'at least 90 %' },
  flag: { windows: 5, quiet: 5, change: { column: FLAG, shares: [0.4, 0.6] }, goal: 'at least 90 %' },
} as const satisfies Record<string, { windows: number; quiet: number; change?: Change; goal: string }>;

const streams = Number(options.streams);
const report: Record<string, unknown>[] = [];
for (const rows of options.rows.split(',').map(Number)) {
  for (const [name, { windows, quiet, goal, ...rest }] of Object.entries(SCENES)) {
    if (options.only !== undefined && options.only !== name) continue;
    const started = performance.now();
    const found: number[] = [];
    for (let stream = 0; stream < streams; stream++) {
      found.push(await firstAlarm(`${name}-${rows}-${stream}`, rows, windows, quiet, 'change' in rest ? rest.change : undefined));
      if (stream % 10 === 9) process.stderr.write(`${name} ${rows}: ${found.filter((day) => day > 0).length} of ${found.length}\n`);
    }
    const alarms = found.filter((day) => day > 0);
    report.push({
      scene: name,
      rows,
      streams,
      windows,
      alarmed: alarms.length / streams,
      medianWindow: alarms.length === 0 ? null : [...alarms].sort((a, b) => a - b)[Math.floor(alarms.length / 2)],
      goal,
      seconds: Math.round((performance.now() - started) / 100) / 10,
    });
    process.stderr.write(`${JSON.stringify(report.at(-1))}\n`);
  }
}

/** The same streams, through the defaults of others. */
function peers(python: string): unknown {
  const folder = mkdtempSync(join(tmpdir(), 'perennial-bench-'));
  try {
    const path = join(folder, 'streams.ndjson');
    const lines: string[] = [];
    for (const rows of options.rows.split(',').map(Number)) {
      for (const [name, { windows, quiet, ...rest }] of Object.entries(SCENES)) {
        if (options.only !== undefined && options.only !== name) continue;
        for (let stream = 0; stream < Number(options.peers); stream++) {
          const random = new Prng('drift-policy', `${name}-${rows}-${stream}`, Number(options.seed));
          const reference = draw(random, Number(options.reference));
          const days = Array.from({ length: windows + quiet }, (_, day) =>
            draw(random, rows, day >= quiet && 'change' in rest ? rest.change : undefined),
          );
          const plain = (drawn: Drawn): unknown => drawn.map((values) => Array.from(values, (value) => value));
          lines.push(JSON.stringify({ scene: name, rows, names: NAMES, reference: plain(reference), days: days.slice(quiet).map(plain) }));
        }
      }
    }
    writeFileSync(path, `${lines.join('\n')}\n`);
    const out = join(folder, 'peers.json');
    const { status } = spawnSync(python, [join(packageRoot(), 'bench', 'drift_peers.py'), path, out], { stdio: ['ignore', 2, 2] });
    return status === 0 ? (JSON.parse(readFileSync(out, 'utf8')) as unknown) : `ended with ${String(status)}`;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const beside = options.python === undefined ? undefined : peers(options.python);
console.log(
  JSON.stringify(
    { benchmark: 'drift policy', load: loadavg()[0], defaults: DRIFT_DEFAULTS, report, ...(beside === undefined ? {} : { peers: beside }) },
    null,
    2,
  ),
);
