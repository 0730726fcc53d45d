import { SEARCH_ATTRIBUTES } from '../core/search-attributes.ts';

const TYPE_NAMES = { KEYWORD: 'Keyword', DOUBLE: 'Double', INT: 'Int' } as const;

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
    'server',
    'start-dev',
    '--ip',
    '127.0.0.1',
    '--port',
    String(server.port),
    '--ui-port',
    String(server.uiPort),
    '--db-filename',
    server.database,
    '--sqlite-pragma',
    'journal_mode=wal',
    '--sqlite-pragma',
    'synchronous=normal',
    '--dynamic-config-value',
    'history.transferProcessorMaxPollRPS=100',
    '--log-level',
    'warn',
    ...Object.entries(SEARCH_ATTRIBUTES).flatMap(([name, type]) => ['--search-attribute', `${name}=${TYPE_NAMES[type]}`]),
  ];
}

type Open = Awaited<ReturnType<typeof import('@temporalio/client').Connection.connect>>;

/** One question on a connection of its own, within `timeoutMs`; undefined where there is no answer. */
async function ask<T>(address: string, timeoutMs: number, question: (connection: Open) => Promise<T>): Promise<T | undefined> {
  const { Connection } = await import('@temporalio/client');
  let connection: Open | undefined;
  try {
    connection = await Connection.connect({ address, connectTimeout: timeoutMs });
    const open = connection;
    return await open.withDeadline(Date.now() + timeoutMs, () => question(open));
  } catch {
    return undefined; // not reachable, or not ready yet
  } finally {
    await connection?.close();
  }
}

/**
 * Does a Temporal server answer, with the namespace and our search attributes?
 *
 * @returns the server's version and the search attributes that are missing; undefined where it does not answer.
 */
export function askTemporal(
  address: string,
  namespace = 'default',
  timeoutMs = 2_000,
): Promise<{ readonly version: string; readonly missingAttributes: readonly string[] } | undefined> {
  return ask(address, timeoutMs, async (connection) => {
    const info = await connection.workflowService.getSystemInfo({});
    const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
    const known = Object.keys(customAttributes ?? {});
    return {
      version: info.serverVersion ?? 'unknown',
      missingAttributes: Object.keys(SEARCH_ATTRIBUTES).filter((name) => !known.includes(name)),
    };
  });
}

/** True where Temporal sees the process `pid` of this machine poll the task queue. */
export async function workerPolls(address: string, queue: string, pid: number, timeoutMs: number): Promise<boolean> {
  const TASK_QUEUE_TYPE_WORKFLOW = 1;
  const pollers = await ask(address, timeoutMs, async (connection) => {
    const answer = await connection.workflowService.describeTaskQueue({
      namespace: process.env.TEMPORAL_NAMESPACE ?? 'default',
      taskQueue: { name: queue },
      taskQueueType: TASK_QUEUE_TYPE_WORKFLOW,
    });
    return answer.pollers ?? [];
  });
  return pollers?.some((poller) => new RegExp(`(^|\\D)${pid}@`).test(poller.identity ?? '')) ?? false;
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
