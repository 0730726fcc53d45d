import type { Change } from '../core/change.ts';
import { tellChanges } from '../events/outbox.ts';
import { openStore } from '../storage/open-store.ts';
import { storeNow } from '../storage/store-clock.ts';

/** Tells other programs that somebody paused a schedule, or let it go on. @throws STORE_… */
export async function tellSchedule(
  id: string,
  type: Extract<Change['type'], `schedule.${string}`>,
  { who, why }: { readonly who: string; readonly why: string },
): Promise<void> {
  const store = await openStore();
  const at = new Date(await storeNow(store)).toISOString();
  const pipeline = id.split('/')[0]!;
  const change: Change = {
    key: `schedule/${id}/${type}/${at}`,
    type,
    at,
    subject: `pipelines/${pipeline}/schedules/${id}`,
    order: 0,
    pipeline,
    model: null,
    data: { schedule: id, pipeline, who, why },
  };
  await tellChanges(store, [change]);
}
