import { readFile } from 'node:fs/promises';
import { connect as openSocket } from 'node:net';
import type { Client, Connection } from '@temporalio/client';
import { temporalConfig } from '../../temporal.config.ts';
import type { TemporalConfig, TlsFiles } from '../../temporal.config.ts';
import { PerennialError, messageOf } from '../core/errors.ts';
import { perennialHome } from '../platform/paths.ts';
import { readStack, readableStack, standsNow } from '../platform/stack.ts';
import type { Stack } from '../platform/stack.ts';
import { callsUntilClosed } from './calls-until-closed.ts';
import { clientInterceptors } from './client-tracing.ts';

export interface TlsOptions {
  readonly serverNameOverride?: string;
  readonly serverRootCACertificate?: Uint8Array;
  readonly clientCertPair?: { readonly crt: Uint8Array; readonly key: Uint8Array };
}

/** Where and as whom to talk to Temporal: what clients and workers connect with. */
export interface TemporalSettings {
  readonly address: string;
  readonly namespace: string;
  readonly taskQueue: string;
  /** undefined: nobody said where it is. */
  readonly uiUrl: string | undefined;
  readonly connectTimeoutMs: number;
  readonly connection: {
    readonly address: string;
    readonly tls?: TlsOptions | boolean;
    readonly apiKey?: string;
    readonly metadata?: Readonly<Record<string, string>>;
  };
}

/** A connected client with what its callers need beside it. Close it when done. */
export interface Temporal {
  readonly client: Client;
  readonly connection: Connection;
  readonly settings: TemporalSettings;
  close(): Promise<void>;
}

/**
 * Environment over the running stack. Nothing else: whatever listens on the usual port is somebody else's.
 *
 * @throws USAGE, TEMPORAL_UNAVAILABLE, STACK_UNREADABLE
 */
export async function temporalSettings(config: TemporalConfig = temporalConfig()): Promise<TemporalSettings> {
  const stack = config.address === undefined ? readStack() : undefined;
  const address = config.address ?? addressOf(stack);
  const tls = await tlsOptions(config.tls);
  return {
    address,
    namespace: config.namespace,
    taskQueue: config.taskQueue,
    uiUrl: config.uiUrl ?? (config.address === undefined ? stack?.temporal?.uiUrl : uiOfStack(address)) ?? (await uiOf(address)),
    connectTimeoutMs: config.connectTimeoutMs,
    connection: {
      address,
      ...(tls === undefined ? {} : { tls }),
      ...(config.apiKey === undefined ? {} : { apiKey: config.apiKey }),
      ...(Object.keys(config.metadata).length === 0 ? {} : { metadata: config.metadata }),
    },
  };
}

/**
 * A client of the Temporal server.
 *
 * @throws TEMPORAL_UNAVAILABLE where it does not answer within the connect timeout (ten seconds)
 */
export async function connectTemporal(config?: TemporalConfig): Promise<Temporal> {
  const settings = await temporalSettings(config);
  // Loading the client takes longer than asking the port, and a closed port is the usual trouble.
  const [{ Client, Connection }, calls] = await Promise.all([import('@temporalio/client'), callsUntilClosed(), reach(settings)]);
  let connection: Connection;
  try {
    connection = await Connection.connect({
      ...settings.connection,
      connectTimeout: settings.connectTimeoutMs,
      interceptors: calls.interceptors,
      ...(settings.connection.metadata === undefined ? {} : { metadata: { ...settings.connection.metadata } }),
    });
  } catch (error) {
    throw unavailable(settings, messageOf(error), error);
  }
  const client = new Client({ connection, namespace: settings.namespace, ...(await clientInterceptors()) });
  return {
    client,
    connection,
    settings,
    close: () => {
      calls.close();
      return connection.close();
    },
  };
}

/** Resolves where something listens. @throws TEMPORAL_UNAVAILABLE */
export async function reach(settings: TemporalSettings): Promise<void> {
  const { host, port } = hostAndPort(settings.address);
  await new Promise<void>((resolve, reject) => {
    const socket = openSocket({ host, port, timeout: settings.connectTimeoutMs });
    const end = (error?: Error): void => {
      socket.destroy();
      if (error === undefined) resolve();
      else reject(unavailable(settings, messageOf(error), error));
    };
    socket.once('connect', () => end());
    socket.once('timeout', () => end(new Error(`no answer within ${settings.connectTimeoutMs / 1000} s`)));
    socket.once('error', end);
  });
}

/** An error of a client call in the terms of the error table; other errors come back as they are. */
export function temporalError(error: unknown, what: string): unknown {
  const cause = (error as { cause?: unknown } | undefined)?.cause;
  const code = grpcCode(error) ?? grpcCode(cause);
  const message = messageOf(cause ?? error);
  if ((error as { name?: unknown } | undefined)?.name === 'WorkflowNotFoundError')
    return new PerennialError('NOT_FOUND', `${what}: there is no such run.`, {
      hint: 'List what exists with `perennial runs list`.',
      cause: error,
    });
  if (
    (code === 5 && /namespace/i.test(message)) ||
    [error, cause].some((one) => (one as { name?: unknown } | undefined)?.name === 'NamespaceNotFoundError')
  )
    return new PerennialError('TEMPORAL_UNAVAILABLE', `${what}: ${message.replace(/^\d+ NOT_FOUND: /, '')}`, {
      hint: 'Correct TEMPORAL_NAMESPACE, or create the namespace: `temporal operator namespace create --namespace NAME --address HOST:PORT`.',
      cause: error,
    });
  if (code === 5) return new PerennialError('NOT_FOUND', `${what}: Temporal knows no such thing.`, { cause: error });
  if (code === 7 || code === 16)
    return new PerennialError('TEMPORAL_UNAVAILABLE', `${what}: Temporal refused the credentials: ${message}`, {
      hint: 'Check TEMPORAL_API_KEY, TEMPORAL_TLS_… and TEMPORAL_NAMESPACE.',
      cause: error,
    });
  if (code === 3 && /search attribute/i.test(message))
    return new PerennialError('TEMPORAL_UNAVAILABLE', `${what}: ${message}`, {
      hint: 'Start a worker once (it creates the search attributes), or create them: `temporal operator search-attribute create --name Pipeline --type Keyword` and so on.',
      cause: error,
    });
  if (code === 14) return new PerennialError('TEMPORAL_UNAVAILABLE', `${what}: Temporal did not answer: ${message}`, { cause: error });
  if (code === 4) return new PerennialError('TEMPORAL_UNAVAILABLE', `${what}: Temporal did not answer in time.`, { cause: error });
  return error;
}

/** Link to a workflow in the Temporal UI: with the execution, to the page that tells its story. null where the UI is not known. */
export function workflowUrl(
  settings: Pick<TemporalSettings, 'uiUrl' | 'namespace'>,
  workflowId: string,
  executionId?: string,
): string | null {
  if (settings.uiUrl === undefined) return null;
  const base = `${settings.uiUrl.replace(/\/$/, '')}/namespaces/${encodeURIComponent(settings.namespace)}/workflows/${encodeURIComponent(workflowId)}`;
  return executionId === undefined ? base : `${base}/${executionId}/user-metadata`;
}

/** Whether a call failed because the server could not be reached: it may be back soon. */
export function isAway(error: unknown): boolean {
  for (let at = error, depth = 0; typeof at === 'object' && at !== null && depth < 4; at = (at as { cause?: unknown }).cause, depth += 1)
    if (grpcCode(at) === 14) return true;
  return false;
}

export function grpcCode(error: unknown): number | undefined {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === 'number' ? code : undefined;
}

function unavailable(settings: TemporalSettings, message: string, cause: unknown): PerennialError {
  return new PerennialError('TEMPORAL_UNAVAILABLE', `No Temporal server answers at ${settings.address} (${message}).`, { cause });
}

function hostAndPort(address: string): { host: string; port: number } {
  const match = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d+))?$/.exec(address);
  if (match === null)
    throw new PerennialError('USAGE', `TEMPORAL_ADDRESS is "${address}"; expected HOST:PORT.`, {
      hint: 'For example TEMPORAL_ADDRESS=127.0.0.1:7233',
    });
  return { host: match[1] ?? match[2]!, port: Number(match[3] ?? 7233) };
}

/** The Temporal of the stack of this home. @throws TEMPORAL_UNAVAILABLE */
function addressOf(stack: Stack | undefined): string {
  const temporal = stack?.temporal;
  if (stack === undefined)
    throw new PerennialError('TEMPORAL_UNAVAILABLE', `No stack runs in ${perennialHome()}, and TEMPORAL_ADDRESS is not set.`);
  if (temporal === undefined)
    throw new PerennialError('TEMPORAL_UNAVAILABLE', `The stack of ${perennialHome()} has no Temporal yet: it is ${stack.state}.`, {
      hint: 'Wait until `perennial status` shows it.',
    });
  if (!standsNow(stack, temporal))
    throw new PerennialError(
      'TEMPORAL_UNAVAILABLE',
      `The stack of ${perennialHome()} was killed, and its Temporal at ${temporal.address} is gone.`,
      { hint: 'Start it again with `perennial up --detach`.' },
    );
  return temporal.address;
}

/** Workers and servers of a stack get its address by the environment. */
function uiOfStack(address: string): string | undefined {
  const temporal = readableStack()?.temporal;
  return temporal?.address === address ? temporal.uiUrl : undefined;
}

/**
 * Of Temporal Cloud, and of a dev server on this machine, whose UI is a thousand ports above unless somebody chose another. Of others it
 * is not known.
 */
async function uiOf(address: string): Promise<string | undefined> {
  if (/\.tmprl\.cloud(:|$)|\.api\.temporal\.io(:|$)/.test(address)) return 'https://cloud.temporal.io';
  const { host, port } = hostAndPort(address);
  if (!/^(127\.\d+\.\d+\.\d+|localhost|::1)$/.test(host) || !(await listens(host, port + 1_000))) return undefined;
  return `http://${host.includes(':') ? `[${host}]` : host}:${port + 1_000}`;
}

function listens(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = openSocket({ host, port, timeout: 200 });
    const end = (answer: boolean) => (): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', end(true)).once('timeout', end(false)).once('error', end(false));
  });
}

async function tlsOptions(tls: TlsFiles | boolean): Promise<TlsOptions | boolean | undefined> {
  if (tls === false) return undefined;
  if (tls === true) return true;
  const [crt, key, ca] = await Promise.all([
    material(tls.certPath, tls.certData),
    material(tls.keyPath, tls.keyData),
    material(tls.caPath, tls.caData),
  ]);
  if ((crt === undefined) !== (key === undefined))
    throw new PerennialError('USAGE', 'Of the TLS client certificate and its key only one is set.', {
      hint: 'Set both TEMPORAL_TLS_CLIENT_CERT_PATH and TEMPORAL_TLS_CLIENT_KEY_PATH.',
    });
  return {
    ...(tls.serverName === undefined ? {} : { serverNameOverride: tls.serverName }),
    ...(ca === undefined ? {} : { serverRootCACertificate: ca }),
    ...(crt === undefined || key === undefined ? {} : { clientCertPair: { crt, key } }),
  };
}

async function material(path: string | undefined, data: string | undefined): Promise<Uint8Array | undefined> {
  if (data !== undefined) return new TextEncoder().encode(data);
  if (path === undefined) return undefined;
  try {
    return await readFile(path);
  } catch (error) {
    throw new PerennialError('USAGE', `The TLS file ${path} cannot be read: ${messageOf(error)}`, {
      hint: 'Check the TEMPORAL_TLS_… variables.',
      cause: error,
    });
  }
}
