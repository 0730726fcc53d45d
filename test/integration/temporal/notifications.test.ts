import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { eventsOfCheck, eventsOfRun, newsOf } from '../../../src/core/notification.ts';
import type { NotificationTarget } from '../../../src/core/notification.ts';
import { PerennialError } from '../../../src/core/errors.ts';
import { startRun } from '../../../src/runs/runs.ts';
import { waitRun } from '../../../src/runs/wait-run.ts';
import { tempDir } from '../../support/temp-dir.ts';
import { until } from '../../support/until.ts';
import { planStep, setStage, testPlan, testStep } from './harness.ts';
import type { Stage } from './harness.ts';

interface Received {
  readonly path: string;
  readonly type: string | undefined;
  readonly authorization: string | undefined;
  readonly body: any;
}

const SECRET = 'Bearer of-the-receiver-8f3a';
const received: Received[] = [];
/** What the receiver answers next; 200 where nothing is left. */
const statuses: number[] = [];
let broken = true;
let url = '';
let stage: Stage;
const steps = [
  testStep({
    type: 'work',
    cacheable: false,
    outputs: { out: { kind: 'data' } },
    retry: { maximumAttempts: 1, initialIntervalMs: 10, backoffCoefficient: 1, maximumIntervalMs: 10 },
    async run(ctx) {
      if (broken) throw new PerennialError('DATA_INVALID', `The data are broken; the receiver is told ${SECRET}.`);
      return { outputs: { out: await ctx.artifacts.write({ kind: 'data', summary: 'done', files: {}, meta: null }) } };
    },
  }),
];

beforeAll(async () => {
  process.env['NOTIFY_AUTHORIZATION'] = SECRET;
  const server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => (text += chunk.toString()));
    request.on('end', () => {
      const status = statuses.shift() ?? 200;
      if (status === 200)
        received.push({
          path: request.url!,
          type: request.headers['content-type'],
          authorization: request.headers.authorization,
          body: JSON.parse(text),
        });
      response.writeHead(status).end(status === 200 ? '' : 'not now');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  stage = await setStage(steps);
  await stage.startWorker();
  return () => server.close();
});

const webhook = (path: string, more: Partial<NotificationTarget> = {}): NotificationTarget => ({
  channel: 'webhook',
  config: { url: `${url}${path}`, headers: { authorization: { $secret: 'NOTIFY_AUTHORIZATION' } } },
  events: ['failed', 'rejected', 'promoted', 'blocked', 'drifted', 'recovered'],
  repeat: 'changes',
  ...more,
});

async function run(pipeline: string, notify: readonly NotificationTarget[]): Promise<string> {
  const plan = testPlan(pipeline, [planStep('work', 'work', { retry: steps[0]!.retry })], { on: { notify } });
  const { workflowId } = await startRun(stage.temporal, plan, steps, { trigger: 'manual' });
  return (await waitRun(stage.temporal, workflowId)).status;
}

const at = (path: string): Received[] => received.filter((one) => one.path === path);

describe('who is named in "on.notify"', () => {
  it('hears of a failure once, however often it comes, and of its end; whoever wants hears it always', async () => {
    broken = true;
    const targets = [webhook('/a'), webhook('/every', { repeat: 'always', events: ['failed'] })];
    expect(await run('news', targets)).toBe('failed');
    await until(() => at('/a').length === 1 && at('/every').length === 1);
    const [{ type, authorization, body }] = at('/a') as [Received];
    expect([type, authorization]).toEqual(['application/cloudevents+json; charset=utf-8', SECRET]);
    expect(body).toMatchObject({
      specversion: '1.0',
      type: 'perennial.run.failed',
      source: '/pipelines/news',
      datacontenttype: 'application/json',
      data: { event: 'failed', pipeline: 'news', outcome: 'failed', trigger: 'manual' },
    });
    expect(body.data.summary).toContain('The data are broken');
    expect(JSON.stringify(body)).not.toContain(SECRET);
    expect(await run('news', targets)).toBe('failed');
    await until(() => at('/every').length === 2);
    broken = false;
    expect(await run('news', targets)).toBe('completed');
    await until(() => at('/a').length === 2);
    expect(at('/a').map((one) => one.body.type)).toEqual(['perennial.run.failed', 'perennial.pipeline.recovered']);
    expect(new Set(at('/a').map((one) => one.body.id)).size).toBe(2);
    expect(at('/every')[0]!.body.id).toBe(at('/a')[0]!.body.id);
  });

  it('is told again with the same id where it could not be told, and holds nothing up', async () => {
    broken = true;
    statuses.push(503);
    const file = join(tempDir('told'), 'told.json');
    const started = Date.now();
    await run('again', [
      webhook('/b'),
      { channel: 'command', config: { run: ['sh', '-c', `cat > ${file}`], env: {} }, events: ['failed'], repeat: 'changes' },
      { channel: 'slack', config: { url: `${url}/slack` }, events: ['failed'], repeat: 'changes' },
    ]);
    await until(() => at('/b').length === 1 && at('/slack').length === 1, { timeoutMs: 120_000 });
    expect(Date.now() - started).toBeGreaterThan(0);
    expect(at('/slack')[0]!.body.text).toMatch(/^🔴 \*again\* failed\n/);
    await until(() => readFileSync(file, 'utf8').endsWith('\n'));
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ event: 'failed', pipeline: 'again' });
  });

  it('that refuses is named, and the others are told', async () => {
    broken = true;
    statuses.push(404);
    await run('refused', [webhook('/first'), webhook('/second')]);
    await until(() => at('/first').length + at('/second').length === 1);
    const ended = async (): Promise<string[]> => {
      const found: string[] = [];
      for await (const info of stage.temporal.client.workflow.list({
        query: "WorkflowType = 'notification' AND ExecutionStatus = 'Failed'",
      }))
        found.push(info.workflowId);
      return found;
    };
    await until(async () => (await ended()).some((id) => id.startsWith('notify/refused/')));
  });
});

describe('what is news', () => {
  it('is a condition that began or ended', () => {
    expect(newsOf(['failed'], undefined)).toEqual({ news: ['failed'], repeated: [] });
    expect(newsOf(['failed'], 'failed')).toEqual({ news: [], repeated: ['failed'] });
    expect(newsOf(['rejected'], 'failed')).toEqual({ news: ['rejected'], repeated: [] });
    expect(newsOf(['completed', 'promoted'], 'failed')).toEqual({ news: ['completed', 'promoted', 'recovered'], repeated: [] });
    expect(newsOf(['completed', 'blocked'], 'blocked')).toEqual({ news: ['completed'], repeated: ['blocked'] });
    expect(newsOf([], 'fine')).toEqual({ news: [], repeated: [] });
    expect(newsOf([], undefined)).toEqual({ news: [], repeated: [] });
  });

  it('follows from how a run or a check ended', () => {
    expect(eventsOfRun('completed', true, 'is live in place of version 1')).toEqual(['completed', 'promoted']);
    expect(eventsOfRun('completed', true, 'is live already')).toEqual(['completed']);
    expect(eventsOfRun('completed', false, 'is registered, not live (pinned to version 1)')).toEqual(['completed', 'blocked']);
    expect(eventsOfRun('completed', false, 'is registered as challenger, not live')).toEqual(['completed']);
    expect(eventsOfRun('nothingNew', null, null)).toEqual([]);
    expect(eventsOfRun('cancelled', null, null)).toEqual(['cancelled']);
    expect(eventsOfCheck('drift', 'none')).toEqual([]);
    expect(eventsOfCheck('drift', 'started')).toEqual(['drifted']);
    expect(eventsOfCheck('drift', 'blocked')).toEqual(['drifted', 'blocked']);
    expect(eventsOfCheck('newData', 'started')).toEqual([]);
    expect(eventsOfCheck('newData', 'failed')).toEqual(['failed']);
    expect(eventsOfCheck('performance', 'started')).toEqual(['degraded']);
    expect(eventsOfCheck('performance', 'rolledBack')).toEqual(['degraded', 'rolledBack']);
    expect(eventsOfCheck('feedback', 'blind')).toEqual(['failed']);
    expect(eventsOfCheck('event', 'started')).toEqual([]);
    expect(eventsOfCheck('version', 'alert')).toEqual(['triggered']);
    expect(eventsOfCheck('event', 'paused')).toEqual(['paused']);
  });
});
