import { describe, expect, it } from 'vitest';
import { initialRunState, withStep } from '../../../src/core/run-state.ts';
import type { Plan } from '../../../src/core/plan.ts';
import { exitCodeOfRun } from '../../../src/cli/run-report.ts';
import { roomy } from '../../../workflows/markdown.ts';
import { runMarkdown } from '../../../workflows/run-markdown.ts';
import { standingOf } from '../../../workflows/standing.ts';
import { runView } from '../../../workflows/run-view.ts';

const step = (id: string, output: string) => ({
  id,
  type: id,
  version: 1,
  config: {},
  inputs: {},
  outputs: { out: output as 'data' },
  retry: { maximumAttempts: 1, initialIntervalMs: 1, backoffCoefficient: 1, maximumIntervalMs: 1 },
  startToCloseMs: 1,
  heartbeatMs: 1,
  cache: true,
  summary: id,
});
const plan: Plan = {
  planFormat: 1,
  pipeline: 'p',
  description: '',
  documentDir: '/',
  revision: '',
  parameters: {},
  steps: [step('train', 'model'), step('evaluate', 'evaluation'), step('register', 'version')],
  on: {},
};
const base = {
  plan,
  notes: {},
  runId: 'r',
  workflowId: 'p/r',
  executionId: 'e',
  status: 'running',
  trigger: 'manual',
  nominalTime: '2026-01-01T00:00:00.000Z',
  startedAt: 0,
  endedAt: undefined,
  now: 5_000,
} as const;

/** Cells of the tables, without the space that keeps columns apart. */
const rowsOf = (text: string) =>
  text
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .map((line) =>
      line
        .slice(1, -1)
        .split(/(?<!\\)\|/)
        .map((cell) => cell.replaceAll('\u00a0', ' ').trim()),
    );

describe('what the Temporal UI shows', () => {
  it('says what people are asked, on what grounds, and the commands that answer', () => {
    const state = withStep(withStep(initialRunState(plan), 'train', { status: 'completed' }), 'evaluate', { status: 'running' });
    const asks = [
      {
        step: 'evaluate',
        text: 'May it go on?',
        evidence: ['accuracy: 0.91'],
        onTimeout: 'reject',
        since: '2026-01-01T00:00:00.000Z',
        until: '2026-01-08T00:00:00.000Z',
      },
    ] as const;
    const outcome = { result: { outputs: {}, verdict: { passed: true, reasons: ['fine'] } }, cached: false, reason: '', durationMs: 9 };
    const view = runView({ ...base, state, notes: { evaluate: { startedAt: 0, outcome } }, asks });
    expect(view.headline).toBe('Waits for approval in "evaluate" until 2026-01-08 00:00 UTC: May it go on?');
    // A verdict that waits for people is none yet.
    expect(view.verdict).toBeNull();
    const text = runMarkdown(view);
    expect(text).toContain('**Approval is asked for** by step **evaluate**: May it go on?\n\n- accuracy: 0.91');
    expect(text).toContain('`perennial runs approve p/r --reason "…"`');
    expect(text).toContain('`{"who": "you", "why": "…"}`');
    expect(text).toContain('No answer until 2026-01-08 00:00 UTC: it is rejected');
    expect(rowsOf(text).find(([id]) => id === 'evaluate')![1]).toBe('? asks');
  });

  it('tells a running step by epoch, loss and time left', () => {
    const state = withStep(initialRunState(plan), 'train', { status: 'running' });
    const text = runMarkdown(
      runView({
        ...base,
        state,
        notes: {
          train: {
            startedAt: 1_000,
            progress: { message: 'x', epoch: 3, epochs: 60, loss: 0.12345, metrics: { accuracy: 0.95 }, secondsLeft: 12 },
          },
        },
      }),
    );
    expect(rowsOf(text)).toContainEqual(['train', '▶ running', '', 'epoch 3/60, loss 0.1235, accuracy 0.95, 12.0 s left']);
    expect(rowsOf(text)).toContainEqual(['evaluate', '○ waiting', '', '']);
    expect(text).toContain('**▶ Running** – train: epoch 3/60, loss 0.1235');
  });

  it('tells metrics, verdict and version; pipes do not break the table', () => {
    let state = initialRunState(plan);
    for (const id of ['train', 'evaluate', 'register']) state = withStep(state, id, { status: 'completed' });
    const outcome = (result: object) => ({
      outcome: { result: { outputs: {}, ...result }, cached: false, reason: 'a|b', durationMs: 1_500 },
    });
    const view = runView({
      ...base,
      status: 'completed',
      endedAt: 4_000,
      state,
      notes: {
        train: outcome({ outputs: { out: { kind: 'data', digest: '', summary: 'a|b' } } }),
        evaluate: outcome({
          values: { accuracy: 0.97, baseline_accuracy: 0.4, champion_accuracy: 0.96, rows: 52, note: 'x' },
          verdict: { passed: true, reasons: ['accuracy 0.97 is at least 0.9'] },
        }),
        register: outcome({ values: { model: 'penguins', version: 3 } }),
      },
    });
    expect(view.metrics).toEqual({ accuracy: 0.97 });
    expect(view).toMatchObject({
      headline: 'penguins version 3 is registered: accuracy 0.97.',
      verdict: 'passed',
      model: 'penguins',
      version: 3,
      endedAt: '1970-01-01T00:00:04.000Z',
    });
    const text = runMarkdown(view, 'drift');
    for (const part of [
      '✔ Completed',
      '(drift)',
      '**Gate passed**',
      '- accuracy 0.97 is at least 0.9',
      'version **3**',
      '- train, evaluate, register – ran: a|b',
      'perennial models show penguins 3',
    ])
      expect(text).toContain(part);
    expect(rowsOf(text)).toEqual(
      expect.arrayContaining([
        ['accuracy', '0.97'],
        ['train', '✔ done', '1.5 s', 'a\\|b'],
      ]),
    );
  });

  it('tells of a step that was cancelled how far it came, and nothing of how it would have gone on', () => {
    const state = withStep(initialRunState(plan), 'train', { status: 'cancelled' });
    const view = runView({
      ...base,
      status: 'cancelled',
      endedAt: 3_000,
      state,
      notes: {
        train: {
          startedAt: 1_000,
          endedAt: 3_000,
          progress: { message: 'x', epoch: 3, epochs: 60, samplesPerSecond: 5, secondsLeft: 126_000 },
        },
      },
    });
    expect(view.headline).toBe('Cancelled in step "train" (epoch 3/60).');
    expect(JSON.stringify(view)).not.toContain('secondsLeft');
  });

  it('keeps the quotes of what can be copied into a document', () => {
    expect(roomy('Write "label": { "y": ["standardize"] } in its place, or leave "label" out.')).toBe(
      'Write `"label": { "y": ["standardize"] }` in its place, or leave `"label"` out.',
    );
    expect(roomy('Logs: `perennial runs logs "p"` and [as it is "served"](http://x/"y")')).toBe(
      'Logs: `perennial runs logs "p"` and [as it is `"served"`](http://x/"y")',
    );
    expect(roomy('> **A** in **b**: allowed are "a", "b" and "c": 3, 4.')).toBe(
      '> **A** in **b**: allowed are `"a", "b"` and `"c": 3, 4`.',
    );
    expect(roomy('| a | Write "x\\|y" | 5" |')).toContain('`"x\\|y"`');
    for (const plain of ['no quotes', 'one " alone', '']) expect(roomy(plain)).toBe(plain);
    const failure = { code: 'CONFIG_INVALID', message: 'Bad.\nGive the last layer "activation": "softmax".', step: 'train' };
    const text = runMarkdown(
      runView({
        ...base,
        status: 'failed',
        state: withStep(initialRunState(plan), 'train', { status: 'failed' }),
        notes: { train: { failure } },
      }),
    );
    expect(text).toContain('`"activation": "softmax"`');
    expect(text.replaceAll(/`[^`]*`/g, '')).not.toContain('"');
  });

  it('calls what no gate judged ungated, and what one of two steps judged by its verdict', () => {
    const outcome = (verdict?: object) => ({
      outcome: { result: { outputs: {}, ...(verdict === undefined ? {} : { verdict }) }, cached: false, reason: '', durationMs: 1 },
    });
    const viewOf = (...verdicts: (object | undefined)[]) =>
      runView({
        ...base,
        status: 'completed',
        endedAt: 1,
        state: initialRunState(plan),
        notes: { train: outcome(verdicts[0]), evaluate: outcome(verdicts[1]) } as never,
      });
    const ungated = { passed: true, reasons: [], ungated: true };
    expect(viewOf(undefined, ungated).verdict).toBe('ungated');
    expect(viewOf(ungated, { passed: true, reasons: ['good'] }).verdict).toBe('passed');
    expect(viewOf(ungated, { passed: false, reasons: ['bad'] }).verdict).toBe('rejected');
    expect(viewOf().verdict).toBeNull();
    expect(runMarkdown(viewOf(undefined, ungated))).toContain('**Ungated** in step **evaluate**');
    expect(exitCodeOfRun(viewOf(undefined, ungated))).toBe(0);
  });

  it('tells what took the place of what, with links, and how to go back', () => {
    const deploying: Plan = { ...plan, steps: [...plan.steps, step('deploy', 'deployment')] };
    let state = initialRunState(deploying);
    for (const { id } of deploying.steps) state = withStep(state, id, { status: 'completed' });
    const outcome = (result: object, links?: object) => ({
      outcome: { result: { outputs: {}, ...result }, cached: false, reason: '', durationMs: 1, ...(links === undefined ? {} : { links }) },
    });
    const view = runView({
      ...base,
      plan: deploying,
      status: 'completed',
      endedAt: 1,
      state,
      notes: {
        train: outcome({}),
        evaluate: outcome(
          { values: { accuracy: 0.5 }, verdict: { passed: true, reasons: [] }, details: 'the own words of the step' },
          { report: 'http://s/evaluations/x/report' },
        ),
        register: outcome(
          { values: { model: 'penguins', version: 3 } },
          { model: 'http://s/v2/models/penguins/versions/3', report: 'http://s/models/penguins/versions/3/report' },
        ),
        deploy: outcome({ values: { model: 'penguins', version: 3, previous: 2, promoted: true } }),
      },
    });
    expect(view).toMatchObject({
      headline: 'penguins version 3 is live in place of version 2: accuracy 0.5.',
      previous: 2,
      links: { report: 'http://s/models/penguins/versions/3/report' },
    });
    const text = runMarkdown(view);
    for (const part of ['](http://s/models/penguins/versions/3/report)', 'Go back to version 2: `perennial models rollback penguins`'])
      expect(text).toContain(part);
    expect(text.split('the own words of the step')).toHaveLength(2);
  });

  it('stays short enough for an address, whatever the steps say, and names what went wrong', () => {
    const wide: Plan = { ...plan, steps: Array.from({ length: 300 }, (_, index) => step(`s${index}`, 'data')) };
    let state = initialRunState(wide);
    const notes: Record<string, object> = {};
    for (const { id } of wide.steps.slice(0, 299)) {
      state = withStep(state, id, { status: 'completed' });
      notes[id] = {
        outcome: { result: { outputs: {}, details: 'long '.repeat(2_000) }, cached: false, reason: 'first run', durationMs: 1 },
      };
    }
    state = withStep(state, 's299', { status: 'failed' });
    notes.s299 = { failure: { code: 'DATA_INVALID', message: 'Row 3.', step: 's299' } };
    const text = runMarkdown(runView({ ...base, plan: wide, status: 'failed', endedAt: 1, state, notes }));
    expect(encodeURIComponent(text).length).toBeLessThan(7_000);
    expect(text).toContain('and 259 more steps');
    expect(rowsOf(text)).toContainEqual(['s299', '✖ failed', '', 'DATA_INVALID: Row 3.']);
  });

  it('tells where a run was cancelled, and how far it had come', () => {
    let state = withStep(initialRunState(plan), 'train', { status: 'cancelled' });
    state = withStep(state, 'evaluate', { status: 'cancelled' });
    const view = runView({
      ...base,
      status: 'cancelled',
      endedAt: 5,
      state,
      notes: { train: { startedAt: 1, endedAt: 5, reason: 'cancelled', progress: { message: '', epoch: 7, epochs: 60 } } },
    });
    expect(view.headline).toBe('Cancelled in step "train" (epoch 7/60).');
    expect(runMarkdown(view)).toContain('`perennial runs retry p/r`');
  });

  it('tells a failure first, with its code and what to do', () => {
    const state = withStep(initialRunState(plan), 'train', { status: 'failed' });
    const view = runView({
      ...base,
      status: 'failed',
      state,
      notes: { train: { failure: { code: 'TRAINING_DIVERGED', message: 'NaN in epoch 2.\nLower the learning rate.', step: 'train' } } },
    });
    expect(runMarkdown(view).split('\n\n')[1]).toBe(
      '> **TRAINING_DIVERGED** in step **train**: NaN in epoch 2.\n> Lower the learning rate.',
    );
  });
});

describe('what a run says of its version', () => {
  it.each([
    [undefined, undefined, null, null],
    [{ version: 3 }, undefined, null, 'is registered'],
    [{ version: 3 }, { promoted: true, previous: 2 }, true, 'is live in place of version 2'],
    [{ version: 3 }, { promoted: true, previous: null }, true, 'is live'],
    [{ version: 3 }, { promoted: true, alias: 'candidate' }, false, 'is registered as candidate, not live'],
    [{ version: 3 }, { promoted: false, why: 'pinned to version 1 by ada' }, false, 'is registered, not live (pinned to version 1 by ada)'],
    [{ version: 3 }, { promoted: false, why: 'a backfill moves no alias' }, false, 'is registered, not live (a backfill moves no alias)'],
    [{ version: 3 }, { promoted: false, live: true }, true, 'is live already'],
  ] as const)('%j, deployed %j', (registered, deployment, live, standing) => {
    expect(standingOf(registered, deployment)).toMatchObject({ live, standing });
  });
});

describe('exit codes of runs', () => {
  it.each([
    ['completed', null, 0],
    ['rejected', null, 3],
    ['cancelled', null, 130],
    ['failed', 'TRAINING_DIVERGED', 1],
    ['failed', 'CONFIG_INVALID', 1],
    ['failed', 'STORE_UNAVAILABLE', 4],
    ['failed', 'ROUTING_PINNED', 3],
    ['failed', 'NONSENSE', 1],
  ] as const)('%s %s → %i', (status, code, exit) => {
    expect(exitCodeOfRun({ status, failure: code === null ? null : { code, message: '' } })).toBe(exit);
  });
});

describe('the verdict of a run', () => {
  const model = (from: string) => ({ model: { step: from, output: 'out', kind: 'model' as const } });
  const judge = (id: string, from: string) => ({ ...step(id, 'evaluation'), inputs: model(from) });
  const verdicts = (registers: string, said: Readonly<Record<string, object>>) =>
    runView({
      ...base,
      plan: {
        ...plan,
        steps: [
          step('good', 'model'),
          step('bad', 'model'),
          judge('eg', 'good'),
          judge('eb', 'bad'),
          { ...step('register', 'version'), inputs: model(registers) },
        ],
      },
      state: initialRunState({ steps: [step('good', ''), step('bad', ''), step('eg', ''), step('eb', ''), step('register', '')] }),
      notes: Object.fromEntries(
        Object.entries(said).map(([id, verdict]) => [id, { outcome: { cached: false, durationMs: 1, result: { outputs: {}, verdict } } }]),
      ) as never,
    });
  const PASSED = { passed: true, reasons: ['accuracy 1 is at least 0.9'] };
  const UNGATED = { passed: true, ungated: true, reasons: [] };

  it('is about the model that it registers', () => {
    expect(verdicts('bad', { eg: PASSED, eb: UNGATED }).verdict).toBe('ungated');
    expect(verdicts('good', { eg: PASSED, eb: UNGATED }).verdict).toBe('passed');
    expect(verdicts('bad', { eg: PASSED }).verdict).toBe('ungated');
    expect(verdicts('bad', { eg: PASSED, eb: PASSED }).steps.map(({ ofAnotherModel }) => ofAnotherModel === true)).toEqual([
      false,
      false,
      true,
      false,
      false,
    ]);
    expect(verdicts('bad', {}).verdict).toBeNull();
  });

  it('is a rejection, whatever was rejected', () => {
    expect(verdicts('bad', { eg: { passed: false, reasons: ['no'] }, eb: PASSED }).verdict).toBe('rejected');
  });
});
