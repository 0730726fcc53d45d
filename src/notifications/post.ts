import { PerennialError, messageOf } from '../core/errors.ts';

/** Characters of an answer that messages quote. */
const QUOTED_CHARS = 200;
/** Statuses after which trying again can help. */
const AGAIN = new Set([408, 425, 429]);

/**
 * Sends a body to an address.
 *
 * @throws NOTIFICATION_REFUSED for an address that does not want it; NOTIFICATION_FAILED where it may want it later
 */
export async function post(url: string, body: string, headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<void> {
  const where = placeOf(url);
  let response: Response;
  try {
    response = await fetch(url, { method: 'POST', body, headers, signal, redirect: 'error' });
  } catch (error) {
    const cause = error instanceof Error && error.cause !== undefined ? messageOf(error.cause) : messageOf(error);
    throw new PerennialError('NOTIFICATION_FAILED', `${where} does not answer: ${cause || 'connection failed'}.`, { cause: error });
  }
  const text = await response.text().catch(() => '');
  if (response.ok) return;
  const told = `${where} answered ${response.status}${text === '' ? '' : `: ${text.slice(0, QUOTED_CHARS)}`}`;
  throw new PerennialError(response.status < 500 && !AGAIN.has(response.status) ? 'NOTIFICATION_REFUSED' : 'NOTIFICATION_FAILED', told);
}

/** Without path and query, which may be a secret. @throws NOTIFICATION_REFUSED */
function placeOf(url: string): string {
  try {
    const { protocol, host } = new URL(url);
    if (protocol === 'http:' || protocol === 'https:') return `${protocol}//${host}`;
  } catch {
    // Told below.
  }
  throw new PerennialError('NOTIFICATION_REFUSED', 'The "url" of a notification is no address of http or https.', {
    hint: 'Give an address such as https://hooks.example.org/perennial; a secret is { "$secret": "NAME" }.',
  });
}
