import type { ObjectStore } from '../core/ports.ts';
import { INDEX_PREFIX } from '../registry/keys.ts';
import { readRouting } from '../registry/routing.ts';
import { isUnreadable } from '../storage/stored.ts';
import type { Routing } from '../registry/types.ts';
import { readState } from './records.ts';

/** Models whose targets do not show the champion, and were not looked at since it became that. By name. */
export async function modelsBehind(store: ObjectStore): Promise<string[]> {
  const behind: string[] = [];
  for await (const { key } of store.list(INDEX_PREFIX)) {
    const name = key.slice(INDEX_PREFIX.length).replace(/\.json$/, '');
    const routing = await routingOf(store, name);
    const champion = routing?.aliases['champion'];
    if (routing === undefined || champion === undefined) continue;
    for (const setting of routing.targets ?? []) {
      const state = await readState(store, name, setting);
      // One that was refused by this routing would be refused again.
      if (state?.refused === true && state.revision >= routing.revision) continue;
      if (state?.inStep === true && state.version === champion) continue;
      behind.push(name);
      break;
    }
  }
  return behind;
}

/** A routing that cannot be read is told by everything else that reads it. */
async function routingOf(store: ObjectStore, name: string): Promise<Routing | undefined> {
  try {
    return (await readRouting(store, name))?.routing;
  } catch (error) {
    if (isUnreadable(error)) return undefined;
    throw error;
  }
}
