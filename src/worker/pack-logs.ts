import { setTimeout } from 'node:timers/promises';
import type { ActivityDeps } from '../../activities/deps.ts';
import { messageOf } from '../core/errors.ts';
import { packEndedDays } from '../monitoring/predictions/pack-days.ts';
import { mask } from '../steps/secrets.ts';

/** Between two looks, in milliseconds: days end rarely. */
const EVERY_MS = 3_600_000;
/** Before the first look: what a worker is started for comes first. */
const FIRST_MS = 60_000;

/** Packs the prediction logs of days that have ended, as long as the worker works. Other workers may do so at the same time. */
export async function packLogs({ store }: Pick<ActivityDeps, 'store'>, signal: AbortSignal): Promise<void> {
  let told = '';
  for (await pause(FIRST_MS, signal); !signal.aborted; await pause(EVERY_MS, signal)) {
    const problem = await packEndedDays(store, { signal }).then(
      ({ problems }) => problems.join('; '),
      (error: unknown) => messageOf(error),
    );
    if (problem !== '' && problem !== told && !signal.aborted) console.error(mask(`worker: logs of predictions stay unpacked: ${problem}`));
    told = problem;
  }
}

/** Ends early, and without an error, where the worker stops. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await setTimeout(ms, undefined, { signal }).catch(() => undefined);
}
