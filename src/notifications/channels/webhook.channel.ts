import type { Notification } from '../../core/notification.ts';
import { post } from '../post.ts';
import { defineChannel } from './channel.ts';

interface WebhookConfig {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

const TYPES: Readonly<Record<Notification['event'], string>> = {
  failed: 'perennial.run.failed',
  rejected: 'perennial.run.rejected',
  completed: 'perennial.run.completed',
  cancelled: 'perennial.run.cancelled',
  promoted: 'perennial.model.promoted',
  blocked: 'perennial.model.blocked',
  drifted: 'perennial.drift.detected',
  degraded: 'perennial.performance.degraded',
  triggered: 'perennial.trigger.fired',
  rolledBack: 'perennial.model.rolledBack',
  paused: 'perennial.pipeline.paused',
  recovered: 'perennial.pipeline.recovered',
};

export default defineChannel<WebhookConfig>({
  name: 'webhook',
  aliases: ['http', 'cloudEvents'],
  summary: 'A CloudEvents 1.0 event as JSON, by HTTP POST.',
  configSchema: {
    type: 'object',
    additionalProperties: false,
    required: ['url'],
    properties: {
      url: {
        description: 'Where it is sent.',
        anyOf: [{ type: 'string', minLength: 1 }, { $ref: '#/definitions/secret' }],
        examples: ['https://hooks.example.org/perennial', { $secret: 'WEBHOOK_URL' }],
      },
      headers: {
        type: 'object',
        additionalProperties: { anyOf: [{ type: 'string' }, { $ref: '#/definitions/secret' }] },
        default: {},
        description: 'Further headers of the request.',
        examples: [{ authorization: { $secret: 'WEBHOOK_AUTHORIZATION' } }],
      },
    },
  },
  reference: 'https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md',
  send({ id, event, at, ...data }, { url, headers }, { signal }) {
    const { pipeline, workflow, kind } = data;
    const type = event === 'failed' && kind !== 'run' ? 'perennial.check.failed' : TYPES[event];
    const body = {
      specversion: '1.0',
      id,
      source: `/pipelines/${pipeline}`,
      type,
      subject: workflow,
      time: at,
      datacontenttype: 'application/json',
      data: { event, ...data },
    };
    return post(url, JSON.stringify(body), { ...headers, 'content-type': 'application/cloudevents+json; charset=utf-8' }, signal);
  },
});
