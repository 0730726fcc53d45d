/**
 * Do the ticks of 1,000 pipelines on one Temporal dev server come on time? Each has an hourly schedule that starts a run, an hourly monitor
 * for drift and one for performance; each has a champion, and rows that its server was asked about, which the monitors really read.
 *
 * An hour is played in a few minutes (`--faster 12`: an hour in five minutes): intervals are so many times shorter, and everything else is
 * as it is: Temporal's own scheduler, its database, one worker, and lateness by the clock of the wall. So so many times more is asked of
 * them than in a real hour, and what keeps time here keeps time then. Temporal's time-skipping test server could not tell: it has no
 * schedules, and its time stands still while anybody is busy, so that nothing can be late.
 *
 * Schedules with the same interval tick at the same moment: "runs" is the worst case, all 1,000 at once. Monitors look at moments of their
 * own. A tick is late where Temporal starts its workflow late, and done when that has ended.
 *
 *     npm run build && node bench/run.mjs ticks [--pipelines 1000] [--faster 12] [--jitter 0]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { steps } from '../activities/steps/index.generated.ts';
import { compileText } from '../src/config/plan-document.ts';
import type { JsonObject } from '../src/core/json.ts';
import type { Plan } from '../src/core/plan.ts';
import { Prng } from '../src/core/prng.ts';
import { withDatabase } from '../src/data/table/duckdb.ts';
import { describeTable, profileFiles } from '../src/data/table/profile.ts';
import { packageRoot } from '../src/platform/paths.ts';
import { createRegistry } from '../src/registry/registry.ts';
import { compareSchedules } from '../src/runs/reconcile.ts';
import { marked } from '../src/runs/schedule-marks.ts';
import { createArtifactStore } from '../src/storage/artifact-store.ts';
import { modelFacts } from '../test/support/stored-facts.ts';
import { DECLARED_STEPS, noopStep, setNoopStage } from './noop-stage.ts';

const { values } = parseArgs({
  args: process.argv.slice(3),
  options: {
    pipelines: { type: 'string', default: '1000' },
    faster: { type: 'string', default: '12' },
    jitter: { type: 'string', default: '0' },
    rows: { type: 'string', default: '250' },
  },
});
const [count, faster, jitter, rows] = [values.pipelines, values.faster, values.jitter, values.rows].map(Number) as [
  number,
  number,
  number,
  number,
];
const HOUR_MS = 3_600_000;
const everySeconds = Math.round(HOUR_MS / 1_000 / faster);
/** As `schedules list` counts a tick that was made up for. */
const LATE_MS = 30_000;
const DAY_MS = 86_400_000;

const home = mkdtempSync(join(tmpdir(), 'perennial-bench-'));
process.env.PERENNIAL_TOOLS ??= join(packageRoot(), '.perennial', 'tools');
process.env.PERENNIAL_HOME = home;

const noop = noopStep({
  cacheable: false,
  outputs: { version: { kind: 'version' } },
  run: async (ctx) => ({ outputs: { version: await ctx.artifacts.write({ kind: 'version', summary: 'nothing', files: {}, meta: null }) } }),
});
const names = Array.from({ length: count }, (_, index) => `pipeline-${index}`);

/** What is declared of when is that of a document; what runs is a step that does nothing. */
function planOf(name: string): Plan {
  const document = {
    apiVersion: 'perennial/v1',
    name,
    steps: DECLARED_STEPS,
    on: {
      schedule: { every: `${everySeconds}s`, ...(jitter === 0 ? {} : { jitter: `${jitter}s` }) },
      drift: { every: `${everySeconds}s`, window: '1d', do: 'notify' },
      performance: { every: `${everySeconds}s`, metric: 'accuracy', atLeast: 0.5, basis: 'estimate', do: 'notify' },
    },
  };
  const { plan, diagnostics } = compileText(join(home, `${name}.json`), JSON.stringify(document));
  if (plan === undefined) throw new Error(JSON.stringify(diagnostics));
  const step: Plan['steps'][number] = {
    id: 'register',
    type: noop.type,
    version: 1,
    config: { model: name },
    inputs: {},
    outputs: { version: 'version' },
    retry: noop.retry,
    startToCloseMs: 60_000,
    heartbeatMs: 15_000,
    cache: false,
    summary: 'Nothing',
  };
  return { ...plan, steps: [step] };
}

const stage = await setNoopStage(home, noop);
try {
  const { bench } = stage;
  await setChampions();
  const started = performance.now();
  await (await compareSchedules(bench, names.map(planOf), steps)).carryOut();
  const applyS = Number(((performance.now() - started) / 1_000).toFixed(1));
  console.error(`${count * 3} schedules were made in ${applyS} s`);
  const cpu = stage.cpuMs();
  const since = Date.now();
  await sleep(HOUR_MS / faster);
  const until = Date.now();
  const after = stage.cpuMs();
  // What ticked last still goes on.
  await sleep(Math.min(60_000, HOUR_MS / faster / 2));
  const ended = await endings(since, until);
  const kinds: Record<string, unknown> = {};
  for (const kind of ['schedule', 'drift', 'performance']) kinds[kind] = await lateness(kind, since, until, ended);
  const result = {
    benchmark: 'ticks',
    pipelines: count,
    schedules: count * 3,
    load: Number(loadavg()[0]!.toFixed(1)),
    hourInMinutes: 60 / faster,
    jitterS: jitter,
    applyS,
    kinds: { runs: kinds['schedule'], drift: kinds['drift'], performance: kinds['performance'] },
    workerCpuS: Number(((after.worker - cpu.worker) / 1e3).toFixed(1)),
    serverCpuS: cpu.server === null ? null : Number(((after.server! - cpu.server) / 1e3).toFixed(1)),
    rssMiB: Math.round(process.memoryUsage().rss / 2 ** 20),
    goals: { missed: 0, skipped: 0, monitorsLateMsP99: 1_000 * faster },
  };
  console.log(JSON.stringify(result, null, 2));
  await stage.leave();
} finally {
  await stage.end();
  rmSync(home, { recursive: true, force: true, maxRetries: 5 });
}
process.exit(0);

async function sleep(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}

/** A champion for each pipeline, all of the same model, with as many logged rows as a day brings. */
async function setChampions(): Promise<void> {
  const { store } = stage;
  const artifacts = createArtifactStore(store, join(home, 'blobs'));
  const columns = ['a', 'b', 'c'].map((name) => ({ name, type: 'number' as const, sql: name }));
  const described = await withDatabase((db) =>
    describeTable(db, '(SELECT random() AS a, random() AS b, random() AS c FROM range(2000))', columns),
  );
  const modelRef = await artifacts.write({
    kind: 'model',
    summary: 'bench',
    files: {
      ...profileFiles(described),
      'preprocessor.json': Buffer.from(JSON.stringify({ columns: columns.map(({ name }) => ({ name })) })),
    },
    meta: modelFacts({ output: { kind: 'classes', name: 'y', classes: ['a', 'b'] }, outputShape: [2] }) as unknown as JsonObject,
  });
  const registry = createRegistry(store, artifacts);
  const random = new Prng('ticks');
  const asked = new Date();
  for (const name of names) {
    const { version } = await registry.register({ model: name, modelRef, pipeline: name, runId: 'r', stepId: 'register' });
    await registry.promote(name, version, { who: 'bench', why: 'bench' });
    const lines = Array.from({ length: rows }, (_, row) =>
      JSON.stringify({
        time: new Date(asked.getTime() - row).toISOString(),
        id: `${name}-${row}`,
        version,
        row: { a: random.uniform(), b: random.uniform(), c: random.uniform() },
        prediction: { label: 'a', probabilities: { a: 0.9, b: 0.1 } },
      }),
    );
    const [day, hour] = [asked.toISOString().slice(0, 10), asked.toISOString().slice(11, 13)];
    await store.put(`predictions/${name}/${day}/${hour}-bench-000001.ndjson`, Buffer.from(`${lines.join('\n')}\n`));
  }
  console.error(`${count} champions, each with ${rows} logged rows`);
}

/** When workflows that a schedule started have ended, by schedule and nominal time. */
async function endings(since: number, until: number): Promise<Map<string, { ended: number | null; status: string }>> {
  const found = new Map<string, { ended: number | null; status: string }>();
  const query = `StartTime >= '${new Date(since).toISOString()}' AND StartTime < '${new Date(until + DAY_MS).toISOString()}'`;
  for await (const { status, closeTime, searchAttributes } of stage.bench.client.workflow.list({ query })) {
    const [schedule] = (searchAttributes['TemporalScheduledById'] ?? []) as string[];
    const [nominal] = (searchAttributes['TemporalScheduledStartTime'] ?? []) as Date[];
    if (schedule !== undefined && nominal !== undefined)
      found.set(`${schedule} ${nominal.getTime()}`, { ended: closeTime?.getTime() ?? null, status: status.name });
  }
  return found;
}

/** Of the ticks of a kind of schedule. */
async function lateness(
  kind: string,
  since: number,
  until: number,
  ended: Awaited<ReturnType<typeof endings>>,
): Promise<Record<string, unknown>> {
  const [late, done]: [number[], number[]] = [[], []];
  let [skipped, missed, open, failed] = [0, 0, 0, 0];
  for (const { id, description } of await marked(stage.bench)) {
    if (!id.endsWith(`/${kind}`)) continue;
    const { recentActions, numActionsSkippedOverlap, numActionsMissedCatchupWindow } = description.info;
    skipped += numActionsSkippedOverlap;
    missed += numActionsMissedCatchupWindow;
    for (const { scheduledAt, takenAt } of recentActions) {
      if (scheduledAt.getTime() < since || scheduledAt.getTime() >= until) continue;
      late.push(takenAt.getTime() - scheduledAt.getTime());
      const end = ended.get(`${id} ${scheduledAt.getTime()}`);
      if (end === undefined || end.ended === null) open += 1;
      else done.push(end.ended - scheduledAt.getTime());
      if (end !== undefined && !['COMPLETED', 'RUNNING'].includes(end.status)) failed += 1;
    }
  }
  const spread = (ms: number[]): Record<string, number | null> => {
    ms.sort((a, b) => a - b);
    const at = (share: number): number | null => ms[Math.min(ms.length - 1, Math.floor(ms.length * share))] ?? null;
    return { median: at(0.5), p99: at(0.99), most: ms.at(-1) ?? null };
  };
  const moreThan30s = late.filter((ms) => ms > LATE_MS).length;
  return { due: count, taken: late.length, missed, skipped, open, failed, lateMs: spread(late), moreThan30s, doneMs: spread(done) };
}
