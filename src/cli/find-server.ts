import { PerennialError, messageOf } from '../core/errors.ts';
import { perennialHome } from '../platform/paths.ts';
import { readStack, standsNow } from '../platform/stack.ts';
import { serverFetch } from '../platform/server-fetch.ts';
import { liveServers } from '../registry/confirm.ts';
import { refuseOtherLocation } from '../runs/own-stack.ts';
import { openStore } from '../storage/open-store.ts';

/** How long one that has announced itself may take to say that it lives. */
const ANSWER_MS = 2_000;

export interface FoundServer {
  readonly url: string;
  /** Where it was found, where that is not the stack of this home. */
  readonly told?: string;
}

/**
 * The model server that is meant where none is named: that of the stack of this home, or else one that announces itself in the store.
 *
 * @throws SERVER_UNAVAILABLE naming where was looked, STORE_DIFFERS
 */
export async function findServer(): Promise<FoundServer> {
  const stack = readStack();
  const url = stack?.server !== undefined && standsNow(stack, stack.server) ? stack.server.url : undefined;
  if (stack !== undefined && url !== undefined) {
    refuseOtherLocation(stack);
    return { url };
  }
  const { location, urls, problem } = await announced();
  const silent: string[] = [];
  for (const one of urls)
    try {
      await (await serverFetch(`${one}/v2/health/live`, { signal: AbortSignal.timeout(ANSWER_MS) })).arrayBuffer();
      return { url: one, told: `asked ${one}, which serves ${location}` };
    } catch (error) {
      silent.push(`${one} does not answer: ${messageOf(error instanceof Error ? (error.cause ?? error) : error)}`);
    }
  const store = problem ?? (silent.length > 0 ? silent.join('; ') : `none announces itself in the store ${location}`);
  throw new PerennialError(
    'SERVER_UNAVAILABLE',
    `No model server was found: the stack of ${perennialHome()} (PERENNIAL_HOME) has none that runs, and ${store}.`,
    {
      hint: 'Start the stack with `perennial up --detach`, or a server with `perennial serve`; one of another home or store is named with --server URL.',
    },
  );
}

/** Those that gave a sign of life lately, the newest first. A store that cannot be asked is told, and not the end. */
async function announced(): Promise<{ readonly location: string; readonly urls: readonly string[]; readonly problem?: string }> {
  try {
    const store = await openStore();
    const servers = await liveServers(store);
    return {
      location: store.location,
      urls: servers.sort((a, b) => (b.startedAt ?? '').localeCompare(a.startedAt ?? '')).map(({ url }) => url),
    };
  } catch (error) {
    return { location: '', urls: [], problem: `the store cannot be asked which servers there are: ${messageOf(error).replace(/\.$/, '')}` };
  }
}
