import { PerennialError, messageOf } from '../core/errors.ts';
import type { ErrorCode } from '../core/errors.ts';

/** Characters of an answer that messages quote. */
const QUOTED_CHARS = 200;
/** Read of an answer. */
const READ_BYTES = 8_192;
/** Shorter texts would be hidden by chance. */
const HIDDEN_CHARS_MIN = 4;
/** Statuses after which trying again can help. */
const AGAIN = new Set([408, 425, 429]);

/** Statuses that are about the address, or who asks there, whatever is sent: redirects, and these. */
const OF_ADDRESS = new Set([401, 403, 404, 405, 407, 410, 421, 451]);

/** Of ours, and no secrets. */
const PUBLIC_HEADERS = new Set(['content-type', 'idempotency-key']);

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
  const { where, address, credentials } = placeOf(url, errors);
  const sent = headersOf({ ...credentials, ...headers }, errors);
  let response: Response;
  try {
    response = await fetch(address, { method: 'POST', body, headers: sent, signal, redirect: 'manual' });
  } catch (error) {
    const cause = error instanceof Error && error.cause !== undefined ? messageOf(error.cause) : messageOf(error);
    const told = `${where} does not answer: ${cause || 'connection failed'}.${isUntrusted(error) ? UNTRUSTED : ''}`;
    throw new PerennialError(errors.failed, told, { cause: error });
  }
  const text = withoutWhatWasSent(await beginningOf(response), address, sent);
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

const UNTRUSTED =
  ' Where an authority of your own has signed its certificate, NODE_EXTRA_CA_CERTS in the environment of the workers names the file of it.';

const isUntrusted = (error: unknown): boolean =>
  /SELF_SIGNED|UNABLE_TO_(VERIFY|GET_ISSUER)/.test(String((error as { cause?: { code?: unknown } }).cause?.code));

/** As much of an answer as messages quote; the rest is not waited for: a receiver may send without end. */
async function beginningOf(response: Response): Promise<string> {
  const reader = response.body?.getReader();
  if (reader === undefined) return '';
  const parts: Uint8Array[] = [];
  let length = 0;
  try {
    while (length < READ_BYTES && !(response.ok && length > 0)) {
      const { done, value } = await reader.read();
      if (done) break;
      parts.push(value);
      length += value.length;
    }
  } catch {
    // The status has arrived, and is what counts.
  }
  await reader.cancel().catch(() => undefined);
  return Buffer.concat(parts).subarray(0, READ_BYTES).toString('utf8');
}

/** Receivers quote what they were sent, and it may be a secret: before anything is cut, or half of one would be left. */
function withoutWhatWasSent(text: string, address: string, headers: Headers): string {
  const { pathname, search, searchParams } = new URL(address);
  const values = [...headers].filter(([name]) => !PUBLIC_HEADERS.has(name)).flatMap(([, value]) => [value, ...value.split(' ')]);
  const basic = values.filter((value) => /^[\w+/]+={0,2}$/.test(value)).map((value) => Buffer.from(value, 'base64').toString('utf8'));
  const hidden = [
    ...values,
    ...basic.filter((user) => user.includes(':')),
    `${pathname}${search}`,
    pathname,
    search,
    ...searchParams.values(),
  ]
    .filter((value) => value.length >= HIDDEN_CHARS_MIN && value !== 'Bearer' && value !== 'Basic')
    .sort((a, b) => b.length - a.length);
  return hidden.reduce((rest, value) => rest.replaceAll(value, '***'), text);
}

/** What cannot be a header is told by its name: the value may be a secret. */
function headersOf(headers: Readonly<Record<string, string>>, errors: PostErrors): Headers {
  const checked = new Headers();
  for (const [name, value] of Object.entries(headers))
    try {
      checked.set(name, value);
    } catch {
      throw new PerennialError(errors.misaddressed, `The header ${JSON.stringify(name)} cannot be sent: its name or its value is none.`, {
        hint: 'A value has no line breaks within, and no characters beyond Latin-1; look at the secret that it is made of.',
      });
    }
  return checked;
}

/** Retry-After: seconds, or a date. */
function waitOf(header: string | null): number | undefined {
  if (header === null) return undefined;
  const ms = /^\s*\d+\s*$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}

interface Addressed {
  /** Without user, path and query, which may be secrets. */
  readonly where: string;
  readonly address: string;
  /** `user:password@` of an address, as the header that it stands for: `fetch` takes no such address. */
  readonly credentials: Readonly<Record<string, string>>;
}

function placeOf(url: string, errors: PostErrors): Addressed {
  try {
    const address = new URL(url.trim());
    const { protocol, host, username, password } = address;
    if (protocol === 'http:' || protocol === 'https:') {
      const user = [username, password].map(decodeURIComponent).join(':');
      address.username = address.password = '';
      const credentials = user === ':' ? {} : { authorization: `Basic ${Buffer.from(user).toString('base64')}` };
      return { where: `${protocol}//${host}`, address: address.href, credentials };
    }
  } catch {
    // Told below.
  }
  throw new PerennialError(errors.misaddressed, `${errors.setting} is no address of http or https.`, {
    hint: 'Give an address such as https://hooks.example.org/perennial; a secret is { "$secret": "NAME" }.',
  });
}
