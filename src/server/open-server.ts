import { lookup } from 'node:dns/promises';
import { BlockList, isIP } from 'node:net';
import { pino } from 'pino';
import { bytesOf } from '../core/byte-size.ts';
import { PerennialError } from '../core/errors.ts';
import type { StepLogger } from '../core/step.ts';
import { listTokens } from '../access/tokens.ts';
import { createArtifactStore } from '../storage/artifact-store.ts';
import { openStore } from '../storage/open-store.ts';
import { logFields, startTelemetry, stopTelemetry, tracesAreTold } from '../telemetry/telemetry.ts';
import type { RunningServer } from './start.ts';
import type { TlsFiles } from './tls.ts';
import { startServer } from './start.ts';

/**
 * The model server as the environment describes it: `PERENNIAL_STORE`, `PERENNIAL_API_TOKEN`, `PERENNIAL_LOG_LEVEL` (default
 * "info"), `PERENNIAL_GRPC_PORT`, `PERENNIAL_TLS_CERT` with `PERENNIAL_TLS_KEY`, `PERENNIAL_TLS_CLIENT_CA` (who signs the
 * certificates of clients), `PERENNIAL_SERVER_URL` (under which others reach it),
 * `PERENNIAL_SERVE_MEMORY` (what the loaded models may take together; default: without bound), `PERENNIAL_CORS_ORIGINS` (whose pages
 * may call it from a browser) and `PERENNIAL_PREDICTION_LOG` (part of the predictions that is logged, 0 to 1; default 1). Logs go to
 * stderr.
 *
 * @throws PORT_TAKEN, STORE_UNAVAILABLE, STORE_UNSUITABLE; USAGE, also for an address that others reach without a token
 */
export async function openServer(
  options: { readonly port?: number; readonly host?: string; readonly grpcPort?: number; readonly memoryBytes?: number } = {},
): Promise<RunningServer> {
  const given = process.env.PERENNIAL_API_TOKEN;
  const token = given?.trim() === '' ? undefined : given;
  const isReached = options.host !== undefined && !(await isLoopback(options.host));
  const asked = isReached && token === undefined ? await openStore() : undefined;
  if (asked !== undefined && (await listTokens(asked)).length === 0) {
    throw new PerennialError(
      'USAGE',
      `The server would answer anybody who reaches ${options.host === '' ? 'any address of this machine' : options.host}: PERENNIAL_API_TOKEN is not set, and the store has no tokens.`,
      {
        hint: 'Make a token that requests then have to carry (`perennial tokens create NAME --role predict`), or set one for all, e.g. `export PERENNIAL_API_TOKEN="$(openssl rand -hex 32)"`, and start it again; or listen on 127.0.0.1 behind a proxy that asks for credentials.',
      },
    );
  }
  const fromEnvironment = process.env.PERENNIAL_GRPC_PORT;
  const grpcPort =
    options.grpcPort ??
    (fromEnvironment === undefined || fromEnvironment === '' ? undefined : portOf(fromEnvironment, 'PERENNIAL_GRPC_PORT'));
  await startTelemetry('server');
  const logSample = sampleOf(process.env.PERENNIAL_PREDICTION_LOG);
  const tls = tlsOf(process.env);
  const memoryBytes = options.memoryBytes ?? memoryOf(process.env.PERENNIAL_SERVE_MEMORY, 'PERENNIAL_SERVE_MEMORY');
  const publicUrl = urlOf(process.env.PERENNIAL_SERVER_URL);
  const corsOrigins = originsOf(process.env.PERENNIAL_CORS_ORIGINS);
  const store = asked ?? (await openStore());
  const server = await startServer({
    ...options,
    ...(grpcPort === undefined ? {} : { grpcPort }),
    store,
    artifacts: createArtifactStore(store),
    log: createLogger(),
    ...(token === undefined ? {} : { token }),
    ...(logSample === undefined ? {} : { logSample }),
    corsOrigins,
    ...(memoryBytes === undefined ? {} : { router: { memoryBytes } }),
    ...(tls === undefined ? {} : { tls }),
    ...(publicUrl === undefined ? {} : { publicUrl }),
  });
  return { ...server, stop: () => server.stop().finally(stopTelemetry) };
}

/**
 * Whether an address, or every address of a name, is reached from this machine alone. A name that is not known is left to who listens on
 * it.
 */
async function isLoopback(host: string): Promise<boolean> {
  const bare = host.replace(/^\[(.*)\]$/, '$1');
  // An empty name listens everywhere.
  if (bare === '') return false;
  const addresses =
    isIP(bare) === 0
      ? await lookup(bare, { all: true }).then(
          (found) => found.map(({ address }) => address),
          () => [] as string[],
        )
      : [bare];
  return addresses.every((address) => LOOPBACK.check(address.replace(/%.*$/, ''), isIP(address) === 6 ? 'ipv6' : 'ipv4'));
}

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/** @throws USAGE where one of both is missing */
function tlsOf({
  PERENNIAL_TLS_CERT: certificate = '',
  PERENNIAL_TLS_KEY: key = '',
  PERENNIAL_TLS_CLIENT_CA: clientAuthority = '',
}: NodeJS.ProcessEnv): TlsFiles | undefined {
  if (certificate === '' && key === '') {
    if (clientAuthority === '') return undefined;
    throw new PerennialError('USAGE', 'PERENNIAL_TLS_CLIENT_CA is set, and the server has no certificate of its own.', {
      hint: 'Certificates of clients are asked for over TLS: set PERENNIAL_TLS_CERT and PERENNIAL_TLS_KEY as well.',
    });
  }
  if (certificate !== '' && key !== '') return { certificate, key, ...(clientAuthority === '' ? {} : { clientAuthority }) };
  throw new PerennialError(
    'USAGE',
    `PERENNIAL_TLS_${certificate === '' ? 'KEY' : 'CERT'} is set, and PERENNIAL_TLS_${certificate === '' ? 'CERT' : 'KEY'} is not.`,
    {
      hint: 'TLS takes both: the certificate and its key, as paths of PEM files.',
    },
  );
}

/** @throws USAGE */
function urlOf(text = ''): string | undefined {
  if (text === '') return undefined;
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol) && /^\/?$/.test(new URL(text).pathname)) return new URL(text).origin;
  throw new PerennialError('USAGE', `PERENNIAL_SERVER_URL is ${JSON.stringify(text)}, which is no address of a server.`, {
    hint: 'Give the address under which other machines reach the server, e.g. "https://models.example.org:8443".',
  });
}

/** Origins as browsers send them: scheme, host and port where it is not the usual one. @throws USAGE */
function originsOf(text = ''): string[] {
  const origins = text.split(/[\s,]+/).filter((part) => part !== '');
  const wrong = origins.find((origin) => origin !== '*' && !isOrigin(origin));
  if (wrong === undefined) return origins;
  throw new PerennialError('USAGE', `PERENNIAL_CORS_ORIGINS holds ${JSON.stringify(wrong)}, which is not an origin.`, {
    hint: 'Give origins with commas between them, e.g. "https://app.example.org,http://localhost:5173", or "*" for all.',
  });
}

function isOrigin(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol) && new URL(text).origin === text;
}

/** @throws USAGE */
export function portOf(text: string, where = '--port'): number {
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port > 65_535)
    throw new PerennialError('USAGE', `${where} ${JSON.stringify(text)} is not a port.`, {
      hint: 'Give a number from 1 to 65535, or 0 for a free port.',
    });
  return port;
}

/** A size in bytes; undefined where none is given. @throws USAGE */
export function memoryOf(text: string | undefined, where = '--memory'): number | undefined {
  if (text === undefined || text === '') return undefined;
  const bytes = bytesOf(text);
  if (bytes !== undefined) return bytes;
  throw new PerennialError('USAGE', `${where} is ${JSON.stringify(text)}, which is not a size.`, {
    hint: 'Give a number with its unit, e.g. "2GiB" or "500MB".',
  });
}

function sampleOf(text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined;
  const sample = Number(text);
  if (!(sample >= 0 && sample <= 1))
    throw new PerennialError('USAGE', `PERENNIAL_PREDICTION_LOG=${JSON.stringify(text)} is not a number from 0 to 1.`);
  return sample;
}

function createLogger(): StepLogger {
  const logger = pino(
    {
      base: { process: 'server' },
      timestamp: pino.stdTimeFunctions.isoTime,
      level: process.env.PERENNIAL_LOG_LEVEL ?? 'info',
      ...(tracesAreTold() ? { mixin: logFields } : {}),
    },
    pino.destination({ fd: 2, sync: true }),
  );
  return {
    info: (message, fields = {}) => logger.info(fields, message),
    warn: (message, fields = {}) => logger.warn(fields, message),
    error: (message, fields = {}) => logger.error(fields, message),
  };
}
