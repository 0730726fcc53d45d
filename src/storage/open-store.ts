import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PerennialError } from '../core/errors.ts';
import type { ObjectStore } from '../core/ports.ts';
import { perennialHome } from '../platform/paths.ts';
import { readStack, storeLocation } from '../platform/stack.ts';
import { FileStore, folderGone } from './file-store.ts';
import { checkKey } from './keys.ts';
import { probeOnce, wasProbed } from './probe.ts';
import { RetryingStore } from './retrying-store.ts';
import { telemetryIsOn } from '../telemetry/telemetry.ts';
import type { S3Options } from './s3-store.ts';

export type StoreAddress = { readonly kind: 'file'; readonly folder: string } | ({ readonly kind: 's3' } & S3Options);

/** What killed writers left aside is removed after a day. */
const SWEEP_AFTER_MS = 24 * 3_600_000;

/** PERENNIAL_STORE; else the store of the stack that `up` started; else a folder of PERENNIAL_HOME. */
export function defaultStoreUri(): string {
  return process.env.PERENNIAL_STORE ? process.env.PERENNIAL_STORE : (readStack()?.store ?? storeLocation());
}

/**
 * Reads `file:PATH` and `s3://bucket/prefix`, the latter with AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION
 * and S3_ENDPOINT of the environment.
 *
 * @param what for messages: where the address stands
 * @throws USAGE, SECRET_MISSING
 */
export function parseStoreUri(uri: string, environment: NodeJS.ProcessEnv = process.env, what = 'PERENNIAL_STORE'): StoreAddress {
  if (uri.startsWith('file:')) {
    const folder = uri.startsWith('file://') ? fileURLToPath(uri) : uri.slice('file:'.length);
    if (folder !== '') return { kind: 'file', folder: resolve(folder) };
  }
  const match = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*?))?\/*$/.exec(uri);
  if (match === null) {
    throw new PerennialError('USAGE', `${what} is ${JSON.stringify(uri)}; expected "file:PATH" or "s3://BUCKET/PREFIX".`, {
      hint: `For example ${what}=file:/var/lib/perennial or ${what}=s3://models/team-a`,
    });
  }
  const prefix = match[2] ?? '';
  if (prefix !== '') checkKey(prefix, `prefix of ${what}`);
  return { kind: 's3', bucket: match[1]!, prefix, ...s3Environment(environment, what) };
}

/** What of an environment opens a store: for a process of ours that has no environment of its own. */
export function storeEnvironment(environment: NodeJS.ProcessEnv = process.env): Record<string, string> {
  const names = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN', 'AWS_REGION', 'AWS_DEFAULT_REGION', 'S3_ENDPOINT'];
  return Object.fromEntries(names.flatMap((name) => (environment[name] === undefined ? [] : [[name, environment[name]]])));
}

function s3Environment(environment: NodeJS.ProcessEnv, what: string): Omit<S3Options, 'bucket' | 'prefix'> {
  const needed = (name: string): string => {
    const value = environment[name];
    if (value === undefined || value === '') {
      throw new PerennialError('SECRET_MISSING', `${what} is an S3 store, but ${name} is not set.`, {
        hint: `Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment.`,
      });
    }
    return value;
  };
  const endpoint = environment.S3_ENDPOINT;
  if (endpoint !== undefined && !isHttpUrl(endpoint)) {
    throw new PerennialError('USAGE', `S3_ENDPOINT is ${JSON.stringify(endpoint)}; expected http[s]://HOST[:PORT].`);
  }
  return {
    region: environment.AWS_REGION ?? environment.AWS_DEFAULT_REGION ?? 'us-east-1',
    accessKey: needed('AWS_ACCESS_KEY_ID'),
    secretKey: needed('AWS_SECRET_ACCESS_KEY'),
    ...(environment.AWS_SESSION_TOKEN ? { sessionToken: environment.AWS_SESSION_TOKEN } : {}),
    ...(endpoint === undefined ? {} : { endpoint }),
  };
}

function isHttpUrl(text: string): boolean {
  try {
    const { protocol, pathname } = new URL(text);
    return (protocol === 'http:' || protocol === 'https:') && pathname === '/';
  } catch {
    return false;
  }
}

/**
 * The store that everything is kept in: opened, probed for conditional writes (a success is remembered for a day), and repeating
 * calls that failed because it could not be reached.
 *
 * @param environment where the credentials of an S3 store are
 * @throws USAGE, SECRET_MISSING, STORE_UNSUITABLE, STORE_UNAVAILABLE
 */
export async function openStore(uri: string = defaultStoreUri(), environment: NodeJS.ProcessEnv = process.env): Promise<ObjectStore> {
  const address = parseStoreUri(uri, environment);
  const notes = join(perennialHome(), 'cache', 'probes');
  if (address.kind === 'file') {
    const store = new FileStore(address.folder);
    if (!existsSync(address.folder) && (await wasProbed(store.location, notes)))
      throw folderGone(address.folder, 'was there before and is gone');
    await store.attach();
    if ((await probeOnce(store, store.location, notes)) === 'probed') await store.sweep(SWEEP_AFTER_MS);
    return told(new RetryingStore(store));
  }
  const { S3Store } = await import('./s3-store.ts');
  const store = new RetryingStore(new S3Store(address));
  await probeOnce(store, `${address.endpoint ?? 'aws'} ${store.location}`, notes);
  return told(store);
}

async function told(store: ObjectStore): Promise<ObjectStore> {
  return telemetryIsOn() ? new (await import('./traced-store.ts')).TracedStore(store) : store;
}
