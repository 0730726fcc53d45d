import { PerennialError, messageOf } from '../core/errors.ts';
import type { ErrorCode } from '../core/errors.ts';

/** Characters of an answer that messages quote. */
const QUOTED_CHARS = 200;
/** Statuses after which trying again can help. */
const AGAIN = new Set([408, 425, 429]);

/** Statuses that are about the address, or who asks there, whatever is sent: redirects, and these. */
const OF_ADDRESS = new Set([401, 403, 404, 405, 407, 410, 421, 451]);

/** How failures are told. */
export interface PostErrors {
  /** The receiver does not want it. */
  readonly refused: ErrorCode;
  /** The address is not the right one, or who asks there: so it will be for all that is sent, until somebody corrects it. */
  readonly misaddressed: ErrorCode;
  /** It may want it later; `details.retryAfterMs` where it says when. */
  readonly failed: ErrorCode;
  /** The setting with the address, for messages. */
  readonly setting: string;
}

/**
 * Sends a body to an address. A redirect is not followed: the receiver of a secret is the one that was named.
 *
 * @throws the code `refused` where the receiver does not want it, `misaddressed` where the address or who asks there is wrong, `failed`
 * where it may want it later
 */
export async function post(
  url: string,
  body: string,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
  errors: PostErrors,
): Promise<void> {
  const where = placeOf(url, errors);
  let response: Response;
  try {
    response = await fetch(url, { method: 'POST', body, headers, signal, redirect: 'manual' });
  } catch (error) {
    const cause = error instanceof Error && error.cause !== undefined ? messageOf(error.cause) : messageOf(error);
    throw new PerennialError(errors.failed, `${where} does not answer: ${cause || 'connection failed'}.`, { cause: error });
  }
  const text = await response.text().catch(() => '');
  if (response.ok) return;
  const { status } = response;
  if (status >= 300 && status < 400)
    throw new PerennialError(errors.misaddressed, `${where} answered ${status}: it leads elsewhere, and redirects are not followed.`, {
      hint: `Give the final address in ${errors.setting}.`,
    });
  const told = `${where} answered ${status}${text === '' ? '' : `: ${text.slice(0, QUOTED_CHARS)}`}`;
  if (OF_ADDRESS.has(status)) throw new PerennialError(errors.misaddressed, told, { details: { status } });
  if (status < 500 && !AGAIN.has(status)) throw new PerennialError(errors.refused, told, { details: { status } });
  const retryAfterMs = waitOf(response.headers.get('retry-after'));
  throw new PerennialError(errors.failed, told, { details: { status, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) } });
}

/** Retry-After: seconds, or a date. */
function waitOf(header: string | null): number | undefined {
  if (header === null) return undefined;
  const ms = /^\s*\d+\s*$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}

/** Without path and query, which may be a secret. */
function placeOf(url: string, errors: PostErrors): string {
  try {
    const { protocol, host } = new URL(url);
    if (protocol === 'http:' || protocol === 'https:') return `${protocol}//${host}`;
  } catch {
    // Told below.
  }
  throw new PerennialError(errors.misaddressed, `${errors.setting} is no address of http or https.`, {
    hint: 'Give an address such as https://hooks.example.org/perennial; a secret is { "$secret": "NAME" }.',
  });
}
