import { existsSync } from 'node:fs';
import { lockHolder } from '../platform/lock.ts';
import { isRunning } from '../platform/process-info.ts';
import { readableStack, stackFile, stackLock, type Stack } from '../platform/stack.ts';
import { serverFetch } from '../platform/server-fetch.ts';
import { livingProcesses } from '../platform/stack-processes.ts';

export type Health = 'healthy' | 'starting' | 'unhealthy' | 'gone';

export interface ComponentStatus {
  readonly name: string;
  readonly health: Health;
  readonly pid?: number;
  readonly address?: string;
  readonly detail: string;
}

export interface StackStatus {
  /** True where the supervisor lives. */
  readonly running: boolean;
  readonly healthy: boolean;
  readonly startedAt?: string;
  readonly store?: string;
  readonly logs?: string;
  readonly components: readonly ComponentStatus[];
}

const ANSWER_MS_MAX = 2_000;

/** Asks every component of this home's stack whether it really works, within a few seconds. */
export async function stackStatus(): Promise<StackStatus> {
  const stack = readableStack();
  const torn = stack === undefined && existsSync(stackFile());
  const holder = lockHolder(stackLock());
  if (stack === undefined) {
    const components: ComponentStatus[] =
      holder === undefined
        ? []
        : [
            {
              name: 'supervisor',
              health: torn ? 'unhealthy' : 'starting',
              pid: holder.pid,
              detail: torn
                ? `runs since ${holder.since}; ${stackFile()} is torn, and written anew within seconds`
                : `since ${holder.since}`,
            },
          ];
    const left = holder === undefined ? livingProcesses(undefined) : [];
    if (holder === undefined && (torn || left.length > 0))
      components.push({
        name: 'supervisor',
        health: 'gone',
        detail: `${stackFile()} is ${torn ? 'torn' : 'gone'}; \`perennial down\` ${left.length === 0 ? 'removes it' : 'ends what was left behind, `perennial up` takes over'}`,
      });
    for (const { name, pid } of left) components.push({ name, health: 'unhealthy', pid, detail: 'was left behind, and runs on' });
    return { running: holder !== undefined, healthy: false, components };
  }
  const running = isRunning(stack.supervisor) || (holder !== undefined && holder.pid === stack.supervisor.pid);
  // Before Temporal's client is loaded: on a busy machine that holds this process for longer than a server is waited for.
  const server = await serverStatus(stack);
  const [temporal, ...workers] = await Promise.all([temporalStatus(stack), ...stack.workers.map((worker) => workerStatus(stack, worker))]);
  const components = [supervisorStatus(stack, running), temporal, server, workers].flat(2);
  const { startedAt, store, logs } = stack;
  return {
    running,
    healthy: running && components.every((component) => component.health === 'healthy'),
    startedAt,
    store,
    logs,
    components,
  };
}

function supervisorStatus(stack: Stack, running: boolean): ComponentStatus {
  const detail = running ? `since ${stack.startedAt}` : 'was killed; `perennial down` ends what it left behind';
  return { name: 'supervisor', health: running ? 'healthy' : 'gone', pid: stack.supervisor.pid, detail };
}

/** A child without a process waits for its next start; a recorded one may have died with its supervisor. */
function processHealth(part: { readonly pid?: number; readonly startTicks?: number }): Health | undefined {
  if (part.pid === undefined || part.startTicks === undefined) return 'starting';
  return isRunning({ pid: part.pid, startTicks: part.startTicks }) ? undefined : 'gone';
}

async function temporalStatus(stack: Stack): Promise<ComponentStatus[]> {
  const { temporal } = stack;
  if (temporal === undefined) return [];
  const facts = { name: 'temporal', address: temporal.address, ...(temporal.pid === undefined ? {} : { pid: temporal.pid }) };
  const broken = temporal.external ? undefined : processHealth(temporal);
  if (broken !== undefined) return [{ ...facts, health: broken, detail: broken === 'gone' ? 'its process has ended' : 'is being started' }];
  const { askTemporal } = await import('../platform/temporal-server.ts');
  const answer = await askTemporal(temporal.address, process.env.TEMPORAL_NAMESPACE ?? 'default', ANSWER_MS_MAX);
  if (answer === undefined) return [{ ...facts, health: temporal.external ? 'unhealthy' : 'starting', detail: 'does not answer' }];
  const missing = answer.missingAttributes.length === 0 ? '' : `; search attributes missing: ${answer.missingAttributes.join(', ')}`;
  const ui = temporal.uiUrl === undefined ? '' : `; UI ${temporal.uiUrl}`;
  return [{ ...facts, health: missing === '' ? 'healthy' : 'unhealthy', detail: `server ${answer.version}${ui}${missing}` }];
}

async function serverStatus(stack: Stack): Promise<ComponentStatus[]> {
  const { server } = stack;
  if (server === undefined) return [];
  const facts = { name: 'server', address: server.url, ...(server.pid === undefined ? {} : { pid: server.pid }) };
  const broken = processHealth(server);
  if (broken !== undefined) return [{ ...facts, health: broken, detail: broken === 'gone' ? 'its process has ended' : 'is being started' }];
  try {
    const answer = await serverFetch(`${server.url}/v2/health/live`, { signal: AbortSignal.timeout(ANSWER_MS_MAX) });
    const broken = answer.ok ? [...(await storeTrouble(server.url)), ...(await brokenModels(server.url))] : [];
    return [
      {
        ...facts,
        health: answer.ok && broken.length === 0 ? 'healthy' : 'unhealthy',
        detail: [`answers ${answer.status}`, ...broken].join('; '),
      },
    ];
  } catch {
    return [{ ...facts, health: 'unhealthy', detail: 'does not answer' }];
  }
}

/** A server goes on with what it has loaded while its store is away; nobody should take that for well. */
async function storeTrouble(url: string): Promise<string[]> {
  const answer = await serverFetch(`${url}/v2/health/ready`, { signal: AbortSignal.timeout(ANSWER_MS_MAX) });
  const { store } = (await answer.json()) as { readonly store?: string };
  return store === 'down' ? ['the store does not answer: what is loaded stays served, and nothing new comes until it is back'] : [];
}

/** A server that lives can still not serve what it should. */
async function brokenModels(url: string): Promise<string[]> {
  const token = process.env.PERENNIAL_API_TOKEN;
  const answer = await serverFetch(`${url}/models`, {
    headers: token === undefined || token === '' ? {} : { authorization: `Bearer ${token}` },
    signal: AbortSignal.timeout(ANSWER_MS_MAX),
  });
  if (answer.status === 401) return ['what it serves is not known: set PERENNIAL_API_TOKEN to its token'];
  const { models } = (await answer.json()) as {
    models: readonly { readonly model: string; readonly degraded: boolean; readonly error?: string }[];
  };
  return models.filter(({ degraded }) => degraded).map(({ model, error }) => `${model}: ${error}`);
}

async function workerStatus(stack: Stack, worker: Stack['workers'][number]): Promise<ComponentStatus[]> {
  const facts = { name: worker.name, ...(worker.pid === undefined ? {} : { pid: worker.pid }) };
  const broken = processHealth(worker);
  if (broken !== undefined || stack.temporal === undefined)
    return [{ ...facts, health: broken ?? 'starting', detail: broken === 'gone' ? 'its process has ended' : 'is being started' }];
  const { workerPolls } = await import('../platform/temporal-server.ts');
  const queue = worker.queues[0] ?? 'perennial';
  const polls = await workerPolls(stack.temporal.address, queue, worker.pid!, ANSWER_MS_MAX);
  return [
    {
      ...facts,
      health: polls ? 'healthy' : 'unhealthy',
      detail: polls ? `polls queue ${queue}` : `runs, but Temporal does not see it poll queue ${queue}`,
    },
  ];
}
