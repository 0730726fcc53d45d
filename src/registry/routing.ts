import { randomUUID } from 'node:crypto';
import { PerennialError, isPerennialError, messageOf } from '../core/errors.ts';
import type { ObjectStore } from '../core/ports.ts';
import { mapLimited, pauseAfterLostRace } from '../storage/concurrency.ts';
import { sha256 } from '../storage/digest.ts';
import { putJson } from '../storage/json-objects.ts';
import { storeNow } from '../storage/store-clock.ts';
import { getStored } from '../storage/stored.ts';
import { ROUTING, TRANSITION, ofModel } from './documents.ts';
import { routingKey, transitionKey, transitionsPrefix } from './keys.ts';
import { tellChanges } from '../events/outbox.ts';
import { changesOf } from './changes.ts';
import type { RolloutRouting } from '../core/rollout.ts';
import { servingSettings } from './serving-settings.ts';
import type { ServingSettings } from './serving-settings.ts';
import type { Author, Routing, RoutingChange, Transition } from './types.ts';

/** What a change wants; `undefined` means: it is so already. */
export type Proposal = Pick<Transition, 'action' | 'alias' | 'from' | 'to'> &
  Partial<Pick<Routing, 'aliases' | 'pin' | 'previous' | 'deleted' | keyof ServingSettings>> & {
    /** null: none any more. Left out: a promotion or a rollback ends it, anything else leaves it as it is. */
    readonly rollout?: RolloutRouting | null;
  };
/** May ask the store before it decides. */
export type Decide = (current: Routing) => Proposal | undefined | Promise<Proposal | undefined>;

const CONCURRENT_READS = 16;
/** What two measurements of the store's clock can differ by. */
const CLOCK_BLUR_MS = 5_000;
/** With jitter between them, 32 writers at once need a few dozen attempts at most. */
const ATTEMPTS_MAX = 1_000;

/**
 * The routing of a model with its etag; undefined where nothing was ever routed. Reads one object and writes nothing.
 */
export async function readRouting(store: ObjectStore, name: string): Promise<{ routing: Routing; etag: string } | undefined> {
  const found = await getStored(store, ROUTING, routingKey(name), ofModel(name));
  return found === undefined ? undefined : { routing: found.value, etag: found.etag };
}

/**
 * The routing as its last recorded change left it, from the history alone: for a routing that cannot be read any more.
 *
 * @returns undefined where no change is recorded
 */
export async function rebuildRouting(store: ObjectStore, name: string): Promise<Routing | undefined> {
  const history = await recordedTransitions(store, name);
  const last = history.at(-1);
  if (last === undefined) return undefined;
  const removed = new Map(
    history
      .filter(({ action }) => action === 'delete' || action === 'restore')
      .map(({ action, from, to }) => [action === 'delete' ? from! : to!, action === 'delete']),
  );
  const deleted = [...removed]
    .filter(([, gone]) => gone)
    .map(([version]) => version)
    .sort((a, b) => a - b);
  let previous: number[] = [];
  for (const { action, from, to } of history) {
    if (action === 'promote' && from !== null && from !== to) previous = [from, ...previous.filter((one) => one !== from && one !== to)];
    if (action === 'rollback')
      previous = previous.includes(to!) ? previous.slice(previous.indexOf(to!) + 1) : previous.filter((one) => one !== from);
  }
  const { revision, aliases, pin } = last;
  return {
    ...emptyRouting(name),
    revision,
    aliases,
    pin,
    previous: previous.filter((one) => !deleted.includes(one)),
    deleted,
    transition: last,
    ...servingSettings(last),
    ...(last.rollout === undefined ? {} : { rollout: last.rollout }),
  };
}

/**
 * Changes the routing by compare-and-swap: `decide` sees the current state, as often as somebody else was faster.
 *
 * Every state carries the transition that led to it. That transition gets an object of its own after the swap, and before the next
 * swap at the latest, so that a crash between the two leaves the history whole.
 */
export async function changeRouting(
  store: ObjectStore,
  name: string,
  author: Author & { readonly automatic: boolean },
  decide: Decide,
): Promise<RoutingChange> {
  const id = author.requestId === undefined ? randomUUID().slice(0, 8) : sha256(author.requestId).slice(0, 16);
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
    const found = await readRouting(store, name);
    if (found !== undefined) await ensureRecorded(store, found.routing.transition);
    const current = found?.routing ?? emptyRouting(name);
    const earlier = author.requestId === undefined ? undefined : await findTransition(store, name, id);
    if (earlier !== undefined) return { changed: true, from: earlier.from, to: earlier.to, pin: earlier.pin, routing: current };
    const proposal = await decide(current);
    if (proposal === undefined)
      return {
        changed: false,
        from: current.aliases.champion ?? null,
        to: current.aliases.champion ?? null,
        pin: current.pin,
        routing: current,
      };
    const next = nextRouting(current, proposal, author, id, await storeNow(store));
    if (await swap(store, next, found?.etag)) {
      await recordTransition(store, next.transition);
      const { ended } = next.transition;
      return {
        changed: true,
        from: proposal.from,
        to: proposal.to,
        pin: next.pin,
        routing: next,
        ...(ended === undefined ? {} : { ended }),
      };
    }
    await pauseAfterLostRace(attempt);
  }
  throw new PerennialError('PRECONDITION_FAILED', `The routing of "${name}" was changed by others ${ATTEMPTS_MAX} times in a row.`);
}

function nextRouting(
  current: Routing,
  proposal: Proposal,
  author: Author & { readonly automatic: boolean },
  id: string,
  storeMs: number,
): Routing {
  const { action, alias, from, to } = proposal;
  const aliases = proposal.aliases ?? current.aliases;
  const pin = proposal.pin === undefined ? current.pin : proposal.pin;
  const settings = { ...servingSettings(current), ...servingSettings(proposal) };
  const rollout = rolloutAfter(current, proposal);
  const transition: Transition = {
    formatVersion: 1,
    id,
    name: current.name,
    revision: current.revision + 1,
    at: momentAfter(current, storeMs),
    who: author.who,
    why: whyOf(current, rollout, proposal, author.why),
    action,
    alias,
    from,
    to,
    automatic: author.automatic,
    aliases,
    pin,
    ...settings,
    ...(rollout === undefined ? {} : { rollout }),
    ...(current.rollout === undefined || current.rollout.id === rollout?.id ? {} : { ended: current.rollout }),
  };
  const { rollout: _before, ...kept } = current;
  return {
    ...kept,
    revision: current.revision + 1,
    aliases,
    pin,
    previous: proposal.previous ?? current.previous,
    deleted: proposal.deleted ?? current.deleted,
    ...settings,
    ...(rollout === undefined ? {} : { rollout }),
    transition,
  };
}

/** A rollout is about one champion: where that is chosen anew, by whomever, no request may go to its candidate any more. */
function rolloutAfter(current: Routing, { action, rollout }: Proposal): RolloutRouting | undefined {
  if (rollout !== undefined) return rollout ?? undefined;
  return action === 'promote' || action === 'rollback' ? undefined : current.rollout;
}

/** What a change ends besides is told with it: it may be all that somebody reads. */
function whyOf({ rollout: before }: Routing, after: RolloutRouting | undefined, { action, to }: Proposal, why: string): string {
  if (before === undefined || before.id === after?.id || action === 'rolloutEnd') return why;
  // It ends where it was to end.
  if (action === 'promote' && to === before.candidate) return why;
  // What people write often ends without a full stop.
  const said = /[.!?…)"'`]$/.test(why) ? why : `${why}.`;
  return `${said} Ends the ${before.kind === 'abTest' ? 'A/B test' : before.kind} of version ${before.candidate} (rollout ${before.id}).`;
}

/**
 * By the clock of the store, which all writers share and know to a second or two: within that the history does not run backwards.
 * A time further ahead was written by a clock that was wrong, and is not carried on: the order is that of the revisions.
 */
function momentAfter({ revision, transition }: Routing, storeMs: number): string {
  const before = revision === 0 ? Number.NaN : Date.parse(transition.at);
  return new Date(before > storeMs && before - storeMs < CLOCK_BLUR_MS ? before : storeMs).toISOString();
}

/** false: somebody else was faster. After a lost answer the store is asked whose state it holds. */
async function swap(store: ObjectStore, next: Routing, etag: string | undefined): Promise<boolean> {
  try {
    await putJson(store, routingKey(next.name), next, etag === undefined ? { ifNoneMatch: '*' } : { ifMatch: etag });
    return true;
  } catch (error) {
    if (isPerennialError(error, 'PRECONDITION_FAILED')) return false;
    if (!isPerennialError(error, 'STORE_UNAVAILABLE')) throw error;
    const now = await readRouting(store, next.name).catch(() => undefined);
    if (now?.routing.transition.id === next.transition.id && now.routing.revision === next.revision) return true;
    throw error;
  }
}

/** Nothing is written where it is there already, which is the usual case for the transition before. */
async function ensureRecorded(store: ObjectStore, transition: Transition): Promise<void> {
  if ((await store.head(transitionKey(transition))) === undefined) await recordTransition(store, transition);
}

/** Other programs are told first: where the object is there, nobody tells them any more. */
async function recordTransition(store: ObjectStore, transition: Transition): Promise<void> {
  await tellChanges(store, changesOf(transition));
  try {
    await putJson(store, transitionKey(transition), transition, { ifNoneMatch: '*' });
  } catch (error) {
    if (!isPerennialError(error, 'PRECONDITION_FAILED')) throw error;
  }
}

/** Writes out what a writer that died left unwritten. */
export async function recordLastChange(store: ObjectStore, name: string): Promise<void> {
  const found = await readRouting(store, name);
  if (found !== undefined && found.routing.revision > 0) await ensureRecorded(store, found.routing.transition);
}

async function findTransition(store: ObjectStore, name: string, id: string): Promise<Transition | undefined> {
  for await (const { key } of store.list(transitionsPrefix(name))) {
    if (key.endsWith(`-${id}.json`)) return (await getStored(store, TRANSITION, key, ofModel(name)))?.value;
  }
  return undefined;
}

/** Those with an object of their own that can be read, oldest first. @param unread is told of the others @throws PIPELINE_OUTDATED */
export async function recordedTransitions(
  store: ObjectStore,
  name: string,
  unread: (key: string, problem: string) => void = () => undefined,
): Promise<Transition[]> {
  const keys: string[] = [];
  for await (const { key } of store.list(transitionsPrefix(name))) keys.push(key);
  const read = await mapLimited(keys, CONCURRENT_READS, async (key) => {
    try {
      return (await getStored(store, TRANSITION, key, ofModel(name)))?.value;
    } catch (error) {
      if (!isPerennialError(error, 'BLOB_CORRUPT')) throw error;
      unread(key, messageOf(error));
      return undefined;
    }
  });
  return read.filter((transition) => transition !== undefined).sort((a, b) => a.revision - b.revision);
}

/** A change that is not among those that can be read. */
export interface HistoryGap {
  readonly revision: number;
  /** null: there is no object of it. */
  readonly key: string | null;
  readonly problem: string;
}

/** What a history lacks. */
export async function historyGaps(store: ObjectStore, name: string): Promise<HistoryGap[]> {
  const broken = new Map<number, Omit<HistoryGap, 'revision'>>();
  const known = await recordedTransitions(store, name, (key, problem) =>
    broken.set(Number(/-(\d+)-[^/]+$/.exec(key)?.[1]), { key, problem }),
  );
  const routing = (await readRouting(store, name))?.routing;
  const there = new Set(known.map(({ revision }) => revision)).add(routing?.revision ?? 0);
  return Array.from({ length: Math.max(...there) }, (_, index) => index + 1)
    .filter((revision) => !there.has(revision))
    .map((revision) => ({ revision, ...(broken.get(revision) ?? { key: null, problem: 'it is not in the store' }) }));
}

/** All changes that can be read, oldest first; one that a crashed writer had not written out yet included. */
export async function readHistory(store: ObjectStore, name: string): Promise<Transition[]> {
  const history = await recordedTransitions(store, name);
  const found = await readRouting(store, name);
  if (found === undefined || history.some((transition) => transition.revision === found.routing.revision)) return history;
  await recordTransition(store, found.routing.transition);
  return [...history.filter((transition) => transition.revision < found.routing.revision), found.routing.transition];
}

/** Who moved an alias to where it is. "somebody" where the change is not among those that can be read. */
export async function whoMoved(store: ObjectStore, routing: Routing, alias: string): Promise<string> {
  const made = (one: Transition): boolean => one.alias === alias && one.to === routing.aliases[alias];
  if (made(routing.transition)) return routing.transition.who;
  return (await recordedTransitions(store, routing.name)).findLast(made)?.who ?? 'somebody';
}

/** Who began the rollout that goes on. "somebody" where that is not among the changes that can be read. */
export async function whoBegan(store: ObjectStore, { name, rollout, transition }: Routing): Promise<string> {
  const begun = (one: Transition): boolean => one.action === 'rollout' && one.rollout?.id === rollout?.id;
  return begun(transition) ? transition.who : ((await recordedTransitions(store, name)).findLast(begun)?.who ?? 'somebody');
}

export function emptyRouting(name: string): Routing {
  const none: Transition = {
    formatVersion: 1,
    id: '',
    name,
    revision: 0,
    at: '',
    who: '',
    why: '',
    action: 'alias',
    alias: null,
    from: null,
    to: null,
    automatic: false,
    aliases: {},
    pin: null,
  };
  return {
    formatVersion: 1,
    name,
    revision: 0,
    aliases: {},
    traffic: null,
    shadow: null,
    pin: null,
    previous: [],
    deleted: [],
    transition: none,
  };
}
