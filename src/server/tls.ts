import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import type { Server } from 'node:https';
import { PerennialError, messageOf } from '../core/errors.ts';
import type { StepLogger } from '../core/step.ts';
import { stateOfFiles } from '../platform/file-state.ts';

/** Files in PEM; the certificate with those that it was signed by behind it. */
export interface TlsFiles {
  readonly certificate: string;
  readonly key: string;
  /** Certificates of which each client needs one to be signed by (mutual TLS). Absent: clients need none. */
  readonly clientAuthority?: string;
}

/** What a server of HTTPS takes. */
export interface TlsSettings {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly ca?: Buffer;
  readonly requestCert?: true;
  readonly rejectUnauthorized?: true;
}

/** Between two looks at the files, in milliseconds. */
const EVERY_MS = 5_000;

/** @throws USAGE for files that cannot be read, or do not belong together */
export function readTls({ certificate, key, clientAuthority }: TlsFiles): TlsSettings {
  const pair = { cert: bytesOf(certificate, 'PERENNIAL_TLS_CERT'), key: bytesOf(key, 'PERENNIAL_TLS_KEY') };
  try {
    createSecureContext(pair);
  } catch (error) {
    throw new PerennialError('USAGE', `${certificate} and ${key} are no certificate with its key: ${messageOf(error)}.`, {
      hint: 'Give both in PEM: PERENNIAL_TLS_CERT the certificate (and those that it was signed by), PERENNIAL_TLS_KEY its key.',
      cause: error,
    });
  }
  if (clientAuthority === undefined) return pair;
  return { ...pair, ca: authorityOf(clientAuthority), requestCert: true, rejectUnauthorized: true };
}

/** @throws USAGE: with nothing readable in it every client would be refused, or none be asked */
function authorityOf(path: string): Buffer {
  const ca = bytesOf(path, 'PERENNIAL_TLS_CLIENT_CA');
  const blocks = ca.toString('latin1').match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  try {
    if (blocks.length === 0) throw new Error('it holds no certificate');
    for (const block of blocks) void new X509Certificate(block);
  } catch (error) {
    throw new PerennialError('USAGE', `PERENNIAL_TLS_CLIENT_CA names ${path}, which is no authority for clients: ${messageOf(error)}.`, {
      hint: 'Give the certificates, in PEM, of those who sign the certificates of clients.',
      cause: error,
    });
  }
  return ca;
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

function stateOf({ certificate, key, clientAuthority }: TlsFiles): string {
  return stateOfFiles([certificate, key, ...(clientAuthority === undefined ? [] : [clientAuthority])]);
}
