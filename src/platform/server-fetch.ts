import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import type { Agent } from 'undici';
import { PerennialError, messageOf } from '../core/errors.ts';
import { stateOfFiles } from './file-state.ts';

interface Identity {
  readonly state: string;
  readonly agent: Agent;
}

let known: Identity | undefined;

/**
 * `fetch` for servers of ours, with the certificate of `PERENNIAL_TLS_CLIENT_CERT` and `PERENNIAL_TLS_CLIENT_KEY`: what a server with
 * mutual TLS asks of its clients. Renewed files are taken over.
 *
 * @throws USAGE where one of both is missing, cannot be read, or they do not belong together
 */
export async function serverFetch(url: string, request: RequestInit): Promise<Response> {
  const { PERENNIAL_TLS_CLIENT_CERT: certificate = '', PERENNIAL_TLS_CLIENT_KEY: key = '' } = process.env;
  if (!url.startsWith('https:')) return fetch(url, request);
  if (certificate === '' && key === '')
    return fetch(url, request).catch((error: unknown) => {
      throw asked(
        error,
        'a server that asks its clients for a certificate does so: set PERENNIAL_TLS_CLIENT_CERT and PERENNIAL_TLS_CLIENT_KEY',
      );
    });
  if (certificate === '' || key === '')
    throw new PerennialError(
      'USAGE',
      `PERENNIAL_TLS_CLIENT_${certificate === '' ? 'KEY' : 'CERT'} is set, and PERENNIAL_TLS_CLIENT_${certificate === '' ? 'CERT' : 'KEY'} is not.`,
      { hint: 'A client shows both: its certificate and the key, as paths of PEM files.' },
    );
  // The runtime's own takes no certificate; the two belong together in one library.
  const { fetch: fetchWith } = await import('undici');
  const dispatcher = await agentOf(certificate, key);
  return fetchWith(url, { ...(request as object), dispatcher }).then(
    (response) => response as unknown as Response,
    (error: unknown) => {
      throw asked(error, `a server does so that does not accept the certificate of PERENNIAL_TLS_CLIENT_CERT (${certificate})`);
    },
  );
}

/** A connection that ends without a word: what refused certificates look like from here. */
const CLOSED = /other side closed|socket hang up|socket disconnected|ECONNRESET|EPIPE|alert/i;

function asked(error: unknown, what: string): unknown {
  const cause = error instanceof Error && error.cause !== undefined ? messageOf(error.cause) : messageOf(error);
  return CLOSED.test(cause) ? new TypeError('fetch failed', { cause: new Error(`${cause}; ${what}`, { cause: error }) }) : error;
}

async function agentOf(certificate: string, key: string): Promise<Agent> {
  const state = `${certificate} ${key} ${stateOfFiles([certificate, key])}`;
  if (known?.state === state) return known.agent;
  const { Agent } = await import('undici');
  try {
    const connect = { cert: readFileSync(certificate), key: readFileSync(key) };
    createSecureContext(connect);
    // Requests of the one before go on; its connections end when they are idle.
    known = { state, agent: new Agent({ connect }) };
  } catch (error) {
    throw new PerennialError('USAGE', `${certificate} and ${key} are no certificate with its key: ${messageOf(error)}.`, {
      hint: 'Give both in PEM: PERENNIAL_TLS_CLIENT_CERT the certificate of this client, PERENNIAL_TLS_CLIENT_KEY its key.',
      cause: error,
    });
  }
  return known.agent;
}
