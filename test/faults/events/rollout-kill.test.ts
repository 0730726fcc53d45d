import { fork } from 'node:child_process';
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import type { RolloutInput } from '../../../src/core/rollout.ts';
import { listEvents } from '../../../src/events/browse.ts';
import { beginRollout, readRollout, writeRollout } from '../../../src/registry/rollouts.ts';
import { readHistory, readRouting, recordLastChange } from '../../../src/registry/routing.ts';
import { FileStore } from '../../../src/storage/file-store.ts';
import { ada, workbench } from '../../contract/registry/models.ts';
import { bundleModule } from '../../support/bundle.ts';
import { tempDir } from '../../support/temp-dir.ts';
import { declareSinks, sinkFor } from './changes.ts';

const INPUT: RolloutInput = {
  model: 'm',
  id: 'r',
  champion: 1,
  candidate: 2,
  pipeline: 'p',
  spec: {
    kind: 'canary',
    steps: [{ share: 0.1, forMs: 60_000 }],
    minRequests: 0,
    tooFewRequests: 'proceed',
    then: 'promote',
    checks: [],
  } as never,
};
/** More calls than any request makes. */
const CALLS_MAX = 80;
let script: string;
let template: string;

beforeAll(async () => {
  script = await bundleModule(join(import.meta.dirname, 'rollout-asker.ts'));
  template = tempDir('rollout-template');
  const store = new FileStore(template);
  const bench = workbench(store);
  for (const number of [1, 2]) await bench.register(number);
  await bench.registry.promote('m', 1, ada);
  const { routing } = await beginRollout(store, 'm', { id: 'r', kind: 'canary', candidate: 2, share: 0.1 }, { ...ada, judged: [] });
  const now = new Date().toISOString();
  await writeRollout(store, {
    formatVersion: 1,
    name: 'm',
    id: 'r',
    champion: routing.rollout!.champion,
    candidate: 2,
    spec: INPUT.spec,
    pipeline: 'p',
    runId: 'one',
    judged: [],
    startedAt: now,
    state: 'running',
    step: 0,
    stepStartedAt: now,
  });
  await declareSinks(store, [sinkFor('bus', 'test', {})], ['m']);
});
/** @returns calls of the store; undefined where it was killed */
async function ask(folder: string, action: string, killedAt: number, activityId: string): Promise<number | undefined> {
  const child = fork(script, [folder, tempDir('asker'), String(killedAt), activityId, action, JSON.stringify(INPUT)], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    execArgv: [],
  });
  let calls: number | undefined;
  child.on('message', (message) => (calls = (message as { calls: number }).calls));
  const [code, signal] = await new Promise<[number | null, string | null]>((resolve) => child.once('exit', (...end) => resolve(end)));
  if (signal !== 'SIGKILL' && code !== 0) throw new Error(`it ended with ${code}`);
  return calls;
}

it.each([
  ['pause', 'rollout.noted', 'paused'],
  ['abort', 'rollout.ended', 'aborted'],
] as const)(
  'whoever is to %s a rollout and is killed at whichever call is told of exactly once',
  async (action, type, state) => {
    let points = 0;
    for (let killedAt = 1; killedAt < CALLS_MAX; killedAt += 1) {
      const folder = join(tempDir('rollout'), 'store');
      cpSync(template, folder, { recursive: true });
      const store = new FileStore(folder);
      const calls = await ask(folder, action, killedAt, 'one');
      if (calls !== undefined) break;
      points += 1;
      // Temporal has the activity done again, by another worker.
      await ask(folder, action, 0, 'one');
      // What the worker that delivers does from time to time.
      await recordLastChange(store, 'm');
      const told = (await listEvents(store, { states: ['pending'], limit: 100 })).map(({ entry }) => entry!);
      expect([killedAt, told.map((entry) => entry.type)]).toEqual([killedAt, [type]]);
      const routing = (await readRouting(store, 'm'))!.routing;
      const changes = [...(await readHistory(store, 'm')), routing.transition].filter(
        (change) => change !== undefined && change.who === 'ada' && change.why.includes('to look'),
      );
      expect([killedAt, new Set(changes.map((change) => JSON.stringify(change))).size]).toEqual([killedAt, 1]);
      expect([killedAt, (await readRollout(store, 'm', 'r')).state, routing.rollout === undefined]).toEqual([
        killedAt,
        state,
        action === 'abort',
      ]);
      if (action === 'pause') {
        // The next one is another change.
        await ask(folder, 'resume', 0, 'two');
        expect((await readRollout(store, 'm', 'r')).state).toBe('running');
      }
    }
    expect(points).toBeGreaterThan(5);
  },
  240_000,
);
