import type { ObjectHead, ObjectStore } from '../core/ports.ts';
import { mapLimited } from '../storage/concurrency.ts';
import { getReadable } from '../storage/stored.ts';
import { ROLLOUT } from './documents.ts';
import { MODELS_PREFIX } from './keys.ts';
import type { Routing } from './types.ts';

const CONCURRENT_READS = 16;

/** By the folder of the model; undefined: what cannot be read, which releases nothing. */
export type Routings = ReadonlyMap<string, Routing | undefined>;

/**
 * Records and counts of rollouts that ended so long ago. One that goes on is named by the routing; of a model whose routing cannot be
 * read nothing goes.
 */
export async function endedRollouts(
  store: ObjectStore,
  { rollouts, rolloutCounts }: { readonly rollouts: readonly ObjectHead[]; readonly rolloutCounts: readonly ObjectHead[] },
  routings: Routings,
  old: (head: ObjectHead) => boolean,
): Promise<ObjectHead[]> {
  const goesOn = (model: string, id: string): boolean => {
    const folder = `${MODELS_PREFIX}${model}/`;
    return routings.has(folder) && (routings.get(folder) === undefined || routings.get(folder)!.rollout?.id === id);
  };
  const ended = await mapLimited(rollouts.filter(old), CONCURRENT_READS, async (head) => {
    const [, model = '', id = ''] = /^models\/([^/]+)\/rollouts\/(.+)\.json$/.exec(head.key) ?? [];
    const record = await getReadable(store, ROLLOUT, head.key);
    return record === undefined || record.endedAt === undefined || goesOn(model, id) ? undefined : head;
  });
  const known = new Set(rollouts.map(({ key }) => key));
  const going = new Set(ended.flatMap((head) => (head === undefined ? [] : [head.key])));
  const counts = rolloutCounts.filter((head) => {
    const [, model = '', id = ''] = /^models\/([^/]+)\/rollout-counts\/([^/]+)\//.exec(head.key) ?? [];
    const record = `${MODELS_PREFIX}${model}/rollouts/${id}.json`;
    return old(head) && !goesOn(model, id) && (going.has(record) || !known.has(record));
  });
  return [...ended.filter((head) => head !== undefined), ...counts];
}
