import { hostname } from 'node:os';
import { PerennialError, isPerennialError } from '../core/errors.ts';
import { temporalConfig } from '../../temporal.config.ts';
import type { TemporalConfig } from '../../temporal.config.ts';
import { isRunning } from '../platform/process-info.ts';
import { readableStack } from '../platform/stack.ts';
import type { Stack } from '../platform/stack.ts';
import { openStore, parseStoreUri } from '../storage/open-store.ts';
import { ensureIdentity, identityOf, storeDiffers } from '../storage/store-identity.ts';
import type { StoreIdentity } from '../storage/store-identity.ts';
import type { ObjectStore } from '../core/ports.ts';
import { connectTemporal } from './connect.ts';
import type { Temporal } from './connect.ts';
import { livePollers } from './temporal-clock.ts';

/** Temporal lists a worker so long after its last question. */
const FORGOTTEN_MINUTES = 5;
/** How long a command that needs no Temporal waits for one. */
const ASK_MS = 2_000;
/** A worker that Temporal does not list after so long cannot tell who else is there; the next command will. */
const LISTED_MS = 20_000;
/** How long the worker that may stay waits for the other one to leave. */
const LEAVE_MS = 5_000;
const LOOK_EVERY_MS = 200;

/** What a worker is called in Temporal: its process, and the store that it works in. */
export async function workerIdentity(store: ObjectStore): Promise<string> {
  const { id, location } = await ensureIdentity(store);
  return `${process.pid}@${hostname()} store=${id} ${location}`.slice(0, 900);
}

/**
 * A worker joins no queue whose workers keep what they make in another store: which of them took a step would be chance, and what one
 * makes the other does not find. One that ended on this machine is nobody any more, though Temporal still lists it.
 *
 * @throws STORE_DIFFERS naming both stores, TEMPORAL_UNAVAILABLE
 */
export async function refuseToJoinOthers(temporal: Temporal, queues: readonly string[], store: ObjectStore): Promise<void> {
  const own = await ensureIdentity(store);
  for (const queue of queues) {
    const other = otherThan(own, await storesAtWork(temporal, queue));
    if (other !== undefined) throw otherWorker(temporal, queue, own, other);
  }
}

/**
 * Workers of two stores that start at the same moment find nobody before they take from the queue. So each looks again once Temporal lists
 * itself: of two, the later one at least sees the other. One leaves at once, by the ids of their stores; the other stays if that
 * happens, and leaves as well if it does not.
 *
 * @throws STORE_DIFFERS naming both stores, TEMPORAL_UNAVAILABLE
 */
export async function refuseToStayWithOthers(
  temporal: Temporal,
  queues: readonly string[],
  store: ObjectStore,
  signal: AbortSignal,
): Promise<void> {
  const own = await ensureIdentity(store);
  for (const queue of queues) {
    const until = Date.now() + LISTED_MS;
    let leaveAt: number | undefined;
    while (!signal.aborted) {
      const found = await storesAtWork(temporal, queue);
      const other = otherThan(own, found);
      if (other !== undefined) {
        leaveAt ??= Date.now() + LEAVE_MS;
        if (own.id > other.id || Date.now() > leaveAt) throw otherWorker(temporal, queue, own, other);
      } else if (found.some(({ id }) => id === own.id) || Date.now() > until) break;
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    }
  }
}

function otherThan(own: StoreIdentity, found: readonly StoreAtWork[]): StoreAtWork | undefined {
  return found.find(({ id, worker }) => id !== own.id && !hasEnded(worker));
}

function otherWorker(temporal: Temporal, queue: string, own: StoreIdentity, other: StoreAtWork): PerennialError {
  return new PerennialError(
    'STORE_DIFFERS',
    `This worker keeps what it makes in the store ${own.location}, and ${other.worker}, which takes from queue "${queue}" at ${temporal.settings.address}, in ${other.location}. Which of them took a step would be chance.`,
    {
      hint: `Set PERENNIAL_STORE to the store of that worker, or give this one a queue of its own (TEMPORAL_TASK_QUEUE). If that worker has ended, Temporal forgets it within ${FORGOTTEN_MINUTES} minutes.`,
    },
  );
}

/** Of a process of this machine. */
function hasEnded(worker: string): boolean {
  const [, pid, host] = /^(\d+)@(.*)$/.exec(worker) ?? [];
  if (pid === undefined || host !== hostname()) return false;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

function storeIn(identity: string): StoreAtWork | undefined {
  const [, worker, id, location] = /^(\S+) store=(\S+) (.*)$/.exec(identity) ?? [];
  return id === undefined ? undefined : { id, location: location!, worker: worker! };
}

/**
 * A client of the Temporal server, for commands. It refuses a server whose workers keep their models in another store: what is asked
 * for here would be done there.
 *
 * @throws TEMPORAL_UNAVAILABLE, STORE_DIFFERS naming both stores
 */
export async function connectOwn(config?: TemporalConfig): Promise<Temporal> {
  const temporal = await connectTemporal(config);
  try {
    await refuseOtherStore(temporal);
    return temporal;
  } catch (error) {
    await temporal.close();
    throw error;
  }
}

async function refuseOtherStore(temporal: Temporal): Promise<void> {
  const found = await storesAtWork(temporal);
  if (found.length === 0) return;
  const own = await ownStore();
  const trouble = own === undefined ? undefined : troubleOf(temporal, found, own);
  if (trouble !== undefined) throw trouble;
}

/** What is wrong with the stores that the workers of the queue work in, for `status`; undefined: nothing. */
export async function storeTrouble(temporal: Temporal): Promise<string | undefined> {
  const found = await storesAtWork(temporal);
  const own = await ownStore();
  return own === undefined ? undefined : troubleOf(temporal, found, own)?.message;
}

/** The store that a worker keeps what it makes in. */
interface StoreAtWork extends StoreIdentity {
  /** "1234@host" */
  readonly worker: string;
}

function troubleOf(
  { settings: { taskQueue, address } }: Temporal,
  found: readonly StoreAtWork[],
  own: StoreIdentity,
): PerennialError | undefined {
  const other = otherThan(own, found);
  if (other === undefined) return undefined;
  if (!found.some(({ id }) => id === own.id))
    return storeDiffers(`The workers of queue "${taskQueue}" at ${address} work`, other.location, own.location);
  return new PerennialError(
    'STORE_DIFFERS',
    `Workers of two stores take from queue "${taskQueue}" at ${address}: ${other.worker} works in ${other.location}, others in ${own.location}. Which of them takes a step is chance.`,
    {
      hint: `End the worker ${other.worker}, or give it a queue of its own (TEMPORAL_TASK_QUEUE); Temporal forgets it within ${FORGOTTEN_MINUTES} minutes.`,
    },
  );
}

/** One for each worker that asks the queue for tasks now. */
async function storesAtWork(temporal: Temporal, taskQueue?: string): Promise<StoreAtWork[]> {
  const found = await livePollers(temporal, taskQueue);
  return found.flatMap(({ identity }) => storeIn(identity) ?? []);
}

/**
 * The store, for commands that change it by themselves. Where a stack is known, it has to be the store of that stack: what is changed
 * elsewhere would be neither served nor seen. A stack that is away is in nobody's way.
 *
 * @throws STORE_DIFFERS naming both, STORE_…
 */
export async function openOwnStore(): Promise<ObjectStore> {
  const stack = readableStack();
  if (stack !== undefined && isRunning(stack.supervisor)) refuseOtherLocation(stack);
  const config = temporalConfig();
  if (config.address !== undefined || stack?.temporal !== undefined) {
    try {
      const temporal = await connectOwn({ ...config, connectTimeoutMs: ASK_MS });
      await temporal.close();
    } catch (error) {
      if (!isPerennialError(error) || !['TEMPORAL_UNAVAILABLE', 'STACK_UNREADABLE'].includes(error.code)) throw error;
    }
  }
  return openStore();
}

/** undefined where it cannot be opened from here: commands that need it say so in their own words. */
async function ownStore(): Promise<StoreIdentity | undefined> {
  try {
    const store = await openStore();
    return (await identityOf(store)) ?? { id: '', location: store.location };
  } catch (error) {
    if (isPerennialError(error) && ['STORE_UNAVAILABLE', 'SECRET_MISSING', 'STORE_UNSUITABLE'].includes(error.code)) return undefined;
    throw error;
  }
}

/** Refuses the server of a stack that serves from another store than the one that PERENNIAL_STORE names. @throws STORE_DIFFERS, USAGE */
export function refuseOtherLocation(stack: Pick<Stack, 'store'>): void {
  const given = process.env.PERENNIAL_STORE;
  if (given === undefined || given === '' || sameLocation(given, stack.store)) return;
  throw new PerennialError(
    'STORE_DIFFERS',
    `The stack that runs here serves from the store ${stack.store}, and PERENNIAL_STORE is ${given}.`,
    { hint: 'Unset PERENNIAL_STORE, or name a server of that store with --server URL.' },
  );
}

function sameLocation(one: string, other: string): boolean {
  const place = (uri: string): string => {
    if (!uri.startsWith('file:')) return uri.replace(/\/+$/, '');
    const address = parseStoreUri(uri);
    return address.kind === 'file' ? address.folder : uri;
  };
  return place(one) === place(other);
}
