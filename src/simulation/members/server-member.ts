import { createArtifactStore } from '../../storage/artifact-store.ts';
import { startServer } from '../../server/start.ts';
import { openSimulatedStore } from './open-store.ts';
import type { MemberWork } from './protocol.ts';
import type { SimulatedClock } from './simulated-clock.ts';

/** The model server, as it is: only its clock and its log's patience are the simulation's. */
export async function openModelServer(clock: SimulatedClock, port: number): Promise<MemberWork> {
  const store = await openSimulatedStore(clock);
  const say = (level: string) => (message: string, fields?: object) =>
    void process.stderr.write(`${new Date().toISOString()} ${level} ${message} ${fields === undefined ? '' : JSON.stringify(fields)}\n`);
  const server = await startServer({
    store,
    artifacts: createArtifactStore(store),
    log: { info: say('info'), warn: say('warn'), error: say('error') },
    port,
    router: { pollMs: 50, discoverMs: 200 },
  });
  return { url: server.url, flush: () => server.flushed(), stop: () => server.stop() };
}
