import { PerennialError } from './src/core/errors.ts';

/**
 * How Perennial talks to Temporal: defaults as data, environment over them. Temporal's own variables have Temporal's meaning.
 *
 * @see https://docs.temporal.io/develop/environment-configuration
 */
export const TEMPORAL_DEFAULTS = {
  namespace: 'default',
  /** Workflows and light steps; heavy ones go to `<queue>.heavy`. */
  taskQueue: 'perennial',
  /** A server that does not answer within this time is away. */
  connectTimeoutMs: 10_000,
  worker: {
    /** Light steps at once on one worker: they wait on disks and networks. */
    lightSlots: 64,
    /** Workflow tasks at once on one worker. */
    workflowTasks: 40,
    /** Workflow tasks wait this long for the worker that has the run in memory; after a killed one they go to any other. */
    stickyTimeoutMs: 3_000,
    /** Heartbeats, and with them progress and cancellation, travel at least this often. */
    heartbeatThrottleMs: 1_000,
    /** A stopping worker gives light steps this long to finish; whatever still runs then is cancelled and goes to another worker. */
    shutdownGraceMs: 2_000,
    /** Then it leaves, whatever hangs. */
    shutdownForceMs: 15_000,
  },
  workflow: {
    /** Longest possible run, waiting included. */
    executionTimeoutMs: 30 * 24 * 3_600_000,
    /** A workflow task is milliseconds of work; one whose worker died is given to another after this time. */
    taskTimeoutMs: 5_000,
  },
  /** Model, monitor and other small activities of our own. */
  smallActivity: { startToCloseMs: 120_000, heartbeatMs: 15_000, maximumAttempts: 5 },
} as const;

export interface TlsFiles {
  readonly certPath?: string;
  readonly keyPath?: string;
  readonly caPath?: string;
  readonly certData?: string;
  readonly keyData?: string;
  readonly caData?: string;
  readonly serverName?: string;
}

export interface TemporalConfig {
  /** Undefined: the address of the running stack. */
  readonly address: string | undefined;
  readonly namespace: string;
  readonly taskQueue: string;
  /** Of Temporal Cloud, or of any server that checks bearer tokens. Implies TLS. */
  readonly apiKey: string | undefined;
  readonly tls: TlsFiles | boolean;
  /** Sent with every call, from `TEMPORAL_GRPC_META_*`. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Address of the Temporal UI for links; undefined: the stack's, or what follows from the address. */
  readonly uiUrl: string | undefined;
  readonly connectTimeoutMs: number;
  readonly lightSlots: number;
  /** Heavy steps at once on one worker; undefined: half of the cores, at least two. */
  readonly heavySlots: number | undefined;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** @throws USAGE for a variable that cannot be meant, and for those of Temporal's that are not supported. */
export function temporalConfig(env: Environment = process.env): TemporalConfig {
  for (const name of ['TEMPORAL_PROFILE', 'TEMPORAL_CONFIG_FILE', 'TEMPORAL_CODEC_ENDPOINT', 'TEMPORAL_TLS_DISABLE_HOST_VERIFICATION'])
    if (given(env, name) !== undefined)
      throw new PerennialError('USAGE', `${name} is set, and Perennial does not read it.`, {
        hint: `Unset ${name}; give TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_API_KEY and TEMPORAL_TLS_… instead.`,
      });
  const apiKey = given(env, 'TEMPORAL_API_KEY');
  return {
    address: given(env, 'TEMPORAL_ADDRESS'),
    namespace: given(env, 'TEMPORAL_NAMESPACE') ?? TEMPORAL_DEFAULTS.namespace,
    taskQueue: given(env, 'PERENNIAL_TASK_QUEUE') ?? TEMPORAL_DEFAULTS.taskQueue,
    apiKey,
    tls: tlsOf(env, apiKey !== undefined),
    metadata: metadataOf(env),
    uiUrl: given(env, 'TEMPORAL_UI_URL') ?? given(env, 'TEMPORAL_UI_ADDRESS'),
    connectTimeoutMs: positive(env, 'PERENNIAL_CONNECT_TIMEOUT_MS') ?? TEMPORAL_DEFAULTS.connectTimeoutMs,
    lightSlots: positive(env, 'PERENNIAL_LIGHT_SLOTS') ?? TEMPORAL_DEFAULTS.worker.lightSlots,
    heavySlots: positive(env, 'PERENNIAL_HEAVY_SLOTS'),
  };
}

function given(env: Environment, name: string): string | undefined {
  const value = env[name];
  return value === undefined || value === '' ? undefined : value;
}

function positive(env: Environment, name: string): number | undefined {
  const text = given(env, name);
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new PerennialError('USAGE', `${name} is "${text}"; expected a whole number of at least 1.`, {
      hint: `Correct or unset ${name}.`,
    });
  return value;
}

function flag(env: Environment, name: string): boolean | undefined {
  const text = given(env, name)?.toLowerCase();
  if (text === undefined) return undefined;
  if (text === 'true' || text === '1') return true;
  if (text === 'false' || text === '0') return false;
  throw new PerennialError('USAGE', `${name} is "${text}"; expected true or false.`, { hint: `Correct or unset ${name}.` });
}

function tlsOf(env: Environment, withKey: boolean): TlsFiles | boolean {
  const wanted = flag(env, 'TEMPORAL_TLS');
  const files: Record<string, string> = {};
  const names = {
    certPath: 'TEMPORAL_TLS_CLIENT_CERT_PATH',
    keyPath: 'TEMPORAL_TLS_CLIENT_KEY_PATH',
    caPath: 'TEMPORAL_TLS_SERVER_CA_CERT_PATH',
    certData: 'TEMPORAL_TLS_CLIENT_CERT_DATA',
    keyData: 'TEMPORAL_TLS_CLIENT_KEY_DATA',
    caData: 'TEMPORAL_TLS_SERVER_CA_CERT_DATA',
    serverName: 'TEMPORAL_TLS_SERVER_NAME',
  };
  for (const [key, name] of Object.entries(names)) {
    const value = given(env, name);
    if (value !== undefined) files[key] = value;
  }
  if (wanted === false) return false;
  if (Object.keys(files).length > 0) return files;
  return wanted ?? withKey;
}

function metadataOf(env: Environment): Record<string, string> {
  const metadata: Record<string, string> = {};
  for (const [name, value] of Object.entries(env))
    if (name.startsWith('TEMPORAL_GRPC_META_') && value !== undefined && value !== '')
      metadata[name.slice('TEMPORAL_GRPC_META_'.length).toLowerCase().replaceAll('_', '-')] = value;
  return metadata;
}
