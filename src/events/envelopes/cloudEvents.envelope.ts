import { CLOUD_EVENTS_TYPE, CLOUD_EVENT_TYPE, binaryCloudEvent, cloudEvent } from '../cloud-event.ts';
import { uuidOf } from '../event-id.ts';
import { defineEnvelope } from './envelope.ts';

interface Config {
  readonly source?: string;
  readonly mode?: 'structured' | 'binary' | 'batch';
}

export default defineEnvelope<Config>({
  name: 'cloudEvents',
  aliases: ['ce'],
  summary: 'CloudEvents 1.0 as JSON: every change. Structured (`application/cloudevents+json`), binary, or several in one message.',
  configSchema: {
    type: 'object',
    additionalProperties: false,
    properties: {
      source: {
        type: 'string',
        minLength: 1,
        pattern: '^[^\\s]+[^\\s/]$',
        description:
          'What `source` of the events begins with; "/pipelines/NAME" or the like follows. Default: "perennial://" and the id of the store, which tells stores apart.',
        examples: ['https://ml.example.org/production'],
      },
      mode: {
        enum: ['structured', 'binary', 'batch'],
        default: 'structured',
        description:
          '"structured": the whole event is the body. "binary": its attributes are headers (`ce-id` and so on), its data is the body. "batch": what waits goes out together, up to a hundred events in one array (`application/cloudevents-batch+json`), all in their order; where an array is refused, its parts are sent. The last two take a sink of HTTP.',
      },
    },
    default: {},
    description: 'How events name their source.',
  },
  reference: 'https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md',
  needsHttp: ({ mode }) => mode === 'binary' || mode === 'batch',
  batch(messages, { mode }) {
    if (mode !== 'batch' || messages.some(({ contentType }) => contentType !== CLOUD_EVENT_TYPE)) return undefined;
    const ids = messages.map(({ id }) => id);
    return {
      id: ids.length === 1 ? ids[0]! : uuidOf('batch', ...ids),
      contentType: CLOUD_EVENTS_TYPE,
      body: `[${messages.map(({ body }) => body).join(',')}]`,
    };
  },
  write({ key, type, at, subject, pipeline, model, data }, { source, mode }, { storeId }) {
    const id = uuidOf(storeId, key);
    const whose = pipeline !== null ? `/pipelines/${pipeline}` : model !== null ? `/models/${model}` : '';
    const parts = { id, source: `${source ?? `perennial://${storeId}`}${whose}`, type, subject, time: at, data };
    if (mode === 'binary') return { id, ...binaryCloudEvent(parts) };
    return { id, contentType: CLOUD_EVENT_TYPE, body: cloudEvent(parts) };
  },
});
