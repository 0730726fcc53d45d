import { expect, it } from 'vitest';
import { compileText } from '../../../src/config/plan-document.ts';
import { initialRunState, withStep } from '../../../src/core/run-state.ts';
import { next } from '../../../src/core/scheduler.ts';
import type { Plan } from '../../../src/core/plan.ts';

const gate = (id: string, more: object = { atLeast: 0.5 }, config: object = {}): object => ({
  id,
  uses: 'evaluate',
  with: { metrics: ['accuracy'], gates: [{ metric: 'accuracy', ...more }], ...config },
});

function planOf(...steps: object[]): Plan {
  const before = [
    { uses: 'ingest', with: { source: { format: 'csv', path: 'rows.csv' }, label: 'kind' } },
    { uses: 'preprocess' },
    { uses: 'train', with: { model: { architecture: 'mlp', units: [8] }, epochs: 1 } },
  ];
  const { plan, diagnostics } = compileText(
    '/x/p.json',
    JSON.stringify({ apiVersion: 'perennial/v1', name: 'p', steps: [...before, ...steps] }),
  );
  expect(diagnostics).toEqual([]);
  return plan!;
}

const judgesOf = (plan: Plan): Record<string, readonly string[]> =>
  Object.fromEntries(plan.steps.flatMap(({ id, judges }) => (judges === undefined ? [] : [[id, judges]])));

it('gates stop a registration and a deployment of their model, whatever artifact is handed on', () => {
  expect(judgesOf(planOf(gate('only'), { uses: 'register' }, { uses: 'deploy' }))).toEqual({});
  const plan = planOf(gate('guard'), gate('report'), { uses: 'register', inputs: { evaluation: 'report' } }, gate('late'), {
    uses: 'deploy',
  });
  expect(judgesOf(plan)).toEqual({ register: ['guard'], deploy: ['guard', 'late'] });

  let state = initialRunState(plan);
  for (const id of ['ingest', 'preprocess', 'train', 'report']) state = withStep(state, id, { status: 'completed' });
  const started = (): string[] => next(plan, state).flatMap((action) => (action.kind === 'start' ? [action.step] : []));
  state = withStep(state, 'guard', { status: 'running' });
  state = withStep(state, 'late', { status: 'completed' });
  expect(started()).toEqual([]);
  expect(next(plan, withStep(state, 'guard', { status: 'rejected' }))).toMatchObject([
    { kind: 'skip', step: 'register', why: '"guard", which judges its model, was rejected' },
    { kind: 'skip', step: 'deploy' },
    { kind: 'finish', status: 'rejected' },
  ]);
  // One that its condition left out says nothing.
  state = withStep(state, 'guard', { status: 'skipped', why: 'its condition does not hold' });
  expect(started()).toEqual(['register']);
});

it('what decides about another name, another model, or nothing at all stops nothing', () => {
  const two = planOf(
    gate('strict'),
    gate('lenient'),
    { id: 'shop', uses: 'register', with: { model: 'shop' }, inputs: { evaluation: 'strict' } },
    { id: 'lab', uses: 'register', with: { model: 'lab' }, inputs: { evaluation: 'lenient' } },
    { id: 'live', uses: 'deploy', inputs: { version: 'shop' } },
    { id: 'beside', uses: 'deploy', inputs: { version: 'lab' } },
  );
  expect(judgesOf(two)).toEqual({});
  const champion = planOf(
    gate('strict', { notWorseThanChampionBy: 0 }, { champion: 'shop' }),
    gate('lenient'),
    { id: 'lab', uses: 'register', with: { model: 'lab' }, inputs: { evaluation: 'strict' } },
    { id: 'shop', uses: 'register', with: { model: 'shop' }, inputs: { evaluation: 'lenient' } },
    { id: 'live', uses: 'deploy', inputs: { version: 'shop' } },
  );
  expect(judgesOf(champion)).toEqual({ shop: ['strict'], live: ['strict'] });
  const other = planOf(
    { id: 'small', uses: 'train', with: { model: { architecture: 'mlp', units: [2] }, epochs: 1 } },
    { ...gate('small-gate'), inputs: { model: 'small' } },
    { id: 'open', uses: 'evaluate', with: { metrics: ['accuracy'] }, inputs: { model: 'train' } },
    { ...gate('large-gate'), inputs: { model: 'train' } },
    { uses: 'register', inputs: { model: 'train', evaluation: 'large-gate' } },
    { uses: 'deploy' },
  );
  expect(judgesOf(other)).toEqual({});
});

it('an approval holds what is made of the model that it asks about, and what follows one without a model', () => {
  const plan = planOf(
    gate('guard'),
    { uses: 'approve' },
    { uses: 'register' },
    { id: 'again', uses: 'approve', with: { ask: 'Now?' } },
    { uses: 'deploy' },
  );
  expect(judgesOf(plan)).toEqual({ register: ['approve'], again: ['approve'], deploy: ['approve', 'again'] });
  expect(plan.steps.find(({ id }) => id === 'again')!.inputs).toMatchObject({
    version: { step: 'register' },
    evaluation: { step: 'guard' },
  });

  const two = planOf(
    { id: 'other', uses: 'train', with: { model: { architecture: 'mlp', units: [4] }, epochs: 1 } },
    { uses: 'approve', inputs: { model: 'train' } },
    { id: 'mine', uses: 'register', inputs: { model: 'train' } },
    { id: 'theirs', uses: 'register', with: { model: 'theirs' }, inputs: { model: 'other' } },
  );
  expect(judgesOf(two)).toEqual({ mine: ['approve'] });

  const { plan: early } = compileText(
    '/x/p.json',
    JSON.stringify({
      apiVersion: 'perennial/v1',
      name: 'p',
      steps: [
        { uses: 'ingest', with: { source: { format: 'csv', path: 'rows.csv' }, label: 'kind' } },
        { uses: 'approve', with: { ask: 'Has somebody looked at the rows?' } },
        { uses: 'preprocess' },
        { uses: 'train', with: { model: { architecture: 'mlp', units: [8] }, epochs: 1 } },
      ],
    }),
  );
  expect(judgesOf(early!)).toEqual({ preprocess: ['approve'], train: ['approve'] });

  const { diagnostics } = compileText(
    '/x/p.json',
    JSON.stringify({ apiVersion: 'perennial/v1', name: 'p', steps: [{ uses: 'approve', timeout: '60d' }] }),
  );
  expect(diagnostics).toMatchObject([
    { message: 'The question would wait for 60d, and a run, with all of its waiting, ends after 30 days.', fix: 'Give at most "28d".' },
  ]);
});
