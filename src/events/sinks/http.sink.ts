import { durationMs } from '../../core/duration.ts';
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
  check: ({ url }) =>
    typeof url !== 'string' || isAddress(url)
      ? []
      : [
          {
            pointer: '/url',
            message: `${JSON.stringify(url)} is no address of http or https.`,
            fix: 'Give an address such as "https://events.example.org/perennial", or { "$secret": "NAME" } for one that nobody may read.',
          },
        ],
  send({ id, contentType, body }, { url, token, headers, timeout }, { signal }) {
    return post(
      url,
      body,
      {
        // Names that differ in case alone would be one header with both values.
        ...Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value])),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        'idempotency-key': id,
        'content-type': contentType,
      },
      AbortSignal.any([signal, AbortSignal.timeout(durationMs(timeout))]),
      ERRORS,
    );
  },
});

function isAddress(url: string): boolean {
  try {
    return /^https?:$/.test(new URL(url).protocol);
  } catch {
    return false;
  }
}
