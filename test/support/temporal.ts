import { join } from 'node:path';
import { freePort } from '../../src/platform/ports.ts';
import { devServerArguments, waitForTemporal } from '../../src/platform/temporal-server.ts';
import { ensureTemporal } from '../../src/provisioning/temporal.ts';
import { start } from './processes.ts';
import { tempDir } from './temp-dir.ts';

export interface TemporalServer {
  /** "127.0.0.1:<port>" */
  readonly address: string;
  readonly uiUrl: string;
  readonly pid: number;
  /** SQLite file: start again with it, and the server knows its runs. */
  readonly database: string;
  stop(): Promise<void>;
}

/** Starts a real Temporal dev server (with UI and our search attributes) on free ports with a database of its own. */
export async function startTemporal(options: { readonly database?: string; readonly port?: number } = {}): Promise<TemporalServer> {
  const tool = await ensureTemporal((line) => console.error(line));
  const database = options.database ?? join(tempDir('temporal'), 'temporal.db');
  for (let attempt = 1; ; attempt += 1) {
    const port = options.port ?? (await freePort());
    const uiPort = await freePort();
    const address = `127.0.0.1:${port}`;
    const server = start(tool.path, devServerArguments({ port, uiPort, database }));
    let ended = false;
    void server.exited.then(() => {
      ended = true;
    });
    if (await waitForTemporal(address, 30_000, () => ended)) {
      return { address, uiUrl: `http://127.0.0.1:${uiPort}`, pid: server.pid, database, stop: () => server.stop() };
    }
    await server.stop();
    if (attempt === 3) throw new Error(`Temporal did not start:\n${server.output()}`);
  }
}
