import { canonicalJson } from '../../../core/json.ts';
import type { Dimension, Space } from '../../space.ts';

export type Group = readonly (readonly [name: string, dimension: Dimension])[];

/**
 * Dimensions that count at the same points, parents first. Within a group a joint distribution can be learnt; what a group depends on
 * is known when its turn comes.
 */
export function groupsOf(space: Space): readonly Group[] {
  const groups = new Map<string, [string, Dimension][]>();
  for (const [name, dimension] of Object.entries(space)) {
    const key =
      dimension.when === undefined ? '' : canonicalJson([dimension.when.dimension, [...dimension.when.in].map(canonicalJson).sort()]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [[name, dimension]]);
    else group.push([name, dimension]);
  }
  return [...groups.values()];
}
