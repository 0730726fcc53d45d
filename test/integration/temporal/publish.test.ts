import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { createToken, revokeToken } from '../../../src/access/tokens.ts';
import type { PlannedSink } from '../../../src/core/change.ts';
import { PerennialError } from '../../../src/core/errors.ts';
import type { NotificationTarget } from '../../../src/core/notification.ts';
import type { Plan } from '../../../src/core/plan.ts';
import { listEvents, overviewOf, resend } from '../../../src/events/browse.ts';
import { compareSinks } from '../../../src/events/sink-records.ts';
import { beginRollout, endRollout, finishRollout } from '../../../src/registry/rollouts.ts';
import { declaredSinks } from '../../../src/runs/declared-sinks.ts';
import { startRun } from '../../../src/runs/runs.ts';
import { waitRun } from '../../../src/runs/wait-run.ts';
import { ada, workbench } from '../../contract/registry/models.ts';
import { tempDir } from '../../support/temp-dir.ts';
import { until } from '../../support/until.ts';
import { planStep, setStage, testPlan, testStep } from './harness.ts';
import type { Stage } from './harness.ts';

interface Received {
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  readonly body: any;
}

const SECRET = 'token-of-the-bus-2b9d';
const received: Received[] = [];
/** What the receiver answers to a path next; 204 where nothing is left. "hang": nothing, for as long as the sender waits. */
const answers = new Map<string, (number | 'hang' | Readonly<Record<string, string>>)[]>();
let broken = false;
let url = '';
let stage: Stage;
const steps = [
  testStep({
    type: 'work',
    cacheable: false,
    outputs: { out: { kind: 'data' } },
    retry: { maximumAttempts: 1, initialIntervalMs: 10, backoffCoefficient: 1, maximumIntervalMs: 10 },
    async run(ctx) {
      if (broken) throw new PerennialError('DATA_INVALID', `The data are broken; the bus is told ${SECRET}.`);
      return { outputs: { out: await ctx.artifacts.write({ kind: 'data', summary: 'done', files: {}, meta: null }) } };
    },
  }),
  testStep({
    type: 'endless',
    run: ({ signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('stopped')), { once: true })),
  }),
];

beforeAll(async () => {
  process.env['EVENTS_TOKEN'] = SECRET;
  const server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => (text += chunk.toString()));
    request.on('end', () => {
      const answer = answers.get(request.url!)?.shift() ?? 204;
      received.push({ path: request.url!, headers: request.headers, text, body: JSON.parse(text) });
      if (answer === 'hang') return;
      if (typeof answer === 'number') response.writeHead(answer).end(answer === 204 ? '' : 'not now');
      else response.writeHead(Number(answer['status']), answer).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  stage = await setStage(steps);
  await stage.startWorker();
  return () => {
    server.closeAllConnections();
    server.close();
  };
});

const http = (path: string, more: Partial<PlannedSink> = {}): PlannedSink => ({
  name: path.slice(1),
  kind: 'http',
  config: { url: `${url}${path}`, token: { $secret: 'EVENTS_TOKEN' }, headers: {}, timeout: '30s' },
  envelope: 'cloudEvents',
  envelopeConfig: {},
  of: 'pipeline',
  ...more,
});

async function declare(plan: Plan): Promise<void> {
  await (await compareSinks(stage.deps.store, [declaredSinks(plan)])).carryOut();
}

async function run(pipeline: string, publish: readonly PlannedSink[]): Promise<string> {
  const plan = testPlan(pipeline, [planStep('work', 'work', { retry: steps[0]!.retry })], { on: { publish } });
  await declare(plan);
  const { workflowId } = await startRun(stage.temporal, plan, steps, { trigger: 'manual' });
  return (await waitRun(stage.temporal, workflowId)).status;
}

const at = (path: string): Received[] => received.filter((one) => one.path === path);
const types = (path: string): string[] => at(path).map(({ body }) => body.type);
const ofRun = ['perennial.run.started', 'perennial.step.started', 'perennial.step.completed', 'perennial.run.completed'];

describe('a sink of events', () => {
  it('hears of a run and its steps in their order, as CloudEvents and as OpenLineage events', async () => {
    const folder = tempDir('published');
    const file = join(folder, 'deep/lineage.ndjson');
    await run('whole', [
      http('/whole'),
      { ...http('/file'), kind: 'file', config: { path: file, bytesMax: 1_000_000, filesKept: 3 }, envelope: 'openLineage' },
    ]);
    await until(() => at('/whole').length === 4 && existsSync(file) && readFileSync(file, 'utf8').split('\n').length === 5);
    expect(types('/whole')).toEqual(ofRun);
    const [{ headers, body }] = at('/whole') as [Received];
    expect(headers).toMatchObject({
      'content-type': 'application/cloudevents+json; charset=utf-8',
      authorization: `Bearer ${SECRET}`,
      'idempotency-key': body.id,
    });
    const lineage = readFileSync(file, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lineage.map(({ eventType, job }) => `${eventType} ${job.name}`)).toEqual([
      'START whole',
      'START whole.work',
      'COMPLETE whole.work',
      'COMPLETE whole',
    ]);
    expect(lineage[1].run.facets.parent.run.runId).toBe(lineage[0].run.runId);
    expect(lineage[2].run.runId).toBe(lineage[1].run.runId);
    expect(lineage[2].outputs).toMatchObject([
      { name: 'whole/work.out', facets: { version: { datasetVersion: expect.stringMatching(/^[0-9a-f]{64}$/) } } },
    ]);
  });

  it('hears of a failure without its secrets', async () => {
    broken = true;
    try {
      expect(await run('failing', [http('/failing')])).toBe('failed');
    } finally {
      broken = false;
    }
    await until(() => at('/failing').length === 4);
    expect(types('/failing').slice(2)).toEqual(['perennial.step.failed', 'perennial.run.failed']);
    expect(at('/failing')[2]!.body.data.failure.message).toContain('The data are broken');
    expect(
      at('/failing')
        .map(({ text }) => text)
        .join(),
    ).not.toContain(SECRET);
  });

  it('that is away, hangs or is busy gets the same bytes with the same id, in their order, and holds no run up', async () => {
    answers.set('/away', [500, 'hang', { status: '429', 'retry-after': '1' }]);
    const started = Date.now();
    await run('away', [http('/away', { config: { ...http('/away').config, timeout: '1s' } })]);
    expect(Date.now() - started).toBeLessThan(20_000);
    await until(() => at('/away').length === 7, { timeoutMs: 120_000 });
    const first = at('/away').slice(0, 4);
    expect(new Set(first.map(({ text }) => text)).size).toBe(1);
    expect([...new Set(types('/away'))]).toEqual(ofRun);
    expect(new Set(at('/away').map(({ body }) => body.id)).size).toBe(4);
    await until(async () => (await overviewOf(stage.deps.store)).find(({ sink }) => sink === 'away/away')!.state?.failingSince === null);
  });

  it('that does not take the token, or leads elsewhere, has events wait until that is corrected', async () => {
    answers.set('/closed', [401, 403, { status: '302', location: `${url}/elsewhere` }, 404]);
    await run('closed', [http('/closed')]);
    await until(() => new Set(at('/closed').map(({ body }) => body.id)).size === 4 && at('/closed').length === 8, { timeoutMs: 120_000 });
    expect(at('/elsewhere')).toEqual([]);
    expect(await listEvents(stage.deps.store, { states: ['refused'], sink: 'closed/closed', limit: 10 })).toEqual([]);
  });

  it('that refuses has the event set aside, and gets it once more when it is asked to', async () => {
    answers.set('/refuses', [400, 422]);
    await run('refuses', [http('/refuses')]);
    await until(() => at('/refuses').length === 4);
    const refused = await until(async () => {
      const found = await listEvents(stage.deps.store, { states: ['refused'], sink: 'refuses/refuses', limit: 10 });
      return found.length === 2 ? found : undefined;
    });
    expect(refused.map(({ entry }) => entry!.why)).toEqual([
      expect.stringContaining('answered 400: not now'),
      expect.stringContaining('answered 422'),
    ]);
    expect(await resend(stage.deps.store, { ids: [], sink: 'refuses/refuses' })).toBe(2);
    await until(() => at('/refuses').length === 6);
    expect(
      at('/refuses')
        .slice(4)
        .map(({ text }) => text),
    ).toEqual(
      at('/refuses')
        .slice(0, 2)
        .map(({ text }) => text),
    );
  });

  it('hears of all of the store where it asks for that, and of nothing from before it was declared', async () => {
    await createToken(stage.deps.store, { name: 'before', role: 'predict' }, 'ada');
    await declare(testPlan('wide', [], { on: { publish: [http('/wide', { of: 'store', events: ['token', 'run'] })] } }));
    await createToken(stage.deps.store, { name: 'after', role: 'predict' }, 'ada');
    await revokeToken(stage.deps.store, 'after', 'bert');
    await run('other', []);
    await until(() => at('/wide').length === 4);
    expect(types('/wide').sort()).toEqual([
      'perennial.run.completed',
      'perennial.run.started',
      'perennial.token.created',
      'perennial.token.revoked',
    ]);
    expect(at('/wide').find(({ body }) => body.type === 'perennial.token.revoked')!.body.data).toMatchObject({
      name: 'after',
      who: 'bert',
    });
    expect(
      at('/wide')
        .map(({ text }) => text)
        .join(),
    ).not.toMatch(/digest|perennial_[0-9a-f]{12}/);
  });

  it('tells how steps ended whose run was terminated, and of no other', async () => {
    const plan = testPlan('cut', [planStep('work', 'work'), planStep('endless', 'endless')], {
      on: { publish: [http('/cut', { events: ['step', 'run'] }), { ...http('/cut-lineage', {}), envelope: 'openLineage' }] },
    });
    await declare(plan);
    const { workflowId } = await startRun(stage.temporal, plan, steps, { trigger: 'manual' });
    const cut = (): any[] => at('/cut').map(({ body }) => body);
    await until(() => cut().some(({ type, data }: any) => type === 'perennial.step.completed' && data.step === 'work'));
    await until(() => cut().some(({ type, data }: any) => type === 'perennial.step.started' && data.step === 'endless'));
    await stage.temporal.client.workflow.getHandle(workflowId).terminate('enough of it');
    await until(() => cut().some(({ type }: any) => type === 'perennial.step.cancelled'), { timeoutMs: 120_000 });
    const ends = cut().filter(({ type }: any) => /step\.(completed|cancelled)/.test(type));
    expect(ends.map(({ type, data }: any) => `${String(data.step)} ${String(type)}`)).toEqual([
      'work perennial.step.completed',
      'endless perennial.step.cancelled',
    ]);
    const lineage = (): any[] => at('/cut-lineage').map(({ body }) => body);
    await until(() => lineage().filter(({ eventType }) => eventType === 'ABORT').length === 2, { timeoutMs: 120_000 });
    const started = lineage()
      .filter(({ eventType }) => eventType === 'START')
      .map(({ run }) => run.runId as string);
    const ended = lineage()
      .filter(({ eventType }) => eventType !== 'START')
      .map(({ run }) => run.runId as string);
    expect(ended.sort()).toEqual(started.sort());
  });

  it('tells of a run that was terminated, and marks runs of the past', async () => {
    const plan = testPlan('ends', [planStep('work', 'work'), planStep('endless', 'endless')], {
      on: { publish: [http('/ends', { events: ['run'] })] },
    });
    await declare(plan);
    const { workflowId } = await startRun(stage.temporal, plan, steps, { trigger: 'reproduce' });
    await until(() => at('/ends').length === 1);
    expect(at('/ends')[0]!.body.data).toMatchObject({ trigger: 'reproduce', run: workflowId });
    await stage.temporal.client.workflow.getHandle(workflowId).terminate('enough of it');
    await until(() => at('/ends').length === 2, { timeoutMs: 120_000 });
    expect(at('/ends')[1]!.body).toMatchObject({
      type: 'perennial.run.terminated',
      subject: at('/ends')[0]!.body.subject,
      data: { run: workflowId, trigger: 'reproduce', summary: expect.stringContaining('enough of it') },
    });
  });
});

describe('people whom "on.notify" names', () => {
  it('hear of a rollback by hand and of the end of a rollout, wherever these come from, and once', async () => {
    const { store } = stage.deps;
    const { register, registry } = workbench(store);
    const target = (path: string, events: NotificationTarget['events']): NotificationTarget => ({
      channel: 'webhook',
      config: { url: `${url}${path}`, headers: {} },
      events,
      repeat: 'changes',
    });
    const notify = [target('/people', ['rolledBack', 'returned', 'promoted']), target('/others', ['failed'])];
    const step = planStep('register', 'register', { config: { model: 'm' }, outputs: { version: 'version' } });
    await declare(testPlan('people', [step], { on: { notify, publish: [http('/models', { events: ['model', 'rollout'] })] } }));
    for (const number of [1, 2, 3]) await register(number);
    await registry.promote('m', 1, ada);
    await registry.promote('m', 2, ada);
    await registry.rollback('m', { who: 'ada', why: 'too sure of itself' });
    await until(() => at('/people').length === 1);
    expect(at('/people')[0]!.body).toMatchObject({
      type: 'perennial.model.rolledBack',
      source: '/pipelines/people',
      data: {
        event: 'rolledBack',
        model: 'm',
        version: 1,
        summary: 'm went back from version 2 to version 1 and is pinned to it, by ada: too sure of itself',
      },
    });
    // What a check does, the check tells.
    await registry.promote('m', 2, { ...ada, unpin: true });
    await registry.rollback('m', { who: 'trigger people/drift', why: 'drift', automatic: true });
    await registry.unpin('m', ada);
    const begin = (id: string) =>
      beginRollout(store, 'm', { id, kind: 'canary', candidate: 3, share: 0.1 }, { who: 'run r3', why: 'new', judged: [] });
    await begin('one');
    await endRollout(store, 'm', 'one', { who: 'rollout one', why: 'Returned to version 1: it fails.', automatic: true });
    await until(() => at('/people').length === 2);
    expect(at('/people')[1]!.body).toMatchObject({
      type: 'perennial.rollout.ended',
      data: { event: 'returned', version: 3, summary: 'm version 3 is not live after its canary: Returned to version 1: it fails.' },
    });
    await begin('two');
    await finishRollout(store, 'm', { id: 'two', candidate: 3 }, { who: 'rollout two', why: 'It held.', automatic: true, judged: [] });
    await until(() => at('/people').length === 3);
    expect(at('/people')[2]!.body).toMatchObject({ type: 'perennial.model.promoted', data: { event: 'promoted', version: 3, model: 'm' } });
    await until(() => types('/models').length === 11);
    expect(types('/models').map((type) => type.replace('perennial.', ''))).toEqual([
      'model.promoted',
      'model.promoted',
      'model.rolledBack',
      'model.promoted',
      'model.rolledBack',
      'model.unpinned',
      'rollout.began',
      'rollout.ended',
      'rollout.began',
      'model.promoted',
      'rollout.ended',
    ]);
    expect(at('/people')).toHaveLength(3);
    expect(at('/others')).toEqual([]);
  });
});
