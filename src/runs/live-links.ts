import type { ObjectStore } from '../core/ports.ts';
import { liveServers } from '../registry/confirm.ts';
import type { RunReport } from './runs.ts';

/**
 * The run with addresses of a server that runs now: those that the run kept are of the server of its time, which may have gone, or
 * have come back at another port. Without a server there are none.
 */
export async function withLiveLinks(run: RunReport, store: ObjectStore): Promise<RunReport> {
  const { temporal, ...kept } = run.urls;
  const pages = Object.entries(kept).filter((page): page is [string, string] => typeof page[1] === 'string');
  if (pages.length === 0) return run;
  const servers = (await liveServers(store)).map(({ url }) => url);
  const links = Object.fromEntries(servers.length === 0 ? [] : pages.map(([name, page]) => [name, movedTo(servers, page)]));
  return { ...run, links, urls: { temporal, ...links } };
}

function movedTo(servers: readonly string[], page: string): string {
  return servers.some((server) => page.startsWith(`${server}/`)) ? page : `${servers[0]!}${new URL(page).pathname}`;
}
