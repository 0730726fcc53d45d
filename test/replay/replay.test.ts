import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Runtime, Worker, makeTelemetryFilterString } from '@temporalio/worker';
import type { ReplayWorkerOptions } from '@temporalio/worker';
import { beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/platform/paths.ts';
import { silentSinks } from '../support/silent-sinks.ts';

const folder = join(packageRoot(), 'test', 'replay', 'histories');
const files = readdirSync(folder).filter((name) => name.endsWith('.json'));

interface History {
  events: { eventType: string; activityTaskScheduledEventAttributes?: { activityType: { name: string } }; [key: string]: unknown }[];
}

const optionsOf = (bundle: string, more: Partial<ReplayWorkerOptions> = {}): ReplayWorkerOptions => ({
  workflowBundle: { codePath: join(packageRoot(), 'dist', bundle) },
  replayName: bundle,
  ...more,
});
const plain = optionsOf('workflow-bundle.cjs');
/** The bundle of a worker that tells traces. */
const traced = optionsOf('workflow-bundle.traced.cjs', { sinks: silentSinks });

/** What came of each file: undefined where it replays. One worker does them all. */
async function replayed(options: ReplayWorkerOptions): Promise<Map<string, Error | undefined>> {
  const results = new Map<string, Error | undefined>();
  const histories = files.map((name) => ({ workflowId: name, history: read(name) }));
  for await (const { workflowId, error } of Worker.runReplayHistories(options, histories)) results.set(workflowId, error);
  return results;
}

let ofPlain: Map<string, Error | undefined>;
let ofTraced: Map<string, Error | undefined>;
beforeAll(async () => {
  const quiet = { log() {}, trace() {}, debug() {}, info() {}, warn() {}, error: console.error };
  Runtime.install({
    logger: quiet,
    telemetryOptions: { logging: { filter: makeTelemetryFilterString({ core: 'ERROR', other: 'ERROR' }) } },
  });
  ofPlain = await replayed(plain);
  ofTraced = await replayed(traced);
});

function read(name: string): History {
  return JSON.parse(readFileSync(join(folder, name), 'utf8')) as History;
}

describe('recorded histories', () => {
  it('are there for every workflow and every end of a run', () => {
    const names = files.map((name) => name.replace(/^[\d.]+-/, '').replace(/\.json$/, ''));
    expect(names).toEqual(
      expect.arrayContaining([
        'pipeline-completed',
        'pipeline-cached',
        'pipeline-rejected',
        'pipeline-failed',
        'pipeline-cancelled',
        'model',
        'monitor-stable',
        'monitor-started',
        'monitor-kept',
        'monitor-alert',
        'turn',
        'pipeline-waited',
        'pipeline-skipped',
        'pipeline-scheduled',
        'pipeline-nothing-new',
        'backfill',
        'rollout-promoted',
        'rollout-aborted',
      ]),
    );
  });

  it.each(files)('%s replays', (name) => {
    expect(ofPlain.has(name)).toBe(true);
    expect(ofPlain.get(name)).toBeUndefined();
  });

  it.each(files)('%s replays on a worker that tells traces', (name) => {
    expect(ofTraced.has(name)).toBe(true);
    expect(ofTraced.get(name)).toBeUndefined();
  });

  // Without these a replay that checks nothing would pass, too.
  it('does not replay where an activity has another type', async () => {
    const history = read(files.find((name) => name.includes('pipeline-completed'))!);
    const scheduled = history.events.find((event) => event.activityTaskScheduledEventAttributes !== undefined)!;
    scheduled.activityTaskScheduledEventAttributes!.activityType.name = 'other@1';
    await expect(Worker.runReplayHistory(plain, history)).rejects.toMatchObject({ name: 'DeterminismViolationError' });
  });

  it('does not replay where an event is missing', async () => {
    const history = read(files.find((name) => name.includes('pipeline-rejected'))!);
    const at = history.events.findIndex((event) => event.eventType === 'EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES');
    expect(at).toBeGreaterThan(0);
    history.events.splice(at, 1);
    history.events.forEach((event, index) => {
      event.eventId = String(index + 1);
    });
    await expect(Worker.runReplayHistory(plain, history)).rejects.toMatchObject({ name: 'DeterminismViolationError' });
  });
});
