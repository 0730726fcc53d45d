import { durationMs } from '../../core/duration.ts';
import { withTimeLimit } from '../../platform/time-limit.ts';
import { post } from '../post.ts';
import type { PostErrors } from '../post.ts';
import { defineSink } from './sink.ts';

interface HttpConfig {
  readonly url: string;
  readonly token?: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly timeout: string;
}

/** A token that is wrong, or an address that has moved, is no fault of an event: those wait until it is corrected. */
const ERRORS: PostErrors = {
  refused: 'EVENT_REFUSED',
  misaddressed: 'EVENT_FAILED',
  failed: 'EVENT_FAILED',
  setting: 'the "url" of the sink',
};

export default defineSink<HttpConfig>({
  name: 'http',
  aliases: ['https', 'webhook', 'post'],
  summary: 'An HTTP POST for each event. The id is in the event, and in the header Idempotency-Key.',
  configSchema: {
    type: 'object',
    additionalProperties: false,
    required: ['url'],
    properties: {
      url: {
        description: 'Where events are sent. Redirects are not followed.',
        anyOf: [{ type: 'string', minLength: 1 }, { $ref: '#/definitions/secret' }],
        examples: ['https://events.example.org/perennial', 'http://marquez:5000/api/v1/lineage', { $secret: 'EVENTS_URL' }],
      },
      token: {
        description: 'Sent as "Authorization: Bearer …".',
        $ref: '#/definitions/secret',
        examples: [{ $secret: 'EVENTS_TOKEN' }],
      },
      headers: {
        type: 'object',
        additionalProperties: { anyOf: [{ type: 'string' }, { $ref: '#/definitions/secret' }] },
        default: {},
        description: 'Further headers of the request.',
        examples: [{ 'x-api-key': { $secret: 'EVENTS_KEY' } }],
      },
      timeout: {
        description: 'How long an answer is waited for; then the event is sent again.',
        $ref: '#/definitions/duration',
        default: '10s',
      },
    },
  },
  reference: 'https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md',
  concurrency: 8,
  isHttp: true,
  check: (config) => [...addressProblems(config), ...credentialProblems(config), ...timeoutProblems(config)],
  send({ id, contentType, body, headers: own = {} }, { url, token, headers, timeout }, { signal }) {
    return withTimeLimit(durationMs(timeout), signal, (limited) =>
      post(
        url,
        body,
        {
          // Names that differ in case alone would be one header with both values.
          ...Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value])),
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          ...own,
          'idempotency-key': id,
          'content-type': contentType,
        },
        limited,
        ERRORS,
      ),
    );
  },
});

interface Problem {
  readonly pointer: string;
  readonly message: string;
  readonly fix: string;
}

function addressProblems({ url }: HttpConfig): Problem[] {
  if (typeof url !== 'string') return [];
  const address = addressOf(url);
  if (address === undefined)
    return [
      {
        pointer: '/url',
        message: `${JSON.stringify(url)} is no address of http or https.`,
        fix: 'Give an address such as "https://events.example.org/perennial", or { "$secret": "NAME" } for one that nobody may read.',
      },
    ];
  if (address.password === '') return [];
  return [
    {
      pointer: '/url',
      message: 'The address holds a password: everybody who reads the document or the store has it.',
      fix: 'Take it out and give "token", or make all of the address { "$secret": "NAME" }.',
    },
  ];
}

/** Headers that are there to prove who one is. */
const PROOFS = /^(proxy-)?authorization$|^cookie$|api-?key$|-token$|secret$|password$/i;

const credentialProblems = ({ headers = {} }: Partial<HttpConfig>): Problem[] =>
  Object.entries(headers).flatMap(([name, value]) =>
    typeof value === 'string' && PROOFS.test(name)
      ? [
          {
            pointer: `/headers/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`,
            message: `The header "${name}" is a credential: everybody who reads the document or the store has it.`,
            fix: `Write { "$secret": "NAME" } in its place, and set NAME in the environment of the workers.`,
          },
        ]
      : [],
  );

/** An answer that takes longer never comes. */
const TIMEOUT_MS_MAX = 3_600_000;

function timeoutProblems({ timeout }: Partial<HttpConfig>): Problem[] {
  if (typeof timeout !== 'string') return [];
  const ms = durationMs(timeout);
  if (ms >= 1 && ms <= TIMEOUT_MS_MAX) return [];
  return [
    {
      pointer: '/timeout',
      message: ms < 1 ? `${timeout} is no time at all: nothing would ever arrive.` : `${timeout} is longer than an hour.`,
      fix: 'Give a time from "1ms" to "1h", such as "10s".',
    },
  ];
}

function addressOf(url: string): URL | undefined {
  try {
    const address = new URL(url);
    return /^https?:$/.test(address.protocol) ? address : undefined;
  } catch {
    return undefined;
  }
}
