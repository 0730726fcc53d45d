import type { Notification } from '../../core/notification.ts';
import { post } from '../../events/post.ts';
import { POST_ERRORS } from '../post-errors.ts';
import { defineChannel } from './channel.ts';

interface SlackConfig {
  readonly url: string;
}

const SIGNS: Readonly<Record<Notification['event'], string>> = {
  failed: '🔴',
  rejected: '🟠',
  blocked: '🟠',
  drifted: '🟡',
  degraded: '🟡',
  triggered: '🟡',
  digest: '📋',
  rolledBack: '🟠',
  returned: '🟠',
  paused: '🟠',
  cancelled: '⚪',
  completed: '🟢',
  promoted: '🟢',
  recovered: '🟢',
};

/** Slack reads these as the beginnings of links and mentions. */
const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

export default defineChannel<SlackConfig>({
  name: 'slack',
  aliases: ['mattermost', 'chat'],
  summary: 'A message for Slack, Mattermost and others that take the incoming webhooks of Slack.',
  configSchema: {
    type: 'object',
    additionalProperties: false,
    required: ['url'],
    properties: {
      url: {
        description: 'The address of the incoming webhook. It is a secret: whoever knows it can write.',
        anyOf: [{ type: 'string', minLength: 1 }, { $ref: '#/definitions/secret' }],
        examples: [{ $secret: 'SLACK_WEBHOOK' }],
      },
    },
  },
  reference: 'https://api.slack.com/messaging/webhooks',
  send({ event, pipeline, summary, workflow, model, version }, { url }, { signal }) {
    const of = model === null ? '' : ` · ${model}${version === null ? '' : ` version ${version}`}`;
    const text = `${SIGNS[event]} *${escaped(pipeline)}* ${event}${escaped(of)}\n${escaped(summary)}`;
    const context = { type: 'context', elements: [{ type: 'mrkdwn', text: `\`${escaped(workflow)}\`` }] };
    return post(
      url,
      JSON.stringify({ text, blocks: [{ type: 'section', text: { type: 'mrkdwn', text } }, context] }),
      { 'content-type': 'application/json; charset=utf-8' },
      signal,
      POST_ERRORS,
    );
  },
});
