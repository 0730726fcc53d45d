import { beforeAll, describe, expect, it } from 'vitest';
import { studyActivities } from '../../../activities/studies.ts';
import { catalogue } from '../../../src/config/catalogue.ts';
import { formatDiagnostic } from '../../../src/config/diagnostic.ts';
import { compileText } from '../../../src/config/plan-document.ts';
import type { ArtifactRef } from '../../../src/core/artifact.ts';
import type { JsonObject } from '../../../src/core/json.ts';
import type { Plan } from '../../../src/core/plan.ts';
import type { StepContext } from '../../../src/core/step.ts';
import { endedAs, settled } from '../../../src/runs/settle-studies.ts';
import { executions, startRun } from '../../../src/runs/runs.ts';
import { waitRun } from '../../../src/runs/wait-run.ts';
import { StudyStore } from '../../../src/studies/study-store.ts';
import { startTemporal } from '../../support/temporal.ts';
import { until } from '../../support/until.ts';
import { setStage, testStep } from './harness.ts';
import type { Stage } from './harness.ts';

/** Epochs that trainings ran, and what stands for something that only a fingerprint sees. */
let epochsRun = 0;
let outside = 'as it was';
let slow = 0;

const give = (kind: 'dataset' | 'examples' | 'model', ctx: StepContext, from?: ArtifactRef, history: readonly object[] = []) =>
  ctx.artifacts.write({
    kind,
    summary: kind,
    files: { 'history.json': Buffer.from(JSON.stringify(history)), 'from.txt': Buffer.from(from?.digest ?? '') },
    meta: {},
  });

const ingest = testStep({
  type: 'ingest',
  outputs: { dataset: { kind: 'dataset' } },
  run: async (ctx) => ({ outputs: { dataset: await give('dataset', ctx) } }),
});
const preprocess = testStep({
  type: 'preprocess',
  inputs: { dataset: { kind: 'dataset' } },
  outputs: { examples: { kind: 'examples' } },
  run: async (ctx, _config, { dataset }) => ({ outputs: { examples: await give('examples', ctx, dataset) } }),
});
/** Learns the faster the nearer its rate is to 0.01, and is told after every epoch whether it goes on. */
const train = testStep({
  type: 'train',
  inputs: { examples: { kind: 'examples' } },
  outputs: { model: { kind: 'model' } },
  fingerprint: () => Promise.resolve(outside),
  async run(ctx, { learningRate, epochs }: { learningRate: number; epochs: number }, { examples }) {
    let validationLoss = 1;
    const history: { epoch: number; validationLoss: number }[] = [];
    const away = Math.abs(Math.log10(learningRate) + 2);
    for (let epoch = 1; epoch <= epochs; epoch += 1) {
      epochsRun += 1;
      if (slow > 0) await new Promise((resolve) => setTimeout(resolve, slow));
      validationLoss = away + 1 / epoch;
      history.push({ epoch, validationLoss });
      await ctx.epoch?.({ epoch, validationLoss });
    }
    return { outputs: { model: await give('model', ctx, examples, history) }, values: { validationLoss } };
  },
});

/** Stand for what holds rows out and measures: each fold gets a number of its own. */
const fold = testStep({
  type: 'fold',
  inputs: { dataset: { kind: 'dataset' } },
  outputs: { dataset: { kind: 'dataset' } },
  async run(ctx, { fold: number }: { fold: number }) {
    const dataset = await ctx.artifacts.write({ kind: 'dataset', summary: 'fold', files: { 'a.txt': Buffer.from(`${number}`) }, meta: {} });
    return { outputs: { dataset } };
  },
});
const measured: string[] = [];
const measure = testStep({
  type: 'measure',
  inputs: { model: { kind: 'model' }, examples: { kind: 'examples' } },
  run: (ctx) => {
    measured.push(`${ctx.runId} ${ctx.stepId}`);
    return Promise.resolve({ outputs: {}, values: { accuracy: Number(/\d+$/.exec(ctx.stepId)![0]) / 10, rows: 5 } });
  },
});

const steps = [ingest, preprocess, train, fold, measure];
const all = new Map([...catalogue, ...steps.map((step) => [step.type, step] as const)]);

function planOf(name: string, tune: JsonObject): Plan {
  const document = {
    apiVersion: 'perennial/v1',
    name,
    steps: [
      { uses: 'ingest', with: { source: { format: 'csv', path: 'rows.csv' }, label: 'y' } },
      { uses: 'preprocess' },
      {
        uses: 'tune',
        with: {
          search: { rate: { float: [0.0001, 1], scale: 'log' } },
          objective: { value: 'validationLoss', direction: 'minimize' },
          sampler: { tpe: { startup: 4 } },
          trials: 8,
          ...tune,
        },
      },
      { uses: 'train', with: { model: { architecture: 'mlp', units: [4] }, learningRate: '${search.rate}', epochs: 9 } },
    ],
  };
  const { plan, diagnostics } = compileText(`/${name}.json`, JSON.stringify(document), { catalogue: all });
  if (plan === undefined) throw new Error(diagnostics.map(formatDiagnostic).join('\n'));
  return plan;
}

let stage: Stage;
let worker: { stop(): Promise<void> };
let studies: StudyStore;

beforeAll(async () => {
  stage = await setStage(steps);
  worker = await stage.startWorker();
  studies = new StudyStore(stage.deps.store);
});

const started = async (plan: Plan) => startRun(stage.temporal, plan, steps, { trigger: 'manual' });
const run = async (plan: Plan) => waitRun(stage.temporal, (await started(plan)).workflowId);
const trialsOf = async (runId: string, pipeline: string) =>
  (await studies.trials(`${pipeline}/${runId}/tune`)).map(({ number, point, state, values, readings }) => ({
    number,
    point,
    state,
    values,
    readings,
  }));

describe('trials that were stopped', () => {
  it('are taken over where their training would be the same, and run anew where it would not', async () => {
    const plan = planOf('stops', { stop: 'asha', sampler: 'random' });
    const first = await run(plan);
    expect(first.status, JSON.stringify(first.failure)).toBe('completed');
    const trials = await trialsOf(first.runId, 'stops');
    expect(trials.filter(({ state }) => state === 'stopped').length).toBeGreaterThan(2);
    const before = epochsRun;
    const again = await run(plan);
    expect(again.steps[2]).toMatchObject({ status: 'cached', values: { cached: 8 } });
    expect(await trialsOf(again.runId, 'stops')).toEqual(trials);
    expect(epochsRun).toBe(before);
    outside = 'changed';
    const changed = await run(plan);
    expect(changed.steps[2]!.values).toMatchObject({ cached: 0 });
    expect(epochsRun).toBeGreaterThan(before);
    const [one] = trials.filter(({ state }) => state === 'stopped');
    expect((await studies.trial(`stops/${changed.runId}/tune`, one!.number))!.taken).toBeUndefined();
  });
});

describe('a warm start', () => {
  it('gives the sampler what fits of the last study, says what does not, and is the same every time', async () => {
    const first = await run(planOf('warm', { trials: 6, sampler: 'random' }));
    const narrow = { search: { rate: { float: [0.001, 0.1], scale: 'log' } }, from: 'last', trials: 5 };
    const view = await run(planOf('warm', narrow));
    expect(view.status, JSON.stringify(view.failure)).toBe('completed');
    const { history } = (await studies.study(`warm/${view.runId}/tune`))!.record;
    const inside = (await trialsOf(first.runId, 'warm')).filter(
      ({ point }) => (point['rate'] as number) >= 0.001 && (point['rate'] as number) <= 0.1,
    );
    expect(history).toEqual({
      study: `warm/${first.runId}/tune`,
      trials: inside.length,
      left: [{ why: '"rate" was outside of 0.001 to 0.1', trials: 6 - inside.length }],
    });
    const cold = await run(planOf('cold', { ...narrow, from: undefined } as unknown as JsonObject));
    const points = async (runId: string, pipeline: string) => (await trialsOf(runId, pipeline)).map(({ point }) => point);
    expect(await points(view.runId, 'warm')).not.toEqual(await points(cold.runId, 'cold'));
    // The same document once more goes on with the same study, from the same history.
    const again = await run(planOf('warm', narrow));
    expect(await points(again.runId, 'warm')).toEqual(await points(view.runId, 'warm'));
    expect((await studies.study(`warm/${again.runId}/tune`))!.record.history).toEqual(history);
  });

  it('is refused where the study is not there, and begins from nothing where there is no last one', async () => {
    const missing = await run(planOf('lost', { from: 'lost/20260101-000000-aaaa/tune', trials: 2 }));
    expect(missing.failure).toMatchObject({ code: 'NOT_FOUND', step: 'tune' });
    expect(missing.failure!.message).toContain('names the study "lost/20260101-000000-aaaa/tune", which is not in the store');
    const none = await run(planOf('none', { from: 'last', trials: 2 }));
    expect(none.status).toBe('completed');
    expect((await studies.study(`none/${none.runId}/tune`))!.record.history).toEqual({ trials: 0, left: [] });
  });
});

describe('what a study says of itself', () => {
  it('is so, also where its workflow or its run was terminated', async () => {
    slow = 200;
    const going = await started(planOf('ended', { trials: 50 }));
    const study = `ended/${going.runId}/tune`;
    await until(async () => (await trialsOf(going.runId, 'ended')).length > 0);
    const record = (await studies.study(study))!.record;
    expect(await settled(stage.temporal, studies, record)).toEqual(record);
    await stage.temporal.client.workflow.getHandle(study).terminate('by hand');
    await waitRun(stage.temporal, going.workflowId);
    slow = 0;
    const after = await settled(stage.temporal, studies, (await studies.study(study))!.record);
    expect(after).toMatchObject({ state: 'cancelled', why: 'its workflow was terminated' });
    expect((await studies.study(study))!.record).toEqual(after);
    // One that is gone from Temporal altogether.
    await studies.create({ ...record, study: 'ended/20250101-000000-aaaa/tune', run: '20250101-000000-aaaa' });
    const gone = (await studies.study('ended/20250101-000000-aaaa/tune'))!.record;
    expect(await settled(stage.temporal, studies, gone)).toMatchObject({
      state: 'cancelled',
      why: 'Temporal knows nothing of it any more',
    });
    expect((await endedAs(studies, study, 'again')).why).toBe('its workflow was terminated');
  });
});

describe('a long study', () => {
  it('goes on as a new execution, and neither loses nor doubles a trial', async () => {
    const plan = planOf('long', { trials: 11, sampler: 'random' });
    const first = await run(planOf('given', { trials: 1, sampler: 'random' }));
    const [given, examples] = first.steps;
    const step = plan.steps[2]!;
    const common = { runId: 'long-run', given: { ingest: given!.outputs!, preprocess: examples!.outputs! } };
    const study = 'long/long-run/tune';
    await studyActivities(stage.deps).openStudy({ study, pipeline: 'long', plan, step, common });
    await stage.temporal.client.workflow.execute('study', {
      workflowId: study,
      taskQueue: stage.temporal.settings.taskQueue,
      args: [
        {
          study,
          pipeline: 'long',
          step: 'tune',
          settings: { trials: 11, parallel: 3, perExecution: 4 },
          objectives: step.tune!.objectives,
          common: {
            ...common,
            documentDir: '/',
            planRevision: '',
            nominalTime: '2026-01-01T00:00:00Z',
            trigger: 'manual',
            stops: false,
            judged: 'train',
          },
        },
      ],
    });
    const trials = await studies.trials(study);
    expect(trials.map(({ number, state }) => [number, state])).toEqual(Array.from({ length: 11 }, (_, at) => [at, 'completed']));
    const seen: string[] = [];
    for await (const info of executions(stage.temporal, `WorkflowId = '${study}'`)) seen.push(info.runId);
    expect(seen.length).toBe(3);
  });

  it('comes to the same trials and the same winner where the Temporal server is killed in its middle', async () => {
    const undisturbed = await run(planOf('steady', { seed: 5 }));
    slow = 30;
    const going = await started(planOf('killed', { seed: 5 }));
    await until(async () => (await trialsOf(going.runId, 'killed')).length > 2);
    process.kill(stage.server.pid, 'SIGKILL');
    const port = Number(stage.server.address.split(':')[1]);
    await startTemporal({ database: stage.server.database, port });
    const view = await waitRun(stage.temporal, going.workflowId);
    slow = 0;
    expect(view.status, JSON.stringify(view.failure)).toBe('completed');
    expect(await trialsOf(view.runId, 'killed')).toEqual(await trialsOf(undisturbed.runId, 'steady'));
    expect(view.steps[2]!.values!['winner']).toBe(undisturbed.steps[2]!.values!['winner']);
  });
});

describe('a cross-validation of the training', () => {
  const folded = (name: string) => {
    const { plan, diagnostics } = compileText(
      `/${name}.json`,
      JSON.stringify({
        apiVersion: 'perennial/v1',
        name,
        steps: [
          { uses: 'ingest', with: { source: { format: 'csv', path: 'rows.csv' }, label: 'y' } },
          { uses: 'preprocess' },
          {
            uses: 'train',
            with: { model: { architecture: 'mlp', units: [4] }, learningRate: 0.01, epochs: 4, folds: { count: 4, metrics: ['accuracy'] } },
          },
        ],
      }),
      { catalogue: all },
    );
    if (plan === undefined) throw new Error(diagnostics.map(formatDiagnostic).join('\n'));
    return plan;
  };

  it('measures every fold once, also where the worker is stopped in its middle', async () => {
    slow = 60;
    const going = await started(folded('folds'));
    const own = () => measured.filter((text) => text.startsWith(going.runId));
    await until(() => own().length > 0);
    await worker.stop();
    worker = await stage.startWorker();
    const view = await waitRun(stage.temporal, going.workflowId);
    slow = 0;
    expect(view.status, JSON.stringify(view.failure)).toBe('completed');
    expect(view.steps[2]!.values).toMatchObject({ folds: 4, accuracyMean: 0.25, validationLoss: expect.any(Number) as number });
    expect(view.steps[2]!.values!['accuracyDeviation']).toBeCloseTo(Math.sqrt(0.0125), 12);
    expect(
      own()
        .map((text) => text.split(' ')[1])
        .sort(),
    ).toEqual(['measure.fold-1', 'measure.fold-2', 'measure.fold-3', 'measure.fold-4']);
    expect((await run(folded('folds'))).steps[2]!.cached).toBe(true);
  });

  it('ends with its run', async () => {
    slow = 300;
    const going = await started(folded('cancelled'));
    const status = async (id: string) => (await stage.temporal.client.workflow.getHandle(id).describe()).status.name;
    const child = `cancelled/${going.runId}/train/folds`;
    await until(async () => (await status(child).catch(() => '')) === 'RUNNING');
    await stage.temporal.client.workflow.getHandle(going.workflowId).cancel();
    expect((await waitRun(stage.temporal, going.workflowId)).status).toBe('cancelled');
    slow = 0;
    expect(await status(child)).toBe('CANCELLED');
  });
});
