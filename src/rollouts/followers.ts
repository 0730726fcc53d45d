import { setTimeout as sleep } from 'node:timers/promises';
import type { ObjectStore } from '../core/ports.ts';
import { liveServers } from '../registry/confirm.ts';
import { readRouting } from '../registry/routing.ts';
import { readEvidence } from './evidence.ts';

interface Followers {
  readonly servers: number;
  readonly following: number;
  /** One sentence. */
  readonly summary: string;
}

const LOOK_MS = 100;

/** Waits until every live server follows a rollout with its candidate in memory, or the rollout is over. */
export async function followedBy(
  store: ObjectStore,
  model: string,
  id: string,
  { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal?: AbortSignal },
): Promise<Followers> {
  const until = performance.now() + timeoutMs;
  for (;;) {
    const routing = (await readRouting(store, model))?.routing;
    const told = await readEvidence(store, model, id);
    const live = await liveServers(store);
    const following = live.filter((server) =>
      told.some((one) => one.server === server.id && one.loaded && one.revision >= (routing?.revision ?? 0)),
    );
    const late = live.filter((server) => !following.includes(server)).map(({ url }) => url);
    if (late.length > 0 && routing?.rollout?.id === id && performance.now() < until) {
      await sleep(LOOK_MS, undefined, signal === undefined ? {} : { signal });
      continue;
    }
    const summary =
      live.length === 0
        ? 'No server is running; those that start follow.'
        : late.length === 0
          ? `${live.length === 1 ? 'The server follows' : `All ${live.length} servers follow`}.`
          : `${following.length} of ${live.length} servers follow; not yet: ${late.join(', ')}.`;
    return { servers: live.length, following: following.length, summary };
  }
}
