import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CHANGES } from '../../../src/core/change.ts';
import type { Change, ChangeType } from '../../../src/core/change.ts';
import {
  approvalAnswered,
  approvalAsked,
  changesOfCheck,
  runEnded,
  runStarted,
  stepEnded,
  stepStarted,
} from '../../../src/core/run-changes.ts';
import type { ToldRun, ToldStep } from '../../../src/core/run-changes.ts';
import { envelopes } from '../../../src/events/envelopes/index.generated.ts';
import { changesOf, changeOfVersion } from '../../../src/registry/changes.ts';
import { changesOfToken } from '../../../src/access/tokens.ts';
import { sha256 } from '../../../src/storage/digest.ts';
import { packageRoot } from '../../../src/platform/paths.ts';
import type { Plan, PlanStep } from '../../../src/core/plan.ts';

const folder = join(packageRoot(), 'test/golden/events');
const file = join(folder, 'events.ndjson');
const STORE = { storeId: 'ec686718-b079-47f5-8143-999b01e6e046' };
const DIGEST = (text: string): string => sha256(text);
const moment = (order: number) => ({ ms: Date.UTC(2026, 10, 30, 1, 0, 0, 250 + order), order });

const planStep = (id: string, part: Partial<PlanStep>): PlanStep => ({
  id,
  type: id,
  version: 1,
  config: {},
  inputs: {},
  outputs: {},
  retry: { maximumAttempts: 1, initialIntervalMs: 1, backoffCoefficient: 1, maximumIntervalMs: 1 },
  startToCloseMs: 60_000,
  heartbeatMs: 5_000,
  cache: true,
  summary: `What ${id} does`,
  ...part,
});

const ingest = planStep('ingest', {
  config: { source: { format: 'csv', path: 'data/penguins.csv' }, label: 'species', rows: { skip: 1.5 }, tags: [] },
  outputs: { dataset: 'dataset' },
});
const validate = planStep('validate', {
  config: { expect: [{ column: 'mass', between: [1, 9] }], onViolation: 'quarantine' },
  inputs: { dataset: { step: 'ingest', output: 'dataset', kind: 'dataset' } },
  outputs: { dataset: 'dataset' },
});
const run: ToldRun = {
  plan: {
    planFormat: 1,
    pipeline: 'penguins',
    description: 'Tells penguins apart.',
    documentDir: '/srv',
    revision: DIGEST('document'),
    parameters: { epochs: 5 },
    steps: [ingest, validate],
    on: {},
  } satisfies Plan,
  input: { why: 'drift of 2 of 6 columns', evidence: { columns: ['mass'] } },
  workflowId: 'penguins/20261130-010000-abcd',
  executionId: '01a229f6-41bb-7ad9-bf93-6740652d1813',
  runId: '20261130-010000-abcd',
  trigger: 'drift',
  nominalTime: '2026-11-30T01:00:00.000Z',
};
const dataset = { kind: 'dataset', digest: DIGEST('dataset'), summary: '344 rows' } as const;
const first: ToldStep = { step: ingest, execution: 1, inputs: {} };
const second: ToldStep = { step: validate, execution: 2, inputs: { dataset } };
const outcome = { result: { outputs: { dataset }, values: { rows: 344 } }, cached: false, reason: 'first run', durationMs: 120 };
const failure = { code: 'EXPECTATION_FAILED', message: 'The data break 1 expectation: "mass" ….', step: 'validate' };
const table = {
  namespace: null,
  name: 'penguins/ingest.dataset',
  version: dataset.digest,
  kind: 'JOB_OUTPUT',
  fields: [
    { name: 'mass', type: 'number' },
    { name: 'species', type: 'string' },
  ],
  rows: 344,
  bytes: 12_345,
  files: 4,
  columns: {
    mass: { nullCount: 2, distinctCount: 94, count: 342, min: 2.7, max: 6.3, quantiles: { '0.5': 4.05 } },
    species: { nullCount: 0, distinctCount: 3, count: 344 },
  },
};
const source = { namespace: 'file', name: '/srv/data/penguins.csv', kind: 'FILE', fields: table.fields };
const view = {
  headline: 'Step "validate" failed.',
  model: null,
  version: null,
  live: null,
  standing: null,
  metrics: {},
  verdict: null,
  failure,
  startedAt: '2026-11-30T01:00:00.250Z',
  endedAt: '2026-11-30T01:00:01.250Z',
};
const transition = {
  formatVersion: 1,
  id: '5f7e',
  name: 'penguins',
  revision: 7,
  at: '2026-11-30T01:02:03.004Z',
  who: 'ada@laptop',
  why: 'too sure of itself',
  automatic: false,
  alias: 'champion',
  from: 2,
  to: 1,
  aliases: { champion: 1 },
  pin: null,
} as const;
const rollout = { id: 'r1', kind: 'canary', champion: 1, candidate: 2, step: 0, share: 0.1 };
const token = {
  formatVersion: 1,
  id: '0123456789ab',
  name: 'checkout',
  role: 'predict',
  models: ['penguins'],
  digest: DIGEST('token'),
  createdAt: '2026-11-30T01:00:00.000Z',
  createdBy: 'ada',
  expiresAt: null,
  revokedAt: '2026-11-30T02:00:00.000Z',
  revokedBy: 'bert',
} as const;
const outcomeOf = (kind: string) => ({
  formatVersion: 1 as const,
  pipeline: 'penguins',
  kind,
  outcome: 'started',
  summary: '2 of 6 columns drift.',
  workflow: 'penguins/drift-1',
  trigger: 'drift',
  model: 'penguins',
  at: '2026-11-30T01:00:00.000Z',
});

/** At least one change of every type. */
const changes: readonly Change[] = [
  runStarted(run, moment(0)),
  { ...stepStarted(run, first, moment(1)), lineage: { inputs: [source], outputs: [] } },
  {
    ...stepEnded(run, first, { status: 'completed', outcome, durationMs: 120 }, moment(2))!,
    lineage: { inputs: [source], outputs: [table] },
  },
  stepStarted(run, second, moment(3)),
  ...(['failed', 'cancelled'] as const).map((status) =>
    stepEnded(run, second, { status, ...(status === 'failed' ? { failure } : {}), durationMs: 5 }, moment(4)),
  ),
  withGates(stepEnded(run, second, { status: 'rejected', outcome, durationMs: 5 }, moment(4))!),
  ...(['completed', 'failed', 'rejected', 'cancelled', 'skipped', 'nothingNew'] as const).map((status) =>
    runEnded(run, status, view as unknown as Parameters<typeof runEnded>[2], moment(5)),
  ),
  { ...runEnded(run, 'failed', view as unknown as Parameters<typeof runEnded>[2], moment(5)), type: 'run.terminated' as const },
  { ...runEnded(run, 'failed', view as unknown as Parameters<typeof runEnded>[2], moment(5)), type: 'run.timedOut' as const },
  approvalAsked(run, 'approve', { text: 'Let it serve?' }, moment(6)),
  approvalAnswered(
    run,
    'approve',
    { step: 'approve', question: 'Let it serve?', decision: 'approved', who: 'ada', why: 'fine', at: '2026-11-30T01:00:09.000Z' },
    moment(7),
  ),
  ...(
    ['alias', 'promote', 'rollback', 'unpin', 'delete', 'restore', 'rollout', 'rolloutStep', 'rolloutNote', 'rolloutEnd'] as const
  ).flatMap((action) =>
    changesOf({
      ...transition,
      action,
      ...(action.startsWith('rollout') && action !== 'rolloutEnd' ? { rollout: rollout as never } : {}),
      ...(action === 'rolloutEnd' || action === 'promote' ? { ended: rollout as never } : {}),
    }),
  ),
  changeOfVersion({
    name: 'penguins',
    version: 3,
    createdAt: '2026-11-30T01:00:00.000Z',
    createdBy: 'run 20261130-010000-abcd (drift)',
    description: 'ä "quoted" text\nof two lines',
    tags: { team: 'birds' },
    pipeline: 'penguins',
    runId: '20261130-010000-abcd',
    stepId: 'register',
    metrics: { accuracy: 0.98 },
    verdict: { passed: true, reasons: ['accuracy 0.98 is at least 0.97'] },
    parent: 2,
    dataset: dataset.digest,
    model: { kind: 'model', digest: DIGEST('model'), summary: '' },
    nominalTime: run.nominalTime,
  } as unknown as Parameters<typeof changeOfVersion>[0]),
  ...changesOfCheck(outcomeOf('drift'), ['drifted', 'degraded', 'triggered', 'failed', 'blocked', 'paused'], {
    version: 2,
    executionId: 'e1',
  }),
  ...(['schedule.paused', 'schedule.resumed'] as const).map((type): Change => ({
    key: `schedule/penguins/schedule/${type}/1`,
    type,
    at: '2026-11-30T01:00:00.000Z',
    subject: 'pipelines/penguins/schedules/penguins/schedule',
    order: 0,
    pipeline: 'penguins',
    model: null,
    data: { schedule: 'penguins/schedule', pipeline: 'penguins', who: 'ada', why: 'the source moves' },
  })),
  ...changesOfToken(token),
  {
    key: 'trial/1',
    type: 'sink.tried',
    at: '2026-11-30T01:00:00.000Z',
    subject: 'pipelines/penguins',
    order: 0,
    pipeline: 'penguins',
    model: null,
    data: { pipeline: 'penguins', run: 'penguins/trial', executionId: '1', summary: 'A trial.' },
  } satisfies Change,
].filter((change) => change !== undefined);

function withGates(change: Change): Change {
  const gates = [
    {
      name: '{"metric":"accuracy","min":0.97}',
      passed: false,
      text: 'accuracy 0.91 is below 0.97',
      expected: '{"metric":"accuracy","min":0.97}',
    },
    { name: '{"metric":"f1","min":0.5}', passed: true, text: 'f1 0.9 is at least 0.5', expected: '{"metric":"f1","min":0.5}' },
  ];
  const assertions = [
    { assertion: 'between', success: false, column: 'mass', expected: '[1,9]', actual: '3 rows break it' },
    { assertion: 'rows', success: true, expected: '{"atLeast":100}' },
  ];
  return { ...change, data: { ...change.data, gates }, lineage: { inputs: [{ ...table, assertions }], outputs: [] } };
}

const written = envelopes.flatMap((envelope) =>
  changes.flatMap(({ hints: _hints, ...change }) => {
    const message = envelope.write(change, {}, STORE);
    return message === undefined ? [] : [{ envelope: envelope.name, type: change.type, ...message }];
  }),
);

/** As receivers of CloudEvents get them that ask for another mode: with a subject that no header takes as it is. */
function inOtherModes(): readonly object[] {
  const cloudEvents = envelopes.find(({ name }) => name === 'cloudEvents')!;
  const plain = changes.map(({ hints: _hints, ...change }) => change);
  const odd = { ...plain[0]!, key: 'odd', subject: 'pipelines/Größe "50 %"' };
  const binary = [...plain, odd].map((change) => ({
    envelope: 'cloudEvents binary',
    subject: change.subject,
    type: change.type,
    ...cloudEvents.write(change, { mode: 'binary' }, STORE)!,
  }));
  const several = plain.map((change) => cloudEvents.write(change, { mode: 'batch' }, STORE)!);
  return [...binary, { envelope: 'cloudEvents batch', ...cloudEvents.batch!(several, { mode: 'batch' })! }];
}

describe('events', () => {
  it('tell every type of change', () => {
    expect([...new Set(changes.map(({ type }) => type))].sort()).toEqual((Object.keys(CHANGES) as ChangeType[]).sort());
  });

  it('are those that the official libraries read (after a change: remove events.ndjson, run this and check_events.py, and commit both)', () => {
    const text = `${[...written, ...inOtherModes()].map((message) => JSON.stringify(message)).join('\n')}\n`;
    if (!existsSync(file)) writeFileSync(file, text);
    expect(readFileSync(file, 'utf8')).toBe(text);
    const checked = JSON.parse(readFileSync(join(folder, 'checked.json'), 'utf8')) as { readonly sha256: string };
    expect(checked.sha256).toBe(sha256(Buffer.from(text)));
  });

  it('have ids of their own, the same whenever they are written, and others in another store', () => {
    expect(new Set(written.map(({ id, envelope, type }) => `${envelope} ${id} ${type}`)).size).toBe(written.length);
    for (const envelope of envelopes) {
      const [change] = changes;
      expect(envelope.write(change!, {}, STORE)).toEqual(envelope.write(change!, {}, STORE));
      expect(envelope.write(change!, {}, { storeId: 'another' })!.id).not.toBe(envelope.write(change!, {}, STORE)!.id);
    }
  });
});
