import type { TargetsView } from '../src/core/targets.ts';
import { Context } from '@temporalio/activity';
import { withFailures } from './failures.ts';
import type { ActivityDeps } from './deps.ts';

export interface TargetActivities {
  /** Brings the deployment targets of a model in step with its routing; what a target lacks is told, not thrown. */
  followTargets(model: string): Promise<TargetsView>;
}

const BEAT_MS = 1_000;

export function targetActivities({ store, artifacts }: ActivityDeps): TargetActivities {
  return {
    followTargets: (model) =>
      withFailures(async () => {
        const { followTargets } = await import('../src/targets/follow.ts');
        const beat = setInterval(() => Context.current().heartbeat(), BEAT_MS);
        try {
          return await followTargets({ store, artifacts, progress: () => undefined }, model);
        } finally {
          clearInterval(beat);
        }
      }),
  };
}

/** Asks for the targets of a model to follow, where it has any: from inside of an activity that changed its routing. */
export async function askToFollow({ store }: Pick<ActivityDeps, 'store'>, model: string): Promise<boolean> {
  const { readRouting } = await import('../src/registry/routing.ts');
  if (((await readRouting(store, model))?.routing.targets ?? []).length === 0) return false;
  const { startFollowing } = await import('../src/runs/targets.ts');
  const { client, info } = Context.current();
  await startFollowing(client, info.taskQueue, model);
  return true;
}
