import { hostname } from 'node:os';
import { PerennialError, isPerennialError } from '../core/errors.ts';
import type { Stack } from '../platform/stack.ts';
import { openStore, parseStoreUri } from '../storage/open-store.ts';
import { ensureIdentity, identityOf, storeDiffers } from '../storage/store-identity.ts';
import type { StoreIdentity } from '../storage/store-identity.ts';
import type { ObjectStore } from '../core/ports.ts';
import { connectTemporal, temporalError } from './connect.ts';
import type { Temporal } from './connect.ts';

/** A poller that has not asked for longer has ended, or will be told gone soon. */
const POLLER_LIVE_MS = 75_000;
const WORKFLOWS = 1;

/** What a worker is called in Temporal: its process, and the store that it works in. */
export async function workerIdentity(store: ObjectStore): Promise<string> {
  const { id, location } = await ensureIdentity(store);
  return `${process.pid}@${hostname()} store=${id} ${location}`.slice(0, 900);
}

function storeIn(identity: string): StoreIdentity | undefined {
  const [, id, location] = /^\S+ store=(\S+) (.*)$/.exec(identity) ?? [];
  return id === undefined ? undefined : { id, location: location! };
}

/**
 * A client of the Temporal server, for commands. It refuses a server whose workers keep their models in another store: what is asked
 * for here would be done there.
 *
 * @throws TEMPORAL_UNAVAILABLE, STORE_DIFFERS naming both stores
 */
export async function connectOwn(): Promise<Temporal> {
  const temporal = await connectTemporal();
  try {
    await refuseOtherStore(temporal);
    return temporal;
  } catch (error) {
    await temporal.close();
    throw error;
  }
}

async function refuseOtherStore({ connection, settings }: Temporal): Promise<void> {
  const { namespace, taskQueue, address } = settings;
  let pollers;
  try {
    ({ pollers } = await connection.workflowService.describeTaskQueue({
      namespace,
      taskQueue: { name: taskQueue },
      taskQueueType: WORKFLOWS,
    }));
  } catch (error) {
    throw temporalError(error, `Temporal at ${address}`);
  }
  const now = Date.now();
  const stores = (pollers ?? []).flatMap(({ identity, lastAccessTime }) => {
    const theirs = storeIn(identity ?? '');
    return theirs === undefined || now - Number(lastAccessTime?.seconds ?? 0) * 1_000 > POLLER_LIVE_MS ? [] : [theirs];
  });
  if (stores.length === 0) return;
  const own = await ownStore();
  if (own === undefined || stores.some(({ id }) => id === own.id)) return;
  throw storeDiffers(`The workers of queue "${taskQueue}" at ${address} work`, stores[0]!.location, own.location);
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
