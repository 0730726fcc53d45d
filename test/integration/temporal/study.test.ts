import { beforeAll, describe, expect, it } from 'vitest';
import { catalogue } from '../../../src/config/catalogue.ts';
import { formatDiagnostic } from '../../../src/config/diagnostic.ts';
import { compileText } from '../../../src/config/plan-document.ts';
import { PerennialError } from '../../../src/core/errors.ts';
import type { Json, JsonObject } from '../../../src/core/json.ts';
import type { Plan } from '../../../src/core/plan.ts';
import { cancelRun, describeRun, executions, startRun } from '../../../src/runs/runs.ts';
import { waitRun } from '../../../src/runs/wait-run.ts';
import { StudyStore } from '../../../src/studies/study-store.ts';
import { until } from '../../support/until.ts';
import { setStage, testStep } from './harness.ts';
import type { Stage } from './harness.ts';

interface Asked {
  readonly x: number;
  readonly y?: number;
  readonly slow?: number;
  readonly failsAbove?: number;
}

/** What ran, in its order: run id and values. */
const ran: { readonly run: string; readonly step: string; readonly x: number }[] = [];

/** Stands for the step that starts a program, so that a trial costs nothing. */
const program = testStep({
  type: 'command',
  async run(ctx, { with: { x, y = 0, slow = 0, failsAbove } }: { with: Asked }) {
    ran.push({ run: ctx.runId, step: ctx.stepId, x });
    if (slow > 0)
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(resolve, slow);
        ctx.signal.addEventListener('abort', () => (clearTimeout(timer), reject(new Error('aborted'))), { once: true });
      });
    if (failsAbove !== undefined && x > failsAbove)
      throw new PerennialError(x > 0.5 ? 'DATA_INVALID' : 'LABEL_INVALID', `${x} is too much.`, { hint: '' });
    return { outputs: {}, values: { loss: (x - 0.3) ** 2 + y ** 2, size: (x + 0.8) ** 2 } };
  },
});

const all = new Map([...catalogue, ['command', program]]);
const AXES = { x: { float: [-1, 1] }, y: { float: [-1, 1] } };

function documentOf(name: string, tune: JsonObject, given: JsonObject = {}): Plan {
  const values = { x: '${search.x}', y: '${search.y}', ...given };
  const document = {
    apiVersion: 'perennial/v1',
    name,
    steps: [
      {
        uses: 'tune',
        with: { search: AXES, objective: { value: 'loss', direction: 'minimize', step: 'try' }, sampler: 'tpe', trials: 8, ...tune },
      },
      { id: 'try', uses: 'command', with: { command: ['true'], with: values } },
      { id: 'after', uses: 'command', with: { command: ['true', 'x is ${search.x}'], with: { x: '${search.x}' } } },
    ],
  };
  const { plan, diagnostics } = compileText(`${name}.json`, JSON.stringify(document), { catalogue: all });
  if (plan === undefined) throw new Error(diagnostics.map(formatDiagnostic).join('\n'));
  return plan;
}

let stage: Stage;
let worker: { stop(): Promise<void> };
let studies: StudyStore;

beforeAll(async () => {
  stage = await setStage([program]);
  worker = await stage.startWorker();
  studies = new StudyStore(stage.deps.store);
});

async function run(plan: Plan): Promise<Awaited<ReturnType<typeof waitRun>>> {
  return waitRun(stage.temporal, (await startRun(stage.temporal, plan, [program], { trigger: 'manual' })).workflowId);
}

const trialsOf = async (runId: string, pipeline: string) =>
  (await studies.trials(`${pipeline}/${runId}/tune`)).map(({ number, point, state, values }) => ({ number, point, state, values }));

describe('studies', () => {
  it('search, and the winner goes on to the steps behind, which takes it over from the cache', async () => {
    const view = await run(documentOf('winner', { parallel: 3 }));
    expect(view.status, JSON.stringify(view.failure)).toBe('completed');
    const [tune, tried, after] = view.steps;
    const trials = await trialsOf(view.runId, 'winner');
    const best = trials.reduce((found, trial) => (trial.values![0]! < found.values![0]! ? trial : found));
    expect(tune!.values).toMatchObject({ winner: best.number, search: best.point, trials: 8, failed: 0, loss: best.values![0] });
    expect(tried).toMatchObject({ status: 'cached', values: { loss: best.values![0]! } });
    expect(ran.filter(({ step }) => step === 'after')).toEqual([{ run: view.runId, step: 'after', x: best.point['x'] }]);
    expect(after!.status).toBe('completed');
    // Every trial is to be seen in Temporal, with its point and its score.
    const shown = new Map<string, JsonObject>();
    for await (const info of executions(stage.temporal, `RunKind = 'trial' AND Pipeline = 'winner'`))
      shown.set(info.workflowId, info.memo as JsonObject);
    expect(shown.size).toBe(8);
    expect(shown.get(`winner/${view.runId}/tune/trial-0003`)).toMatchObject({
      point: trials[3]!.point,
      state: 'completed',
      values: { loss: trials[3]!.values![0] },
    });
  });

  it('end with the same trials and winner through worker stops, and are taken from the cache the next time', async () => {
    const undisturbed = await run(documentOf('same-a', {}, { slow: 30 }));
    const started = await startRun(stage.temporal, documentOf('same-b', {}, { slow: 30 }), [program], { trigger: 'manual' });
    for (const count of [3]) {
      await until(async () => (await trialsOf(started.runId, 'same-b')).length > count);
      await worker.stop();
      worker = await stage.startWorker();
    }
    const disturbed = await waitRun(stage.temporal, started.workflowId);
    expect(disturbed.status, JSON.stringify(disturbed.failure)).toBe('completed');
    const [one, other] = [await trialsOf(undisturbed.runId, 'same-a'), await trialsOf(disturbed.runId, 'same-b')];
    expect(other).toEqual(one);
    expect(disturbed.steps[0]!.values).toMatchObject({ winner: undisturbed.steps[0]!.values!['winner'] as Json });
    const before = ran.length;
    const again = await run(documentOf('same-b', {}, { slow: 30 }));
    expect(again.steps[0]).toMatchObject({ status: 'cached', values: { cached: 8 } });
    expect(await trialsOf(again.runId, 'same-b')).toEqual(other);
    expect(ran.length).toBe(before);
  });

  it('go on where they were cancelled, with more trials if told to', async () => {
    const plan = documentOf('cancelled', { trials: 6 }, { slow: 60 });
    const started = await startRun(stage.temporal, plan, [program], { trigger: 'manual' });
    await until(async () => (await trialsOf(started.runId, 'cancelled')).length > 3);
    await cancelRun(stage.temporal, started.workflowId);
    expect((await waitRun(stage.temporal, started.workflowId)).status).toBe('cancelled');
    expect((await studies.study(`cancelled/${started.runId}/tune`))!.record.state).toBe('cancelled');
    const half = (await trialsOf(started.runId, 'cancelled')).filter(({ state }) => state === 'completed');
    const before = ran.length;
    const view = await run(documentOf('cancelled', { trials: 9 }, { slow: 60 }));
    expect(view.status).toBe('completed');
    const trials = await trialsOf(view.runId, 'cancelled');
    expect(trials.length).toBe(9);
    expect(trials.slice(0, half.length)).toEqual(half);
    expect(ran.slice(before).filter(({ step }) => step === 'try').length).toBeLessThanOrEqual(9 - half.length);
  });

  it('say what changed where they begin anew', async () => {
    // Seeds of its own: trials of other pipelines are in the cache.
    const first = await run(documentOf('anew', { trials: 2, seed: 41 }));
    expect(first.steps[0]!.reason).toBe('first run');
    const before = `begun anew, not gone on with anew/${first.runId}/tune: `;
    const searched = await run(documentOf('anew', { trials: 2, seed: 42 }));
    expect(searched.steps[0]!.reason).toBe(`${before}"seed" of "tune" changed`);
    const own = stage.deps.codeDigest;
    Object.assign(stage.deps, { codeDigest: (type: string) => `${own(type)} of later` });
    try {
      const coded = await run(documentOf('anew', { trials: 3, seed: 42 }));
      expect(coded.steps[0]!.reason).toBe(
        `begun anew, not gone on with anew/${searched.runId}/tune: the source code of "command", the source code of "measure" changed`,
      );
      expect((await studies.study(`anew/${coded.runId}/tune`))!.record.anew).toMatchObject({ study: `anew/${searched.runId}/tune` });
    } finally {
      Object.assign(stage.deps, { codeDigest: own });
    }
    // One of the same kind that is not the newest is gone on with all the same.
    const back = await run(documentOf('anew', { trials: 3, seed: 41 }));
    expect(back.steps[0]!.reason).toBe('2 of 3 trials from the cache');
  });

  it('survive trials that fail, and say why once where all of them do', async () => {
    const some = await run(documentOf('some-fail', { sampler: 'random' }, { failsAbove: 0.2 }));
    expect(some.status).toBe('completed');
    const trials = await trialsOf(some.runId, 'some-fail');
    expect(trials.filter(({ state }) => state === 'failed').length).toBe(some.steps[0]!.values!['failed']);
    expect(some.steps[0]!.values!['failed']).toBeGreaterThan(0);
    const none = await run(documentOf('all-fail', { sampler: 'random' }, { failsAbove: -1 }));
    expect(none.status).toBe('failed');
    expect(none.failure).toMatchObject({ code: 'STUDY_FAILED', step: 'tune' });
    expect(none.failure!.message).toContain('8 of 8 trials failed, and none completed.');
    expect(none.failure!.message.match(/DATA_INVALID/g)?.length).toBe(1);
    expect(none.failure!.message.match(/LABEL_INVALID/g)?.length).toBe(1);
    expect(none.steps.map(({ status }) => status)).toEqual(['failed', 'skipped', 'skipped']);
  });

  it('say what a step gives where it does not give the objective', async () => {
    const view = await run(documentOf('no-value', { objective: { value: 'accuracy', direction: 'maximize', step: 'try' }, trials: 1 }));
    expect(view.failure!.message).toContain('"try" gave no value "accuracy" for the objective "accuracy"; it gave loss, size.');
  });

  it('keep a Pareto front of several objectives, and choose as they are told', async () => {
    const objective = [
      { value: 'loss', direction: 'minimize', step: 'try' },
      { value: 'size', direction: 'minimize', step: 'try' },
    ];
    const view = await run(documentOf('front', { objective, trials: 24, sampler: 'random', choose: 'size' }));
    const trials = await trialsOf(view.runId, 'front');
    const front = trials.filter(
      ({ values }) => !trials.some((other) => other.values![0]! < values![0]! && other.values![1]! < values![1]!),
    );
    const { values } = view.steps[0]!;
    expect(values!['front']).toEqual(front.map(({ number }) => number));
    expect(front.length).toBeGreaterThan(1);
    expect(values!['size']).toBe(Math.min(...trials.map((trial) => trial.values![1]!)));
  });

  it('show how far they are', async () => {
    const started = await startRun(stage.temporal, documentOf('shown', { trials: 30, sampler: 'random' }, { slow: 100 }), [program], {
      trigger: 'manual',
    });
    await until(async () => {
      const { progress } = (await describeRun(stage.temporal, started.workflowId)).steps[0]!;
      return progress !== undefined && /^\d+ of 30 trials, best loss [\d.e-]+ \(trial \d+\)$/.test(progress.message);
    });
    await cancelRun(stage.temporal, started.workflowId);
    await waitRun(stage.temporal, started.workflowId);
  });
});
