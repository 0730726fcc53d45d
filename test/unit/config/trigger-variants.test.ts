import { expect, it } from 'vitest';
import { steps } from '../../../activities/steps/index.generated.ts';
import { compileText } from '../../../src/config/plan-document.ts';
import type { Plan } from '../../../src/core/plan.ts';
import { actionOf } from '../../../src/core/monitor.ts';
import type { MonitorInput } from '../../../src/core/monitor.ts';
import { desiredSchedules, factsOf } from '../../../src/runs/schedule-plan.ts';

const documentOf = (on: object, train: object = { model: { architecture: 'mlp' }, epochs: '${parameters.epochs}' }): unknown => ({
  apiVersion: 'perennial/v1',
  name: 'grown',
  parameters: { epochs: { type: 'integer', default: 20 } },
  on,
  steps: [
    {
      uses: 'ingest',
      with: {
        source: { format: 'csv', path: 'a.csv' },
        label: 'y',
        time: { column: 'at' },
        recent: { last: '30d' },
        append: { rowsMin: 100 },
      },
    },
    { uses: 'preprocess' },
    { uses: 'train', with: train },
    { uses: 'evaluate' },
    { uses: 'register' },
    { uses: 'deploy' },
  ],
});

function planOf(on: object, train?: object): Plan {
  const { plan, diagnostics } = compileText('/grown.json', JSON.stringify(documentOf(on, train)));
  expect(diagnostics).toEqual([]);
  return plan!;
}

const runOf = (plan: Plan, kind: string): Plan =>
  (desiredSchedules(plan, steps).find((one) => one.kind === kind)!.input as MonitorInput).run.plan;
const configOf = (plan: Plan, id: string) => plan.steps.find((step) => step.id === id)!.config;

it('a trigger may start another run than the document: from the champion, on other rows, with other parameters', () => {
  const plan = planOf({
    performance: { metric: 'accuracy', worseBy: 0.05, do: { retrain: { from: 'champion', on: 'append', parameters: { epochs: 3 } } } },
    event: { do: { retrain: { on: 'recent' } } },
  });
  expect(configOf(plan, 'ingest')).not.toHaveProperty('mode');
  const tuned = runOf(plan, 'performance');
  expect(configOf(tuned, 'ingest')).toMatchObject({ mode: 'append', append: { rowsMin: 100 } });
  expect(configOf(tuned, 'preprocess')).toMatchObject({ from: { model: 'grown', version: 'champion', onMissing: 'fit' } });
  expect(configOf(tuned, 'train')).toMatchObject({
    epochs: 3,
    model: { from: { model: 'grown', version: 'champion' }, onMissing: { architecture: 'mlp' } },
  });
  expect(tuned.parameters).toEqual({ epochs: 3 });
  expect(tuned.on.triggers!['performance']!.do).toMatchObject({
    variant: { text: 'from the champion, on appended rows, epochs = 3', steps: [] },
  });
  const recent = runOf(plan, 'event');
  expect(configOf(recent, 'ingest')).toMatchObject({ mode: 'recent' });
  expect(configOf(recent, 'train')).toEqual(configOf(plan, 'train'));
});

it('so may drift and new data', () => {
  const plan = planOf({
    drift: { do: { retrain: { from: 'champion', on: 'append' } } },
    newData: { rows: 10, do: { retrain: { parameters: { epochs: 3 } } } },
  });
  expect(configOf(runOf(plan, 'drift'), 'ingest')).toMatchObject({ mode: 'append' });
  expect(configOf(runOf(plan, 'drift'), 'preprocess')).toMatchObject({ from: { model: 'grown', version: 'champion' } });
  expect(configOf(runOf(plan, 'new-data'), 'train')).toMatchObject({ epochs: 3, model: { architecture: 'mlp' } });
  for (const { input } of desiredSchedules(plan, steps)) {
    const { check, run } = input as MonitorInput;
    expect(actionOf(check)).toMatchObject({ kind: 'retrain', variant: { steps: [] } });
    expect(run.plan.on.newData!.do).toMatchObject({ variant: { text: 'epochs = 3', steps: [] } });
  }
});

it('and from the start, where the document goes on from the champion', () => {
  const train = { model: { from: { model: 'grown' }, onMissing: { architecture: 'mlp', units: [4] } }, epochs: '${parameters.epochs}' };
  const plan = planOf({ version: { model: 'other', do: { retrain: { from: 'scratch' } } } }, train);
  expect(configOf(runOf(plan, 'version'), 'train')['model']).toMatchObject({ architecture: 'mlp', units: [4] });
});

it('settings come with their defaults, durations in milliseconds; schedules are of each trigger', () => {
  const plan = planOf({ feedback: { flagged: 0.1, window: '2h', do: { rollback: { within: '3d' } } }, event: {} });
  expect(plan.on.triggers).toEqual({
    feedback: {
      everyMs: 3_600_000,
      coolDownMs: 3_600_000,
      attempts: 3,
      do: { kind: 'rollback', withinMs: 259_200_000 },
      settings: {
        flagged: 0.1,
        of: 'answers',
        windowMs: 7_200_000,
        delayMs: 0,
        rowsMin: 100,
        confidence: 0.99,
        windowsMin: 1,
        windowsOf: 1,
      },
    },
    event: { everyMs: 60_000, coolDownMs: 0, do: { kind: 'retrain' }, settings: {} },
  });
  expect(desiredSchedules(plan, steps).map(({ id, when }) => [id, when])).toEqual([
    ['grown/event', { everyMs: 60_000, offsetMs: 40_000 }],
    ['grown/feedback', { everyMs: 3_600_000, offsetMs: 204_000 }],
  ]);
});

it('looks of many pipelines are spread over the first minutes of their interval, each always at the same', () => {
  const plan = planOf({ newData: { rows: 10, every: '1h' } });
  const offsets = Array.from({ length: 1_000 }, (_, at) => {
    const [{ when } = {}] = desiredSchedules({ ...plan, pipeline: `pipeline-${at}` }, steps);
    return when !== undefined && 'everyMs' in when ? (when.offsetMs ?? 0) : -1;
  });
  expect(Math.min(...offsets)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...offsets)).toBeLessThan(600_000);
  for (let minute = 0; minute < 10; minute += 1)
    expect(offsets.filter((offset) => Math.floor(offset / 60_000) === minute).length).toBeLessThan(140);
  expect(factsOf(desiredSchedules(plan, steps)[0]!).every).toMatch(/^1h, (\d+m )?(\d+s )?into each$/);
});
