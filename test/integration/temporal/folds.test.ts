import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { steps } from '../../../activities/steps/index.generated.ts';
import { formatDiagnostic } from '../../../src/config/diagnostic.ts';
import { compileText } from '../../../src/config/plan-document.ts';
import { meanAndDeviation } from '../../../src/core/folds.ts';
import type { Plan } from '../../../src/core/plan.ts';
import type { StepDefinition } from '../../../src/core/step.ts';
import { executions, startRun } from '../../../src/runs/runs.ts';
import { waitRun } from '../../../src/runs/wait-run.ts';
import { StudyStore } from '../../../src/studies/study-store.ts';
import { tempDir } from '../../support/temp-dir.ts';
import { setStage } from './harness.ts';
import type { Stage } from './harness.ts';

let stage: Stage;
let dir: string;
/** Trainings that ran: the trial or final round, the step and its seed. */
const trained: { readonly run: string; readonly step: string; readonly seed: number }[] = [];

function note([ctx, config]: Parameters<StepDefinition['run']>): void {
  trained.push({ run: ctx.runId, step: ctx.stepId, seed: config['seed'] as number });
}

beforeAll(async () => {
  dir = tempDir('folds');
  const rows = Array.from({ length: 90 }, (_, at) => `${(at * 7) % 30},${(at * 11) % 17},${(at * 7) % 30 > 14 ? 'high' : 'low'}`);
  writeFileSync(join(dir, 'rows.csv'), `x,y,kind\n${rows.join('\n')}\n`);
  stage = await setStage(
    steps.map((step) => (step.type === 'train' ? { ...step, run: (...given) => (note(given), step.run(...given)) } : step)),
  );
  await stage.startWorker();
});

function planOf(name: string, tune: object, train: object): Plan {
  const document = {
    apiVersion: 'perennial/v1',
    name,
    steps: [
      { uses: 'ingest', with: { source: { format: 'csv', path: 'rows.csv' }, label: 'kind' } },
      { uses: 'preprocess', with: { features: { x: ['standardize'], y: ['standardize'] } } },
      { uses: 'tune', with: { search: { units: { choice: [[2], [6]] } }, objective: { metric: 'accuracy' }, sampler: 'grid', ...tune } },
      { uses: 'train', with: { model: { architecture: 'mlp', units: '${search.units}' }, epochs: 2, ...train } },
    ],
  };
  const { plan, diagnostics } = compileText(join(dir, `${name}.json`), JSON.stringify(document));
  if (plan === undefined) throw new Error(diagnostics.map(formatDiagnostic).join('\n'));
  return plan;
}

const run = async (plan: Plan) => waitRun(stage.temporal, (await startRun(stage.temporal, plan, steps, { trigger: 'manual' })).workflowId);

it('trials are measured on what their folds hold out, and what is learnt in the end is learnt from all rows', async () => {
  const view = await run(planOf('folded', { folds: 2 }, { folds: { count: 2, metrics: ['accuracy'] } }));
  expect(view.status, JSON.stringify(view.failure)).toBe('completed');
  const [ingest, preprocess, tune, train] = view.steps;
  const trials = await new StudyStore(stage.deps.store).trials(`folded/${view.runId}/tune`);
  expect(trials.map(({ state }) => state)).toEqual(['completed', 'completed']);
  for (const { scores, values } of trials) {
    expect(scores![0]).toHaveLength(2);
    expect(values![0]).toBe(meanAndDeviation(scores![0]!).mean);
  }
  // The folds of the winner are those that the train step has measured anew, so nothing of them runs twice.
  const winner = trials[tune!.values!['winner'] as number]!;
  const { mean, deviation } = meanAndDeviation(winner.scores![0]!);
  expect(train!.values).toMatchObject({ folds: 2, accuracyMean: mean, accuracyDeviation: deviation });
  expect(train!.details).toContain('| accuracy |');
  // Each fold learnt its own preprocessing, from fewer rows than there are.
  const shown: string[] = [];
  for await (const info of executions(stage.temporal, `RunKind = 'folds' AND Pipeline = 'folded'`)) shown.push(info.workflowId);
  expect(shown).toEqual([`folded/${view.runId}/train/folds`]);
  const rows = ingest!.values!['trainRows'] as number;
  expect(preprocess!.values!['trainRows']).toBe(rows);
  const model = await stage.deps.artifacts.open(train!.outputs!['model']!);
  expect((model.manifest.meta as { training: { trainRows?: number } }).training).toBeDefined();
  const again = await run(planOf('folded', { folds: 2 }, { folds: { count: 2, metrics: ['accuracy'] } }));
  expect(again.steps.map(({ cached }) => cached)).toEqual([true, true, true, true]);
});

it('trials are trained with several seeds, and the best of them again with others before one wins', async () => {
  const view = await run(planOf('seeds', { objective: { metric: 'logLoss' }, repeats: 2, final: { top: 2, repeats: 3 } }, { seed: 7 }));
  expect(view.status, JSON.stringify(view.failure)).toBe('completed');
  const study = `seeds/${view.runId}/tune`;
  const store = new StudyStore(stage.deps.store);
  const [trials, finals] = [await store.trials(study), await store.finals(study)];
  for (const { scores, values } of trials) {
    expect(scores![0]).toHaveLength(2);
    expect(new Set(scores![0]).size).toBe(2);
    expect(values![0]).toBe(meanAndDeviation(scores![0]!).mean);
  }
  expect(finals.map(({ number }) => number)).toEqual([0, 1]);
  for (const { scores, values, number } of finals) {
    expect(scores![0]).toHaveLength(3);
    expect(values![0]).toBe(meanAndDeviation(scores![0]!).mean);
    expect(trials[number]!.scores![0]).not.toContain(scores![0]![0]);
  }
  const own = (part: string) => trained.filter(({ run: id }) => id.startsWith(`${view.runId}/${part}-`)).map(({ seed }) => seed);
  expect(own('trial').sort()).toEqual([7, 7, 8, 8]);
  expect(own('final').sort((a, b) => a - b)).toEqual([9, 9, 10, 10, 11, 11]);
  const best = finals.reduce((found, final) => (final.values![0]! < found.values![0]! ? final : found));
  const [, , tune, train] = view.steps;
  expect(tune!.values).toMatchObject({ winner: best.number, logLoss: best.values![0], finalists: [0, 1] });
  expect(tune!.details).toContain('Final round');
  // The winner's model with the seed of the document was trained in its trial.
  expect(train!.status).toBe('cached');
  const again = await run(planOf('seeds', { objective: { metric: 'logLoss' }, repeats: 2, final: { top: 1, repeats: 1 } }, { seed: 7 }));
  expect(again.steps[2]).toMatchObject({ status: 'cached', values: { trials: 2 } });
});

it('a stopper ends a trial with folds and seeds after its first training', async () => {
  const rates = { search: { rate: { choice: [0.05, 1e-7, 2e-7] } }, objective: { value: 'validationLoss', direction: 'minimize' } };
  const view = await run(
    planOf(
      'pruned',
      { ...rates, folds: 2, repeats: 2, stop: { asha: { minEpochs: 1 } } },
      { model: { architecture: 'mlp', units: [6] }, learningRate: '${search.rate}', epochs: 4 },
    ),
  );
  expect(view.status, JSON.stringify(view.failure)).toBe('completed');
  const trials = await new StudyStore(stage.deps.store).trials(`pruned/${view.runId}/tune`);
  expect(trials.map(({ state }) => state)).toEqual(['completed', 'stopped', 'stopped']);
  expect(trials[0]!.scores![0]).toHaveLength(4);
  const steps = (number: number) => trained.filter(({ run: id }) => id === `${view.runId}/trial-${number}`).map(({ step }) => step);
  expect(steps(0).sort()).toEqual(['train.fold-1', 'train.fold-1.seed-2', 'train.fold-2', 'train.fold-2.seed-2']);
  expect([steps(1), steps(2)]).toEqual([['train.fold-1'], ['train.fold-1']]);
});
