/**
 * What a trial costs besides its work: a study of no-op trials through Temporal, with its history, and what the store holds of it.
 *
 *     npm run build && node bench/run.mjs studies --trials 1000 --parallel 8
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { catalogue } from '../src/config/catalogue.ts';
import { compileText } from '../src/config/plan-document.ts';
import { executions, startRun } from '../src/runs/runs.ts';
import { waitRun } from '../src/runs/wait-run.ts';
import { packageRoot } from '../src/platform/paths.ts';
import { StudyStore } from '../src/studies/study-store.ts';
import { noopStep, setNoopStage } from './noop-stage.ts';

const { values: options } = parseArgs({
  args: process.argv.slice(3),
  options: {
    trials: { type: 'string', default: '1000' },
    parallel: { type: 'string', default: '8' },
    sampler: { type: 'string', default: 'random' },
  },
});
const home = mkdtempSync(join(tmpdir(), 'perennial-bench-'));
process.env.PERENNIAL_TOOLS ??= join(packageRoot(), '.perennial', 'tools');
process.env.PERENNIAL_HOME = home;

/** In place of the step that starts a program: what is measured is everything around the work. */
const noop = noopStep<{ readonly with: { readonly x: number; readonly y: number } }>({
  type: 'command',
  run: (_ctx, { with: { x, y } }) => Promise.resolve({ outputs: {}, values: { loss: (x - 0.3) ** 2 + (y + 0.2) ** 2 } }),
});

const document = {
  apiVersion: 'perennial/v1',
  name: 'studies',
  steps: [
    {
      uses: 'tune',
      with: {
        search: { x: { float: [-1, 1] }, y: { float: [-1, 1] } },
        objective: { value: 'loss', direction: 'minimize' },
        sampler: options.sampler,
        trials: Number(options.trials),
        parallel: Number(options.parallel),
      },
    },
    { uses: 'command', with: { command: ['true'], with: { x: '${search.x}', y: '${search.y}' } } },
  ],
};

const count = Number(options.trials);
const stage = await setNoopStage(home, noop);
try {
  const { bench, store, cpuMs } = stage;
  const { plan, diagnostics } = compileText(join(home, 'document.json'), JSON.stringify(document), {
    catalogue: new Map([...catalogue, ['command', noop]]),
  });
  if (plan === undefined) throw new Error(diagnostics.map(({ message }) => message).join('\n'));
  const run = async (): Promise<number> => {
    const start = performance.now();
    const view = await waitRun(bench, (await startRun(bench, plan, [noop], { trigger: 'manual' })).workflowId);
    if (view.status !== 'completed') throw new Error(`${view.status} ${JSON.stringify(view.failure)}`);
    return (performance.now() - start) / 1_000;
  };
  const before = cpuMs();
  const first = await run();
  const after = cpuMs();
  const again = await run();
  let executionsOfStudy = 0;
  let longest = 0;
  for await (const info of executions(bench, `RunKind = 'study'`)) {
    executionsOfStudy += 1;
    longest = Math.max(longest, Number(info.historyLength));
  }
  const studies = new StudyStore(store);
  const trials = [];
  for await (const { study } of studies.studies('studies')) trials.push((await studies.trials(study)).length);
  console.log(
    JSON.stringify(
      {
        trials: count,
        parallel: Number(options.parallel),
        sampler: options.sampler,
        seconds: Number(first.toFixed(2)),
        trialsPerSecond: Number((count / first).toFixed(1)),
        cpuMsATrial: {
          worker: Number(((after.worker - before.worker) / count).toFixed(1)),
          server: after.server === null || before.server === null ? null : Number(((after.server - before.server) / count).toFixed(1)),
        },
        fromTheCache: { seconds: Number(again.toFixed(2)), trialsPerSecond: Number((count / again).toFixed(1)) },
        executionsOfBothStudies: executionsOfStudy,
        longestHistory: longest,
        stored: trials,
      },
      null,
      2,
    ),
  );
  await stage.leave();
} finally {
  await stage.end();
  rmSync(home, { recursive: true, force: true, maxRetries: 5 });
}
