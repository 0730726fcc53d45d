import type { ActivityDeps } from '../../activities/deps.ts';
import { isPerennialError, messageOf } from '../core/errors.ts';
import { connectTemporal } from '../runs/connect.ts';
import { startFollowing } from '../runs/targets.ts';
import { mask } from '../steps/secrets.ts';
import { modelsBehind } from '../targets/behind.ts';
import { pause } from './pack-logs.ts';

/** Between two looks, in milliseconds: whoever changes a routing asks by itself, unless it is killed before it can. */
const EVERY_MS = 300_000;
/** Before the first look. */
const FIRST_MS = 2_000;

/** Has targets follow that nobody asked to, as long as the worker works. Other workers may do so at the same time. */
export async function watchTargets({ store }: Pick<ActivityDeps, 'store'>, signal: AbortSignal): Promise<void> {
  let told = '';
  for (await pause(FIRST_MS, signal); !signal.aborted; await pause(EVERY_MS, signal)) {
    let problem = '';
    try {
      const behind = await modelsBehind(store);
      if (behind.length > 0) {
        const temporal = await connectTemporal();
        try {
          for (const model of behind) await startFollowing(temporal.client, temporal.settings.taskQueue, model);
        } finally {
          await temporal.close();
        }
      }
    } catch (error) {
      // The worker itself tells where Temporal is away.
      problem = isPerennialError(error, 'TEMPORAL_UNAVAILABLE') ? '' : messageOf(error);
    }
    if (problem !== '' && problem !== told && !signal.aborted) console.error(mask(`worker: targets were not looked at: ${problem}`));
    told = problem;
  }
}
