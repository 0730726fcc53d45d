import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { beforeAll, describe, expect, it } from 'vitest';
import { planTriggers } from '../../../src/config/triggers.ts';
import type { JsonObject } from '../../../src/core/json.ts';
import type { MonitorInput, MonitorView } from '../../../src/core/monitor.ts';
import type { Plan, PlannedTrigger, TriggerAction } from '../../../src/core/plan.ts';
import type { RunView } from '../../../src/core/run.ts';
import { receiveEvent } from '../../../src/monitoring/triggers/event-inbox.ts';
import { FeedbackWriter } from '../../../src/monitoring/feedback/feedback-writer.ts';
import { createRegistry } from '../../../src/registry/registry.ts';
import { act } from '../../../src/runs/deeds.ts';
import { needsAttention } from '../../../src/runs/attention.ts';
import { pipelineInput } from '../../../src/runs/pipeline-input.ts';
import { listSchedules } from '../../../src/runs/schedules.ts';
import { startAttributes } from '../../../src/runs/search-attributes.ts';
import { waitRun } from '../../../src/runs/wait-run.ts';
import { applied, planStep, setStage, testPlan, testStep } from './harness.ts';
import type { Stage } from './harness.ts';
import { startServer } from '../../../src/server/start.ts';
import { modelFacts } from '../../support/stored-facts.ts';
import { PredictionLog } from '../../../src/serving/prediction-log.ts';
import { createServingMetrics } from '../../../src/serving/serving-metrics.ts';
import type { Json } from '../../../src/core/json.ts';
import { until } from '../../support/until.ts';

const learnt: unknown[] = [];
const steps = [
  testStep({
    type: 'learn',
    cacheable: false,
    outputs: { out: { kind: 'version' } },
    async run(ctx, config) {
      learnt.push(config);
      const modelRef = await ctx.artifacts.write({
        kind: 'model',
        summary: ctx.runId,
        files: {},
        meta: { ...modelFacts({ output: { kind: 'classes', name: 'kind', classes: ['a', 'b'] } }), text: ctx.runId } as unknown as Json,
      });
      const registry = createRegistry(ctx.store, ctx.artifacts);
      const { version } = await registry.register({
        model: ctx.pipeline,
        modelRef,
        metrics: { accuracy: 0.95 },
        pipeline: ctx.pipeline,
        runId: ctx.runId,
        stepId: 'learn',
      });
      if ((config as { promote?: boolean }).promote !== false)
        await registry.promote(ctx.pipeline, version, { who: 'test', why: 'test', automatic: true, judged: [], requestId: ctx.runId });
      return {
        outputs: { out: await ctx.artifacts.write({ kind: 'version', summary: `v${version}`, files: {}, meta: {} }) },
        values: { model: ctx.pipeline, version },
      };
    },
  }),
];

let stage: Stage;
beforeAll(async () => {
  stage = await setStage(steps);
  await stage.startWorker();
});

const trigger = (settings: object, action: TriggerAction = { kind: 'retrain' }, change: Partial<PlannedTrigger> = {}): PlannedTrigger => ({
  everyMs: 60_000,
  coolDownMs: 0,
  attempts: 3,
  do: action,
  settings: settings as PlannedTrigger['settings'],
  ...change,
});

const planOf = (name: string, triggers: Record<string, PlannedTrigger> = {}, config: object = {}): Plan =>
  testPlan(name, [planStep('learn', 'learn', { kind: 'version', config: { model: name, ...config } })], { on: { triggers } });

let checks = 0;
async function check(name: string, kind: string, one: PlannedTrigger): Promise<MonitorView> {
  const view = (await stage.temporal.client.workflow.execute('monitor', {
    workflowId: `monitor/${name}/${kind}/${(checks += 1)}`,
    taskQueue: 'perennial',
    args: [
      {
        pipeline: name,
        model: name,
        check: { kind: 'trigger', name: kind, trigger: one },
        run: pipelineInput(planOf(name, { [kind]: one }), steps, { trigger: kind }),
      } satisfies MonitorInput,
    ],
    typedSearchAttributes: startAttributes({ kind: 'monitor', pipeline: name, model: name, trigger: kind }),
  })) as MonitorView;
  if (view.outcome === 'started') await waitRun(stage.temporal, view.run!);
  return view;
}

async function learn(name: string): Promise<void> {
  const run = `${name}/20260101-0000${String((checks += 1)).padStart(2, '0')}-abcd`;
  await stage.temporal.client.workflow.execute('pipeline', {
    workflowId: run,
    taskQueue: 'perennial',
    args: [pipelineInput(planOf(name), steps, { trigger: 'manual' })],
    typedSearchAttributes: startAttributes({ kind: 'run', pipeline: name, model: name, trigger: 'manual' }),
  });
}

const runOf = async (id: string): Promise<RunView> => (await stage.temporal.client.workflow.getHandle(id).result()) as RunView;

const LIVE = { windowMs: 3_600_000, delayMs: 0, rowsMin: 50, confidence: 0.99, windowsMin: 1, windowsOf: 1 };
const ACCURACY = { metric: 'accuracy', worseBy: 0.05, basis: 'labels', ...LIVE };

let logs = 0;
/** Answers of a minute ago, all of them "a". */
async function logged(model: string, version: number, count: number): Promise<string[]> {
  const silent = { info() {}, warn() {}, error() {} };
  const log = new PredictionLog(
    stage.deps.store,
    { log: silent, metrics: createServingMetrics() },
    { serverId: `s${(logs += 1)}`, now: () => new Date(Date.now() - 60_000) },
  );
  const ids = Array.from({ length: count }, (_, at) => `${model}-${logs}-${at}`);
  const servable = { model, version, preprocessor: { columns: [] } } as unknown as Parameters<PredictionLog['add']>[0];
  for (const id of ids) log.add(servable, id, { x: 1 }, { label: 'a', probabilities: { a: 0.95, b: 0.05 } });
  await log.flush();
  return ids;
}

/** Answers of a version within the last hour, so many of them right, as the labels that came later say. */
async function answers(model: string, version: number, count: number, right: number, labelled = count): Promise<void> {
  const ids = await logged(model, version, count);
  await new FeedbackWriter(stage.deps.store).write(
    model,
    ids.slice(0, labelled).map((id, at) => ({ id, label: at < right ? 'a' : 'b' })),
  );
}

describe('performance', () => {
  it('starts a run where the whole interval is beyond the bound, and the run tells why', async () => {
    await learn('worse');
    expect(await check('worse', 'performance', trigger(ACCURACY))).toMatchObject({
      outcome: 'none',
      finding: { summary: expect.stringMatching(/^Too few answers of worse version 1 to judge: 0 from/) as string },
    });
    await answers('worse', 1, 100, 93);
    expect(await check('worse', 'performance', trigger(ACCURACY))).toMatchObject({
      outcome: 'none',
      kind: 'performance',
      finding: { rows: 100 },
    });
    await answers('worse', 1, 300, 180);
    const view = await check('worse', 'performance', trigger(ACCURACY));
    expect(view).toMatchObject({
      outcome: 'started',
      finding: {
        summary: expect.stringMatching(
          /^Accuracy of worse version 1 is 0\.6825 \(0\.\d+ to 0\.7\d+\) on 400 labelled answers from .+; it was 0\.95 when it was registered, and may be worse by 0\.05\.$/,
        ) as string,
      },
    });
    expect(await runOf(view.run!)).toMatchObject({
      trigger: 'performance',
      why: view.finding.summary,
      evidence: {
        trigger: 'performance',
        metric: 'accuracy',
        bound: expect.closeTo(0.9, 9) as number,
        windows: [{ rows: 400, value: 0.6825 }],
      },
    });
    // What another version answered says nothing of this one.
    expect(await check('worse', 'performance', trigger(ACCURACY))).toMatchObject({ outcome: 'none', finding: { champion: 2, rows: 0 } });
  });

  it('says that it is blind where the model was taken out of the store, not where there was none yet', async () => {
    expect(await check('gone', 'performance', trigger(ACCURACY))).toMatchObject({
      outcome: 'none',
      finding: { summary: 'gone has no champion yet, so there is nothing to compare with.' },
    });
    await learn('gone');
    await answers('gone', 1, 200, 100);
    expect(await check('gone', 'performance', trigger(ACCURACY))).toMatchObject({ outcome: 'started' });
    for await (const { key } of stage.deps.store.list('models/gone/')) await stage.deps.store.delete(key);
    expect(await check('gone', 'performance', trigger(ACCURACY))).toMatchObject({
      outcome: 'blind',
      finding: { summary: expect.stringContaining('gone has no champion any more, which was version 1') as string },
    });
  });

  it('says that it is blind where answers get no labels', async () => {
    await learn('unlabelled');
    await answers('unlabelled', 1, 200, 0, 3);
    const view = await check('unlabelled', 'performance', trigger(ACCURACY));
    expect(view).toMatchObject({
      outcome: 'blind',
      finding: {
        summary: expect.stringMatching(
          /^How unlabelled version 1 does cannot be told: of 200 answers .+ the truth is known of at most 3 in a window, and 50 are needed\. Send labels/,
        ) as string,
      },
    });
    await expect
      .poll(async () => (await needsAttention(stage.temporal, { pipeline: 'unlabelled' })).map(({ kind, outcome }) => [kind, outcome]), {
        timeout: 300_000,
      })
      .toEqual([['performance', 'blind']]);
  });

  it('rolls a bad promotion back, pins, and does it once', async () => {
    await learn('bad');
    await learn('bad');
    await answers('bad', 2, 200, 100);
    const back = trigger(ACCURACY, { kind: 'rollback', withinMs: 86_400_000 });
    expect(await check('bad', 'performance', back)).toMatchObject({
      outcome: 'rolledBack',
      run: null,
      why: expect.stringContaining('perennial models unpin bad') as string,
    });
    const { routing } = (await createRegistry(stage.deps.store, stage.deps.artifacts).routing('bad'))!;
    expect(routing).toMatchObject({ aliases: { champion: 1 }, pin: { version: 1, by: 'trigger bad/performance' } });
    await answers('bad', 1, 200, 100);
    expect(await check('bad', 'performance', back)).toMatchObject({
      outcome: 'alert',
      why: expect.stringContaining('Nothing goes back: bad is pinned to version 1') as string,
    });
  });

  it('rolls back only what took over a short while ago, and only where there is something to go back to', async () => {
    await learn('old');
    await answers('old', 1, 200, 100);
    expect(await check('old', 'performance', trigger(ACCURACY, { kind: 'rollback' }))).toMatchObject({
      outcome: 'alert',
      why: expect.stringMatching(/^Nothing goes back: /) as string,
    });
    await learn('old');
    await answers('old', 2, 200, 100);
    expect(await check('old', 'performance', trigger(ACCURACY, { kind: 'rollback', withinMs: 1 }))).toMatchObject({
      outcome: 'alert',
      why: expect.stringContaining('"within" is 1ms') as string,
    });
  });

  it('takes back what was promoted a short while ago, not what a rollback brought back', async () => {
    for (let version = 1; version <= 3; version += 1) await learn('returned');
    const registry = createRegistry(stage.deps.store, stage.deps.artifacts);
    await registry.rollback('returned', { who: 'test', why: 'test' });
    await registry.unpin('returned', { who: 'test', why: 'test' });
    const history = await registry.history('returned');
    const timeOf = (action: string): number => Date.parse(history.findLast((change) => change.action === action && change.to === 2)!.at);
    const one = trigger(ACCURACY, { kind: 'rollback', withinMs: (timeOf('rollback') - timeOf('promote')) / 2 });
    const deed = await act(stage.deps, { client: stage.temporal.client, taskQueue: 'perennial' }, {
      check: { kind: 'trigger', name: 'performance', trigger: one },
      run: pipelineInput(planOf('returned'), steps, { trigger: 'performance' }),
      model: 'returned',
      nominalTime: new Date(timeOf('rollback')).toISOString(),
      now: new Date(timeOf('rollback')).toISOString(),
      who: 'trigger returned/performance',
      finding: { fired: true, summary: 'worse', champion: 2 },
    } as unknown as Parameters<typeof act>[2]);
    expect(deed).toMatchObject({ outcome: 'alert', why: expect.stringContaining('version 2 was promoted at') as string });
    expect((await registry.routing('returned'))!.routing.aliases).toMatchObject({ champion: 2 });
  });
});

describe('feedback', () => {
  it('acts on the share of flagged answers, by an interval', async () => {
    await learn('flagged');
    const ids = await logged('flagged', 1, 100);
    const writer = new FeedbackWriter(stage.deps.store);
    await writer.write(
      'flagged',
      ids.slice(0, 6).map((id) => ({ id, flag: true })),
    );
    const one = trigger({ flagged: 0.05, of: 'answers', ...LIVE }, { kind: 'notify' });
    expect(await check('flagged', 'feedback', one)).toMatchObject({
      outcome: 'none',
      finding: { summary: expect.stringContaining('is 0.06 (') as string },
    });
    await writer.write(
      'flagged',
      ids.slice(6, 30).map((id) => ({ id, flag: true })),
    );
    expect(await check('flagged', 'feedback', one)).toMatchObject({
      outcome: 'alert',
      finding: { summary: expect.stringContaining('is 0.3 (') as string },
    });
  });
});

describe('version', () => {
  it('follows another model: each new champion once, whatever came of the run', async () => {
    const one = trigger({ model: 'base', when: 'promoted' });
    expect(await check('follower', 'version', one)).toMatchObject({
      outcome: 'blind',
      finding: { summary: 'There is no champion of "base" that could be followed.' },
    });
    await learn('base');
    expect(await check('follower', 'version', one)).toMatchObject({
      outcome: 'none',
      finding: { summary: 'base version 1 is where it begins to follow "base".' },
    });
    await learn('base');
    await learn('base');
    const view = await check('follower', 'version', one);
    expect(view).toMatchObject({
      outcome: 'started',
      finding: { summary: 'base version 3 serves; the last one that was followed was version 1.' },
    });
    expect(await runOf(view.run!)).toMatchObject({
      status: 'completed',
      trigger: 'version',
      evidence: { trigger: 'version', model: 'base', version: 3, before: 1 },
    });
    expect(await check('follower', 'version', one)).toMatchObject({ outcome: 'none' });
    await createRegistry(stage.deps.store, stage.deps.artifacts).rollback('base', { to: 2, who: 'test', why: 'test' });
    expect(await check('follower', 'version', one)).toMatchObject({
      outcome: 'started',
      finding: { summary: expect.stringContaining('base version 2 serves') as string },
    });
  });
});

describe('schedule', () => {
  it('ticks by an interval, with jitter', async () => {
    const schedule = {
      everyMs: 6 * 3_600_000,
      jitterMs: 600_000,
      timezone: 'UTC',
      overlap: 'skip',
      catchupMs: 3_600_000,
      pauseOnFailure: false,
    } as const;
    const plan = { ...planOf('often'), on: { schedule } };
    expect(await applied(stage.temporal, [plan], steps)).toMatchObject([
      { id: 'often/schedule', action: 'create', differences: expect.arrayContaining(['every: 6h', 'jitter: 10m']) as string[] },
    ]);
    // Temporal lists what was made a moment ago a moment later.
    const row = await until(async () =>
      (await listSchedules(stage.temporal, { pipeline: 'often' })).find(({ next }) => next[0] !== undefined),
    );
    expect(row).toMatchObject({ when: 'every 6h, up to 10m later', daylight: null });
    const late = Date.parse(row.next[0]!) % schedule.everyMs;
    expect(late).toBeLessThanOrEqual(600_000);
    expect(
      await applied(stage.temporal, [{ ...plan, on: { schedule: { ...schedule, jitterMs: 60_000 } } }], steps, { dryRun: true }),
    ).toMatchObject([{ action: 'update', differences: expect.arrayContaining(['jitter: 10m → 1m']) as string[] }]);
    await applied(stage.temporal, [{ ...plan, on: {} }], steps);
  });
});

describe('event', () => {
  const told = (pipeline: string, id: string, type = 'loaded') =>
    receiveEvent(stage.deps.store, { pipeline, id, type, why: 'because', data: {}, by: 'loader', at: new Date().toISOString() });

  it('a storm makes one run, the same id counts once, and what came of it is known', async () => {
    await expect(told('stormy', 'a')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    const one = trigger({ types: ['loaded'] });
    expect(await check('stormy', 'event', one)).toMatchObject({ outcome: 'none', finding: { summary: 'No event waits.' } });
    expect(await Promise.all(Array.from({ length: 40 }, (_, at) => told('stormy', `e/${at % 20}`)))).toHaveLength(40);
    await told('stormy', 'other', 'other');
    const views = await Promise.all([check('stormy', 'event', one), check('stormy', 'event', one), check('stormy', 'event', one)]);
    expect(views.filter(({ outcome }) => outcome === 'started')).toHaveLength(1);
    const started = views.find(({ outcome }) => outcome === 'started')!;
    expect(await runOf(started.run!)).toMatchObject({
      trigger: 'event',
      evidence: { trigger: 'event', events: 20, ids: expect.arrayContaining(['e/0', 'e/19']) as string[] },
    });
    expect(await told('stormy', 'e/3')).toMatchObject({ state: 'done', what: `run ${started.run!}` });
    expect(await told('stormy', 'other')).toMatchObject({ state: 'done', what: 'left alone: "types" is loaded' });
    expect(await check('stormy', 'event', one)).toMatchObject({ outcome: 'none' });
  });

  it('comes over HTTP by a token of the role operate', async () => {
    const server = await startServer({
      store: stage.deps.store,
      artifacts: stage.deps.artifacts,
      port: 0,
      token: 'owner',
      log: { info() {}, warn() {}, error() {} },
    });
    const post = async (path: string, body: unknown, token = 'owner'): Promise<[number, unknown]> => {
      const answer = await fetch(`${server.url}${path}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}` },
        body: JSON.stringify(body),
      });
      return [answer.status, await answer.json()];
    };
    const told = (body: unknown, token?: string) => post('/pipelines/called/events', body, token);
    const [, { token: weak }] = (await post('/tokens', { name: 'app', role: 'predict' })) as [number, { token: string }];
    const [, { token: strong }] = (await post('/tokens', { name: 'loader', role: 'operate' })) as [number, { token: string }];
    expect(await told({ id: 'a' })).toEqual([404, { error: expect.stringContaining('No pipeline "called" waits for events.') as string }]);
    const one = trigger({});
    await check('called', 'event', one);
    expect(await told({ id: 'a' }, weak)).toEqual([403, { error: expect.stringContaining('needs "operate"') as string }]);
    expect(await told({ id: 'a' }, 'nobody')).toEqual([401, expect.anything()]);
    expect(await told({})).toEqual([400, { error: expect.stringContaining('"id" is missing') as string }]);
    expect(await told({ id: 'a', what: 1 })).toEqual([400, { error: expect.stringContaining('what') as string }]);
    expect(await told({ id: 'a', type: 'table.loaded', why: 'the load is through', data: { rows: 5 } }, strong)).toEqual([
      200,
      { pipeline: 'called', id: 'a', state: 'waits', new: true, lookedAt: expect.any(String) as string },
    ]);
    expect(await told({ id: 'a' }, strong)).toEqual([
      200,
      { pipeline: 'called', id: 'a', state: 'waits', new: false, lookedAt: expect.any(String) as string },
    ]);
    const view = await check('called', 'event', one);
    expect(view).toMatchObject({
      outcome: 'started',
      finding: { summary: 'An event came: table.loaded "a" (the load is through) by loader.' },
    });
    expect(await runOf(view.run!)).toMatchObject({ evidence: { first: [{ id: 'a', by: 'loader', data: { rows: 5 } }] } });
    expect(await told({ id: 'a' }, strong)).toEqual([
      200,
      { pipeline: 'called', id: 'a', state: 'done', new: false, lookedAt: expect.any(String) as string, what: `run ${view.run!}` },
    ]);
    await server.stop();
  });

  it('pauses what starts the pipeline by itself, and goes on looking', async () => {
    const one = trigger({}, { kind: 'pause' }, { everyMs: 86_400_000 });
    const plan = planOf('halted', {
      event: one,
      version: trigger({ model: 'base', when: 'registered' }, { kind: 'retrain' }, { everyMs: 86_400_000 }),
    });
    const changes = await applied(stage.temporal, [plan], steps);
    expect(changes.map(({ id, action }) => [id, action])).toEqual([
      ['halted/event', 'create'],
      ['halted/version', 'create'],
    ]);
    await check('halted', 'event', one);
    await told('halted', 'stop');
    expect(await check('halted', 'event', one)).toMatchObject({
      outcome: 'paused',
      why: expect.stringContaining('Paused: halted/version.') as string,
    });
    expect((await listSchedules(stage.temporal, { pipeline: 'halted' })).map(({ id, paused }) => [id, paused])).toEqual([
      ['halted/event', false],
      ['halted/version', true],
    ]);
    expect(
      (await applied(stage.temporal, [planOf('halted', { event: trigger({ types: ['x'] }, { kind: 'pause' }) })], steps)).map(
        ({ id, action }) => [id, action],
      ),
    ).toEqual([
      ['halted/event', 'update'],
      ['halted/version', 'delete'],
    ]);
  });
});

describe('a digest', () => {
  it('is sent by the calendar to whoever asked for it, starts nothing, and is nothing to look at', async () => {
    const received: any[] = [];
    const receiver = createServer((request, response) => {
      let text = '';
      request.on('data', (chunk: Buffer) => (text += chunk.toString()));
      request.on('end', () => {
        received.push(JSON.parse(text));
        response.end();
      });
    });
    await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`;
    await learn('weekly');
    await learn('elsewhere');
    const planned = (digest: object, text: object = {}): Plan => ({
      ...planOf('weekly'),
      on: planTriggers({
        digest: { cron: '0 8 * * 1', timezone: 'Europe/Berlin', of: 'model', since: '7d', when: 'always', ...digest },
        notify: [{ to: { webhook: { url, headers: {} } }, events: ['digest', 'triggered', 'failed'], repeat: 'changes', ...text }],
      } as JsonObject),
    });
    const plan = planned({});
    await applied(stage.temporal, [plan], steps);
    const { id } = (await until(() => listSchedules(stage.temporal, { pipeline: 'weekly' })))[0]!;
    expect(id).toBe('weekly/digest');
    const { spec } = await stage.temporal.client.schedule.getHandle(id).describe();
    expect(spec).toMatchObject({ timezone: 'Europe/Berlin', calendars: [{ hour: [{ start: 8 }], dayOfWeek: [{ start: 'MONDAY' }] }] });

    const runs = learnt.length;
    // Ticks have whole seconds.
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    await stage.temporal.client.schedule.getHandle(id).trigger();
    const [event] = await until(() => received);
    expect(event).toMatchObject({
      type: 'perennial.digest.ready',
      source: '/pipelines/weekly',
      data: { event: 'digest', outcome: 'told' },
    });
    expect(event.data.summary).toMatch(/^What happened from \S+ to \S+: 1 model, nothing waits for anybody\.$/);
    expect(event.data.markdown).toContain('version 1 became champion');
    expect(event.data.markdown).not.toContain('elsewhere');
    expect(learnt.length).toBe(runs);
    expect(await needsAttention(stage.temporal, { pipeline: 'weekly' })).toEqual([]);

    const of = async (settings: object): Promise<MonitorView> => {
      const one = planned(settings);
      return check('weekly', 'digest', one.on.triggers!['digest']!);
    };
    const whole = await of({ of: 'store' });
    expect(whole).toMatchObject({ outcome: 'told', run: null });
    expect(whole.finding.details).toContain('## elsewhere');
    expect(whole.finding.page).toMatch(/^<!doctype html>/i);
    // Nothing of it happened within a second.
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    expect(await of({ since: '1s', when: 'news' })).toMatchObject({ outcome: 'none' });
    receiver.close();
  });
});
