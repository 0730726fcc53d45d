import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Runtime, Worker, bundleWorkflowCode, makeTelemetryFilterString } from '@temporalio/worker';
import type { ReplayWorkerOptions } from '@temporalio/worker';
import { beforeAll, describe, expect, it } from 'vitest';
import { workflowBundles } from '../../scripts/workflow-bundles.mjs';
import { packageRoot } from '../../src/platform/paths.ts';
import { silentSinks } from '../support/silent-sinks.ts';

const folder = join(packageRoot(), 'test', 'replay', 'histories');
const files = readdirSync(folder).filter((name) => name.endsWith('.json'));

interface History {
  events: { eventType: string; activityTaskScheduledEventAttributes?: { activityType: { name: string } }; [key: string]: unknown }[];
}

let options: ReplayWorkerOptions;
/** The bundle of a worker that tells traces. */
let traced: ReplayWorkerOptions;
beforeAll(async () => {
  const quiet = { log() {}, trace() {}, debug() {}, info() {}, warn() {}, error: console.error };
  Runtime.install({
    logger: quiet,
    telemetryOptions: { logging: { filter: makeTelemetryFilterString({ core: 'ERROR', other: 'ERROR' }) } },
  });
  options = {
    workflowBundle: await bundleWorkflowCode({ workflowsPath: join(packageRoot(), 'workflows/index.ts'), logger: quiet }),
    replayName: 'test',
  };
  traced = {
    workflowBundle: await bundleWorkflowCode({
      workflowsPath: join(packageRoot(), 'workflows/index.ts'),
      workflowInterceptorModules: workflowBundles(packageRoot())['workflow-bundle.traced.cjs'],
      logger: quiet,
    }),
    replayName: 'traced',
    sinks: silentSinks,
  };
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

  it.each(files)('%s replays', async (name) => {
    await Worker.runReplayHistory(options, read(name));
  });

  it.each(files)('%s replays on a worker that tells traces', async (name) => {
    await Worker.runReplayHistory(traced, read(name));
  });

  // Without these a replay that checks nothing would pass, too.
  it('does not replay where an activity has another type', async () => {
    const history = read(files.find((name) => name.includes('pipeline-completed'))!);
    const scheduled = history.events.find((event) => event.activityTaskScheduledEventAttributes !== undefined)!;
    scheduled.activityTaskScheduledEventAttributes!.activityType.name = 'other@1';
    await expect(Worker.runReplayHistory(options, history)).rejects.toMatchObject({ name: 'DeterminismViolationError' });
  });

  it('does not replay where an event is missing', async () => {
    const history = read(files.find((name) => name.includes('pipeline-rejected'))!);
    const at = history.events.findIndex((event) => event.eventType === 'EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES');
    expect(at).toBeGreaterThan(0);
    history.events.splice(at, 1);
    history.events.forEach((event, index) => {
      event.eventId = String(index + 1);
    });
    await expect(Worker.runReplayHistory(options, history)).rejects.toMatchObject({ name: 'DeterminismViolationError' });
  });
});
