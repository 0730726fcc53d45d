import type { Notification } from '../../core/notification.ts';
import { CLOUD_EVENT_TYPE, cloudEvent } from '../../events/cloud-event.ts';
import { post } from '../../events/post.ts';
import { POST_ERRORS } from '../post-errors.ts';
import { defineChannel } from './channel.ts';

interface WebhookConfig {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

const TYPES: Readonly<Record<Notification['event'], string>> = {
  failed: 'run.failed',
  rejected: 'run.rejected',
  completed: 'run.completed',
  cancelled: 'run.cancelled',
  promoted: 'model.promoted',
  blocked: 'model.blocked',
  drifted: 'drift.detected',
  degraded: 'performance.degraded',
  triggered: 'trigger.fired',
  digest: 'digest.ready',
  rolledBack: 'model.rolledBack',
  returned: 'rollout.ended',
  paused: 'pipeline.paused',
  recovered: 'pipeline.recovered',
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
  send({ id, event, at, whole, ...data }, { url, headers }, { signal }) {
    const { pipeline, workflow, kind } = data;
    const type = event === 'failed' && kind !== 'run' ? 'check.failed' : TYPES[event];
    const body = cloudEvent({
      id,
      source: `/pipelines/${pipeline}`,
      type,
      subject: workflow,
      time: at,
      data: { event, ...data, ...(whole === undefined ? {} : { markdown: whole.markdown }) },
    });
    return post(url, body, { ...headers, 'content-type': CLOUD_EVENT_TYPE }, signal, POST_ERRORS);
  },
});
