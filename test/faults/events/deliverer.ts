// Delivers the events of the store that it is given, until it is killed.
import { createArtifactStore } from '../../../src/storage/artifact-store.ts';
import { FileStore } from '../../../src/storage/file-store.ts';
import { deliverEvents } from '../../../src/worker/deliver-events.ts';

const [folder, work] = process.argv.slice(2) as [string, string];
const store = new FileStore(folder);
const stop = new AbortController();
process.once('SIGTERM', () => stop.abort());
process.send?.('ready');
await deliverEvents({ store, artifacts: createArtifactStore(store, work) }, stop.signal, { leaseMs: 1_500 });
process.disconnect?.();
