import type { ObjectStore } from '../../core/ports.ts';
import { FileStore } from '../../storage/file-store.ts';
import { parseStoreUri } from '../../storage/open-store.ts';
import { RetryingStore } from '../../storage/retrying-store.ts';
import type { SimulatedClock } from './simulated-clock.ts';
import { SimulatedStore } from './simulated-store.ts';

/** The store of the simulation, which nobody needs after a power cut. */
export async function openSimulatedStore(clock: SimulatedClock): Promise<ObjectStore> {
  const address = parseStoreUri(process.env.PERENNIAL_STORE ?? '');
  if (address.kind !== 'file') throw new Error('a simulation keeps its store in a folder');
  const store = new FileStore(address.folder, { sync: false });
  await store.attach();
  return new SimulatedStore(new RetryingStore(store), clock);
}
