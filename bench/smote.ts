/**
 * SMOTE of 200,000 minority rows beside imbalanced-learn's in the same sitting: seconds, processor seconds, memory and the longest
 * pause of the event loop. Goals: within three times imbalanced-learn's time, pauses below a second.
 *
 *     node bench/run.mjs smote [--python path/to/python] [--rows 200000] [--widths 10,30] [--jobs 1]
 *
 * Rows are independent normal numbers, the worst case of every search by cutting space. The Python environment needs
 * imbalanced-learn; without one it is left out. `--jobs -1` gives it every core.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { Prng } from '../src/core/prng.ts';
import { smote, smoteRows } from '../src/data/preprocess/balance.ts';
import { packageRoot } from '../src/platform/paths.ts';

const { values: given } = parseArgs({
  args: process.argv.slice(3),
  options: {
    python: { type: 'string' },
    rows: { type: 'string', default: '200000' },
    widths: { type: 'string', default: '10,30' },
    jobs: { type: 'string', default: '1' },
  },
});
const rows = Number(given.rows);
/** Synthetic rows, as many as there are real ones. */
const extra = rows;
const results: Record<string, unknown> = { loadBefore: loadavg() };
for (const width of given.widths.split(',').map(Number)) {
  const real = smoteRows(rows, width, 5, 'few');
  const random = new Prng('bench', width);
  for (let at = 0; at < real.values.length; at += 1) real.values[at] = random.normal();
  const delay = monitorEventLoopDelay({ resolution: 10 });
  delay.enable();
  const start = performance.now();
  const cpu = process.cpuUsage();
  let made = 0;
  for await (const batch of smote(real, extra, 'few', 1)) made += batch.length / width;
  const used = process.cpuUsage(cpu);
  const perennial = {
    seconds: round((performance.now() - start) / 1e3),
    cpuSeconds: round((used.user + used.system) / 1e6),
    rows: made,
    megabytes: Math.round(process.resourceUsage().maxRSS / 1024),
    longestPauseMs: Math.round(delay.max / 1e6),
  };
  delay.disable();
  results[`${rows} x ${width}`] = {
    perennial,
    ...(given.python === undefined ? {} : { imbalancedLearn: peer(given.python, real.values, width) }),
  };
}
console.log(JSON.stringify(results, null, 2));

function peer(python: string, values: Float32Array, width: number): unknown {
  const folder = mkdtempSync(join(tmpdir(), 'perennial-smote-'));
  try {
    const path = join(folder, 'rows.bin');
    writeFileSync(path, new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
    const { stdout, stderr, status } = spawnSync(
      python,
      [join(packageRoot(), 'bench', 'smote.py'), path, String(rows), String(width), String(extra), given.jobs],
      { encoding: 'utf8' },
    );
    if (status !== 0) throw new Error(`imbalanced-learn failed: ${stderr}`);
    return JSON.parse(stdout) as unknown;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
