import type { ServerAnswer, Superseded } from './confirmation.ts';
import type { Confirmation } from './confirmation.ts';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../core/errors.ts';
import type { ObjectStore } from '../core/ports.ts';
import { getReadable } from '../storage/stored.ts';
import { identityOf } from '../storage/store-identity.ts';
import { storeNow } from '../storage/store-clock.ts';
import { tracedFetch } from '../telemetry/http-client.ts';
import { CHAMPION, aliasOf } from './decisions.ts';
import { ANNOUNCEMENT } from './documents.ts';
import type { Announcement } from './types.ts';
import { tellConfirmation } from './registry-telemetry.ts';
import { readRouting, whoMoved } from './routing.ts';

/** Servers refresh their announcement every 5 s; one that missed three is taken for gone. */
export const SERVER_LIVE_MS = 16_000;
/** How long a promotion waits for the servers, unless told otherwise. They follow within a second; a large model takes longer to load. */
export const CONFIRM_MS = 30_000;
/** One that fell silent without saying that it ends may hang: for so long it is asked all the same. */
const SERVER_SILENT_MS = 600_000;
/** What a server that has ended answers with: nobody, or somebody else. */
const ENDED = /ECONNREFUSED|ENOTFOUND|EHOSTUNREACH|ENETUNREACH|EAI_AGAIN|ECONNRESET|other side closed|is a server of another store/;
const POLL_MS = 50;
const REQUEST_MS_MAX = 5_000;
const REFUSALS: Readonly<Record<number, string>> = {
  401: 'refuses the token: set PERENNIAL_API_TOKEN to that of the server',
  404: 'does not serve the model',
};

/** "version 65 (run 20260131-174501-x7k2)" */
export function supersededText({ version, who }: Superseded): string {
  return `version ${version} (${who})`;
}

/**
 * Asks every live server, until each answers `GET /v2/models/<model>` with the version in `x-perennial-version`. The proof is in
 * what they serve: nothing is concluded from the store. A server that ends meanwhile is left out once its announcement is old;
 * one that only fell silent is asked, since it may hang and go on with what it had. Where another version becomes the champion
 * meanwhile, that is said at once: no server would ever answer with this one.
 */
export async function confirmServed(
  store: ObjectStore,
  model: string,
  version: number,
  { timeoutMs = CONFIRM_MS, signal }: { readonly timeoutMs?: number; readonly signal?: AbortSignal } = {},
): Promise<Confirmation> {
  return tellConfirmation(model, version, () => untilServed(store, model, version, timeoutMs, signal));
}

async function untilServed(
  store: ObjectStore,
  model: string,
  version: number,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<Confirmation> {
  const started = performance.now();
  const answers = new Map<string, ServerAnswer>();
  /** Of those that fell silent. */
  const ended = new Set<string>();
  const own = (await identityOf(store))?.id;
  // What is asked for may be more than the version: that it answers every request again.
  const revision = (await readRouting(store, model))?.routing.revision ?? 0;
  for (;;) {
    const announced = (await announcedServers(store)).filter(({ id }) => !ended.has(id));
    const live = announced.filter(
      ({ agoMs, url }) => isLive(agoMs) || !announced.some((other) => isLive(other.agoMs) && other.url === url),
    );
    for (const id of [...answers.keys()]) if (!live.some((server) => server.id === id)) answers.delete(id);
    const open = live.filter((server) => answers.get(server.id)?.confirmed !== true);
    await Promise.all(
      open.map(async (server) => {
        const answer = await ask(server, model, { version, revision }, started, own);
        if (isLive(server.agoMs) || (answer.version !== null && !answer.confirmed)) answers.set(server.id, answer);
        else if (answer.error === undefined || ENDED.test(answer.error)) {
          ended.add(server.id);
          answers.delete(server.id);
        } else
          answers.set(server.id, {
            ...answer,
            error: `was last seen ${Math.round(server.agoMs / 1_000)} s ago and does not answer: ${answer.error}`,
          });
      }),
    );
    const all = [...answers.values()];
    const late = performance.now() - started >= timeoutMs;
    // After the servers, so that what they confirm was still meant to be when they were asked.
    const superseded = await successorOf(store, model, version);
    if (superseded !== undefined)
      return {
        ...conclude(model, version, all),
        confirmed: false,
        superseded,
        summary: `${model} version ${version} is superseded by ${supersededText(superseded)}.`,
      };
    if (late || all.every((answer) => answer.confirmed)) return conclude(model, version, all);
    await sleep(POLL_MS, undefined, signal === undefined ? {} : { signal });
  }
}

/** Where an alias is, if at another version; undefined also where it was never set. */
export async function successorOf(
  store: ObjectStore,
  model: string,
  version: number,
  alias: string = CHAMPION,
): Promise<Superseded | undefined> {
  const routing = (await readRouting(store, model))?.routing;
  const now = routing === undefined ? null : aliasOf(routing, alias);
  if (routing === undefined || now === null || now === version) return undefined;
  return { version: now, who: await whoMoved(store, routing, alias) };
}

/** Servers that announced themselves lately, by id. */
export async function liveServers(store: ObjectStore): Promise<Announcement[]> {
  return (await announcedServers(store)).filter(({ agoMs }) => isLive(agoMs));
}

/** With those that fell silent a while ago and did not say that they end. */
async function announcedServers(store: ObjectStore): Promise<(Announcement & { readonly agoMs: number })[]> {
  const found: (Announcement & { readonly agoMs: number })[] = [];
  for await (const { key, modifiedAt } of store.list('servers/')) {
    // Both times are the store's: the clocks of the server and of whoever asks may say anything.
    const agoMs = (await storeNow(store)) - modifiedAt;
    if (agoMs >= SERVER_SILENT_MS) continue;
    // One that cannot be read hides no other server; it is written anew within seconds.
    const announcement = await getReadable(store, ANNOUNCEMENT, key);
    if (announcement !== undefined) found.push({ ...announcement, agoMs });
  }
  return found;
}

const isLive = (agoMs: number): boolean => agoMs < SERVER_LIVE_MS;

async function ask(
  server: Announcement,
  model: string,
  { version, revision }: { readonly version: number; readonly revision: number },
  started: number,
  own: string | undefined,
): Promise<ServerAnswer> {
  const answer = (rest: Pick<ServerAnswer, 'version'> & Partial<ServerAnswer>): ServerAnswer => ({
    id: server.id,
    url: server.url,
    confirmed: rest.version === version,
    milliseconds: Math.round(performance.now() - started),
    ...rest,
  });
  const token = process.env.PERENNIAL_API_TOKEN;
  try {
    const response = await tracedFetch(`${server.url.replace(/\/$/, '')}/v2/models/${encodeURIComponent(model)}`, '/v2/models/{model}', {
      headers: token === undefined || token === '' ? {} : { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(REQUEST_MS_MAX),
    });
    await response.arrayBuffer();
    // Its announcement may be left over, and its port somebody else's by now.
    const theirs = response.headers.get('x-perennial-store');
    if (own !== undefined && theirs !== null && theirs !== own) return answer({ version: null, error: 'is a server of another store now' });
    const header = response.headers.get('x-perennial-version');
    const follows = Number(response.headers.get('x-perennial-routing') ?? Infinity) >= revision;
    const cutOff = response.headers.get('x-perennial-cut-off');
    if (response.ok && header !== null && /^\d+$/.test(header)) {
      if (follows && Number(header) === version) return answer({ version });
      const alone = cutOff === null ? '' : `; it reaches no store since ${cutOff}`;
      return answer({
        version: Number(header),
        confirmed: false,
        ...(alone === '' && Number(header) !== version ? {} : { error: `serves version ${header} by an older routing${alone}` }),
      });
    }
    return answer({ version: null, error: REFUSALS[response.status] ?? `answered ${response.status}` });
  } catch (error) {
    const cause = (error as { cause?: unknown }).cause;
    return answer({ version: null, error: cause === undefined ? messageOf(error) : messageOf(cause) });
  }
}

function conclude(model: string, version: number, servers: readonly ServerAnswer[]): Confirmation {
  const agreed = servers.filter((answer) => answer.confirmed);
  if (servers.length === 0) {
    return {
      confirmed: false,
      servers,
      confirmedBy: [],
      summary: `No server is running, so nothing proves that ${model} version ${version} is served; servers that start will serve it.`,
    };
  }
  const confirmed = agreed.length === servers.length;
  const slowest = Math.max(...servers.map((answer) => answer.milliseconds));
  const summary = confirmed
    ? `${servers.length === 1 ? 'The server answers' : `All ${servers.length} servers answer`} with ${model} version ${version} (after ${slowest} ms).`
    : `${agreed.length} of ${servers.length} servers answer with ${model} version ${version} after ${slowest} ms.`;
  return { confirmed, servers, confirmedBy: agreed.map((answer) => answer.url), summary };
}
