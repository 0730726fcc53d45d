import { CLOUD_EVENT_TYPE, cloudEvent } from '../cloud-event.ts';
import { uuidOf } from '../event-id.ts';
import { defineEnvelope } from './envelope.ts';

export default defineEnvelope<{ readonly source?: string }>({
  name: 'cloudEvents',
  aliases: ['ce'],
  summary: 'CloudEvents 1.0 as JSON, structured (`application/cloudevents+json`): every change.',
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
    },
    default: {},
    description: 'How events name their source.',
  },
  reference: 'https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md',
  write({ key, type, at, subject, pipeline, model, data }, { source }, { storeId }) {
    const id = uuidOf(storeId, key);
    const whose = pipeline !== null ? `/pipelines/${pipeline}` : model !== null ? `/models/${model}` : '';
    const body = cloudEvent({ id, source: `${source ?? `perennial://${storeId}`}${whose}`, type, subject, time: at, data });
    return { id, contentType: CLOUD_EVENT_TYPE, body };
  },
});
