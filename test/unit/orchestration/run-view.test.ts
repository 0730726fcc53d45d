import { describe, expect, it } from 'vitest';
import { initialRunState, withStep } from '../../../src/core/run-state.ts';
import type { Plan } from '../../../src/core/plan.ts';
import { exitCodeOfRun } from '../../../src/cli/run-report.ts';
import { runMarkdown } from '../../../workflows/run-markdown.ts';
import { runView } from '../../../workflows/run-view.ts';

const step = (id: string, output: string) => ({
  id, type: id, version: 1, config: {}, inputs: {}, outputs: { out: output as 'data' }, retry: { maximumAttempts: 1, initialIntervalMs: 1, backoffCoefficient: 1, maximumIntervalMs: 1 },
  startToCloseMs: 1, heartbeatMs: 1, cache: true, summary: id,
});
const plan: Plan = { planFormat: 1, pipeline: 'p', description: '', documentDir: '/', revision: '', parameters: {}, steps: [step('train', 'model'), step('evaluate', 'evaluation'), step('register', 'version')], on: {} };
const base = { plan, notes: {}, runId: 'r', workflowId: 'p/r', status: 'running', trigger: 'manual', nominalTime: '2026-01-01T00:00:00.000Z', startedAt: 0, endedAt: undefined, now: 5_000 } as const;

describe('what the Temporal UI shows', () => {
  it('tells a running step by epoch, loss and time left', () => {
    const state = withStep(initialRunState(plan), 'train', { status: 'running' });
    const text = runMarkdown(runView({ ...base, state, notes: { train: { startedAt: 1_000, progress: { message: 'x', epoch: 3, epochs: 60, loss: 0.12345, metrics: { accuracy: 0.95 }, secondsLeft: 12 } } } }));
    expect(text).toContain('| train | ▶ running |  | epoch 3/60, loss 0.1235, accuracy 0.95, 12.0 s left |');
    expect(text).toContain('| evaluate | ○ waiting |');
  });

  it('tells metrics, verdict and version; pipes do not break the table', () => {
    let state = initialRunState(plan);
    for (const id of ['train', 'evaluate', 'register']) state = withStep(state, id, { status: 'completed' });
    const outcome = (result: object) => ({ outcome: { result: { outputs: {}, ...result }, cached: false, reason: 'a|b', durationMs: 1_500 } });
    const view = runView({
      ...base, status: 'completed', endedAt: 4_000, state,
      notes: { train: outcome({}), evaluate: outcome({ values: { accuracy: 0.97, note: 'x' }, verdict: { passed: true, reasons: ['accuracy 0.97 is at least 0.9'] } }), register: outcome({ values: { model: 'penguins', version: 3 } }) },
    });
    expect(view).toMatchObject({ metrics: { accuracy: 0.97 }, verdict: 'passed', model: 'penguins', version: 3, endedAt: '1970-01-01T00:00:04.000Z' });
    const text = runMarkdown(view, 'drift');
    for (const part of ['✔ Completed', '(drift)', '| accuracy | 0.97 |', '**Gate passed**', '- accuracy 0.97 is at least 0.9', 'version **3**', '(a\\|b)', '1.5 s']) expect(text).toContain(part);
  });

  it('tells a failure first, with its code and what to do', () => {
    const state = withStep(initialRunState(plan), 'train', { status: 'failed' });
    const view = runView({ ...base, status: 'failed', state, notes: { train: { failure: { code: 'TRAINING_DIVERGED', message: 'NaN in epoch 2.\nLower the learning rate.', step: 'train' } } } });
    expect(runMarkdown(view).split('\n\n')[1]).toBe('> **TRAINING_DIVERGED** in step **train**: NaN in epoch 2.\n> Lower the learning rate.');
  });
});

describe('exit codes of runs', () => {
  it.each([
    ['completed', null, 0], ['rejected', null, 3], ['cancelled', null, 130], ['failed', 'TRAINING_DIVERGED', 1], ['failed', 'CONFIG_INVALID', 1], ['failed', 'STORE_UNAVAILABLE', 4], ['failed', 'ROUTING_PINNED', 3], ['failed', 'NONSENSE', 1],
  ] as const)('%s %s → %i', (status, code, exit) => {
    expect(exitCodeOfRun({ status, failure: code === null ? null : { code, message: '' } })).toBe(exit);
  });
});
