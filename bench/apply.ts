/**
 * A thousand pipelines on one Temporal dev server: how long `apply` takes to make their schedules and monitors, how long to find that
 * nothing differs, and whether their ticks come on time. Each has a nightly schedule, a monitor for new data, and one for events that
 * looks every few minutes, each at a moment of its own.
 *
 *     npm run build && node bench/run.mjs apply [--pipelines 1000] [--minutes 5]
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { steps } from '../activities/steps/index.generated.ts';
import { compileAll } from '../src/cli/compile-all.ts';
import { findDocuments } from '../src/config/find-documents.ts';
import { packageRoot } from '../src/platform/paths.ts';
import { compareDeclared } from '../src/runs/difference.ts';
import type { Difference } from '../src/runs/difference.ts';
import { marked } from '../src/runs/schedule-marks.ts';
import { DECLARED_STEPS, noopStep, setNoopStage } from './noop-stage.ts';

const { values } = parseArgs({
  args: process.argv.slice(3),
  options: { pipelines: { type: 'string', default: '1000' }, minutes: { type: 'string', default: '5' } },
});
const [count, minutes] = [Number(values.pipelines), Number(values.minutes)];
const EVERY_MINUTES = 5;
/** As `schedules list` counts a tick that was made up for. */
const LATE_MS = 30_000;

const home = mkdtempSync(join(tmpdir(), 'perennial-bench-'));
process.env.PERENNIAL_TOOLS ??= join(packageRoot(), '.perennial', 'tools');
process.env.PERENNIAL_HOME = home;

const hour = (new Date().getUTCHours() + 12) % 24;
const folder = join(home, 'pipelines');
for (let index = 0; index < count; index += 1) {
  const below = join(folder, `team-${index % 20}`);
  mkdirSync(below, { recursive: true });
  const name = `pipeline-${index}`;
  const document = {
    apiVersion: 'perennial/v1',
    name,
    steps: DECLARED_STEPS,
    on: {
      // Far from now: nobody here can learn.
      schedule: { cron: `${index % 60} ${hour} * * *`, timezone: 'UTC' },
      newData: { rows: 1_000, every: '12h' },
      event: { every: `${EVERY_MINUTES}m` },
    },
  };
  writeFileSync(join(below, `${name}.json`), JSON.stringify(document));
}

const noop = noopStep({ cacheable: false, run: () => Promise.resolve({ outputs: {} }) });

const seconds = async <T>(work: () => Promise<T>): Promise<[number, T]> => {
  const start = performance.now();
  const answer = await work();
  return [Number(((performance.now() - start) / 1_000).toFixed(2)), answer];
};

const stage = await setNoopStage(home, noop);
try {
  const { bench, store } = stage;
  const compare = async (): Promise<Difference> => {
    const { files, folders } = await findDocuments([folder]);
    return compareDeclared(bench, store, await compileAll(files, {}), steps, { folders, who: 'bench' });
  };
  const [planS, first] = await seconds(compare);
  const [applyS] = await seconds(() => first.carryOut());
  const rssMiB = Math.round(process.memoryUsage().rss / 2 ** 20);
  console.error(`${count} pipelines: compared in ${planS} s, applied in ${applyS} s`);
  const [againS, again] = await seconds(async () => {
    const difference = await compare();
    await difference.carryOut();
    return difference;
  });
  console.error(`applied again in ${againS} s, ${again.differs ? 'and something differs' : 'nothing differs'}`);
  const cpu = stage.cpuMs();
  const since = Date.now();
  await new Promise((resolve) => setTimeout(resolve, minutes * 60_000));
  const after = stage.cpuMs();
  const late: number[] = [];
  let [skipped, missed] = [0, 0];
  for (const { id, description } of await marked(bench)) {
    if (!id.endsWith('/event')) continue;
    const { recentActions, numActionsSkippedOverlap, numActionsMissedCatchupWindow } = description.info;
    skipped += numActionsSkippedOverlap;
    missed += numActionsMissedCatchupWindow;
    for (const { scheduledAt, takenAt } of recentActions)
      if (scheduledAt.getTime() >= since) late.push(takenAt.getTime() - scheduledAt.getTime());
  }
  late.sort((a, b) => a - b);
  const at = (share: number): number | null => late[Math.min(late.length - 1, Math.floor(late.length * share))] ?? null;
  // Each looks at a moment of its own.
  const due = Math.round((count * minutes) / EVERY_MINUTES);
  const result = {
    pipelines: count,
    schedules: count * 3,
    load: Number(loadavg()[0]!.toFixed(1)),
    compareS: planS,
    applyS,
    applyAgainS: againS,
    differs: again.differs,
    rssMiB,
    ticks: {
      minutes,
      due,
      taken: late.length,
      lateMs: { median: at(0.5), p99: at(0.99), most: late.at(-1) ?? null },
      lateMoreThan30s: late.filter((ms) => ms > LATE_MS).length,
      skipped,
      missed,
      workerCpuS: Number(((after.worker - cpu.worker) / 1e3).toFixed(1)),
      serverCpuS: cpu.server === null ? null : Number(((after.server! - cpu.server) / 1e3).toFixed(1)),
    },
  };
  await stage.leave();
  console.log(JSON.stringify(result, null, 2));
} finally {
  await stage.end();
  rmSync(home, { recursive: true, force: true });
}
process.exit(0);
