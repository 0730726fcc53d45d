import { readFileSync, statSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import type { Server } from 'node:https';
import { PerennialError, messageOf } from '../core/errors.ts';
import type { StepLogger } from '../core/step.ts';

/** Files in PEM; the certificate with those that it was signed by behind it. */
export interface TlsFiles {
  readonly certificate: string;
  readonly key: string;
}

export interface TlsPair {
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** Between two looks at the files, in milliseconds. */
const EVERY_MS = 5_000;

/** @throws USAGE for files that cannot be read, or do not belong together */
export function readTls({ certificate, key }: TlsFiles): TlsPair {
  const pair = { cert: bytesOf(certificate, 'PERENNIAL_TLS_CERT'), key: bytesOf(key, 'PERENNIAL_TLS_KEY') };
  try {
    createSecureContext(pair);
  } catch (error) {
    throw new PerennialError('USAGE', `${certificate} and ${key} are no certificate with its key: ${messageOf(error)}.`, {
      hint: 'Give both in PEM: PERENNIAL_TLS_CERT the certificate (and those that it was signed by), PERENNIAL_TLS_KEY its key.',
      cause: error,
    });
  }
  return pair;
}

function bytesOf(path: string, variable: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new PerennialError('USAGE', `${variable} names ${path}, which cannot be read: ${messageOf(error)}.`, {
      hint: 'Give the path of a PEM file that this user may read.',
      cause: error,
    });
  }
}

/**
 * Takes over a certificate that was renewed, for new connections; those that are open go on. One that cannot be read is told in the log,
 * and the one before stays.
 *
 * @returns ends the watching
 */
export function followTls(server: Pick<Server, 'setSecureContext'>, files: TlsFiles, log: StepLogger, everyMs = EVERY_MS): () => void {
  let seen = stateOf(files);
  const timer = setInterval(() => {
    const now = stateOf(files);
    if (now === seen) return;
    try {
      server.setSecureContext(readTls(files));
      log.info('certificate renewed', { file: files.certificate });
    } catch (error) {
      log.error('the renewed certificate cannot be used; the one before stays', { error: messageOf(error) });
    }
    seen = now;
  }, everyMs).unref();
  return () => clearInterval(timer);
}

function stateOf({ certificate, key }: TlsFiles): string {
  return [certificate, key]
    .map((path) => {
      const facts = statSync(path, { bigint: true, throwIfNoEntry: false });
      return facts === undefined ? 'gone' : `${facts.ino} ${facts.mtimeNs} ${facts.size}`;
    })
    .join();
}
