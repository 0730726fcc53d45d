// Asks a rollout for something as the activity of a worker does, and is killed before the n-th call of the store (0: not at all).
import { asyncLocalStorage } from '@temporalio/activity';
import type { Context } from '@temporalio/activity';
import { rolloutActivities } from '../../../activities/rollouts.ts';
import type { RolloutInput } from '../../../src/core/rollout.ts';
import { createArtifactStore } from '../../../src/storage/artifact-store.ts';
import { FileStore } from '../../../src/storage/file-store.ts';

const [folder, work, killedAt, activityId, action, input] = process.argv.slice(2) as [string, string, string, string, string, string];
let calls = 0;
const store = new Proxy(new FileStore(folder), {
  get(target, name) {
    const value = Reflect.get(target, name, target) as unknown;
    if (typeof value !== 'function') return value;
    return (...given: unknown[]) => {
      calls += 1;
      if (calls === Number(killedAt)) process.kill(process.pid, 'SIGKILL');
      return (value as (...all: unknown[]) => unknown).apply(target, given);
    };
  },
});
const { askRollout } = rolloutActivities({
  store,
  artifacts: createArtifactStore(store, work),
  steps: [],
  workRoot: work,
  codeDigest: () => '',
});
const context = { info: { activityId } } as unknown as Context;
await asyncLocalStorage.run(context, () =>
  askRollout(JSON.parse(input) as RolloutInput, action as 'pause', { who: 'ada', why: 'to look' }),
);
process.send!({ calls });
process.disconnect();
