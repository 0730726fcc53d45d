import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { steps } from '../../../activities/steps/index.generated.ts';
import { formatDiagnostic } from '../../../src/config/diagnostic.ts';
import { compileText } from '../../../src/config/plan-document.ts';
import { meanAndDeviation } from '../../../src/core/folds.ts';
import type { Plan } from '../../../src/core/plan.ts';
import { executions, startRun } from '../../../src/runs/runs.ts';
import { waitRun } from '../../../src/runs/wait-run.ts';
import { StudyStore } from '../../../src/studies/study-store.ts';
import { tempDir } from '../../support/temp-dir.ts';
import { setStage } from './harness.ts';
import type { Stage } from './harness.ts';

let stage: Stage;
let dir: string;

beforeAll(async () => {
  dir = tempDir('folds');
  const rows = Array.from({ length: 90 }, (_, at) => `${(at * 7) % 30},${(at * 11) % 17},${(at * 7) % 30 > 14 ? 'high' : 'low'}`);
  writeFileSync(join(dir, 'rows.csv'), `x,y,kind\n${rows.join('\n')}\n`);
  stage = await setStage(steps);
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
