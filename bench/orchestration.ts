/**
 * What orchestration costs: six no-op steps in a row, warm and cached; fifty pipelines at once; and whole commands with the stack up.
 * Peers on six no-op steps, warm: Dagster in one process 0.27 s, ZenML 0.52, Prefect 1.1, Metaflow 1.9, Dagster with processes 7.9;
 * a fully cached re-run as a whole command: Prefect 2.4 s, ZenML 3.5.
 *
 *     npm run build && node bench/run.mjs orchestration
 */
import { fork, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { startRun } from '../src/runs/runs.ts';
import { waitRun } from '../src/runs/wait-run.ts';
import type { Plan, PlanStep, TurnPolicy } from '../src/core/plan.ts';
import { entryPoint, packageRoot } from '../src/platform/paths.ts';
import { endChild, noopStep, setNoopStage } from './noop-stage.ts';

const home = mkdtempSync(join(tmpdir(), 'perennial-bench-'));
process.env.PERENNIAL_TOOLS ??= join(packageRoot(), '.perennial', 'tools');
process.env.PERENNIAL_HOME = home;

const noop = noopStep({
  outputs: { out: { kind: 'data' } },
  run: async (ctx) => ({ outputs: { out: await ctx.artifacts.write({ kind: 'data', summary: 'nothing', files: {}, meta: null }) } }),
});

function chain(name: string, count: number, cache: boolean): Plan {
  const steps = Array.from({ length: count }, (_, index): PlanStep => ({
    id: `s${index + 1}`,
    type: 'noop',
    version: 1,
    config: {},
    inputs: index === 0 ? {} : { in: { step: `s${index}`, output: 'out', kind: 'data' as const } },
    outputs: { out: 'data' as const },
    retry: noop.retry,
    startToCloseMs: 60_000,
    heartbeatMs: 15_000,
    cache,
    summary: 'Nothing',
  }));
  return { planFormat: 1, pipeline: name, description: '', documentDir: '/', revision: '0'.repeat(64), parameters: {}, steps, on: {} };
}

function summary(samples: readonly number[]): { median: number; min: number; max: number; n: number; unit: 's' } {
  const sorted = [...samples].sort((a, b) => a - b);
  const round = (value: number): number => Number(value.toFixed(4));
  return {
    median: round(sorted[Math.floor(sorted.length / 2)]!),
    min: round(sorted[0]!),
    max: round(sorted.at(-1)!),
    n: sorted.length,
    unit: 's',
  };
}

const stage = await setNoopStage(home, noop);
try {
  const { bench } = stage;
  const run = async (plan: Plan, overlap?: TurnPolicy): Promise<number> => {
    const start = performance.now();
    const view = await waitRun(
      bench,
      (await startRun(bench, plan, [noop], { trigger: 'manual', ...(overlap === undefined ? {} : { overlap }) })).workflowId,
    );
    if (view.status !== 'completed') throw new Error(`${plan.pipeline}: ${view.status} ${JSON.stringify(view.failure)}`);
    return (performance.now() - start) / 1_000;
  };
  const repeat = async (count: number, plan: Plan): Promise<number[]> => {
    const samples = [];
    for (let index = 0; index < count; index += 1) samples.push(await run(plan));
    return samples;
  };
  const cold = await run(chain('six', 6, false));
  const warm = summary(await repeat(21, chain('six', 6, false)));
  // In turns, so that whatever else the machine does meets both alike.
  const turns = { taken: [] as number[], none: [] as number[] };
  for (let index = 0; index < 31; index += 1) {
    turns.taken.push(await run(chain('six', 6, false)));
    turns.none.push(await run(chain('six', 6, false), 'allow'));
  }
  await run(chain('six-cached', 6, true));
  const cached = summary(await repeat(21, chain('six-cached', 6, true)));
  const start = performance.now();
  await Promise.all(Array.from({ length: 50 }, (_, index) => run(chain(`fifty-${index}`, 6, false))));
  const fifty = (performance.now() - start) / 1_000;
  await stage.leave();
  const commands = process.argv.includes('--no-commands') ? undefined : await wholeCommands();
  console.log(
    JSON.stringify(
      {
        what: 'orchestration',
        node: process.version,
        load1: loadavg()[0],
        firstRun: cold,
        sixNoopsWarm: warm,
        perStepMs: Number(((warm.median / 6) * 1_000).toFixed(2)),
        sixNoopsCached: cached,
        sixNoopsWithTurn: summary(turns.taken),
        sixNoopsWithoutTurn: summary(turns.none),
        fiftyAtOnceSeconds: Number(fifty.toFixed(2)),
        ...commands,
      },
      null,
      2,
    ),
  );
} finally {
  await stage.end();
  rmSync(home, { recursive: true, force: true, maxRetries: 5 });
}

/** `perennial run pipelines/penguins.json` as a whole command, with Temporal and a worker up. */
async function wholeCommands(): Promise<Record<string, unknown>> {
  const child = fork(entryPoint('worker'), [], { stdio: ['ignore', 'ignore', 'ignore', 'ipc'], execArgv: [] });
  try {
    await new Promise((resolve, reject) => {
      child.once('message', resolve);
      child.once('exit', (code) => reject(new Error(`the worker ended with ${code}`)));
    });
    const run = (): number => {
      const start = performance.now();
      const { status, stderr } = spawnSync(
        process.execPath,
        [join(packageRoot(), 'bin', 'perennial.js'), 'run', join(packageRoot(), 'pipelines', 'penguins.json'), '--json'],
        { encoding: 'utf8' },
      );
      if (status !== 0) throw new Error(stderr);
      return (performance.now() - start) / 1_000;
    };
    return { penguinsFirstCommand: run(), penguinsCachedCommand: summary(Array.from({ length: 7 }, run)) };
  } finally {
    await endChild(child);
  }
}
