import type { JsonObject } from '../core/json.ts';
import type { Notification } from '../core/notification.ts';
import { withTimeLimit } from '../platform/time-limit.ts';
import { mask, resolveSecrets } from '../steps/secrets.ts';
import type { ChannelContext } from './channels/channel.ts';
import { channelRegistry } from './channels/index.generated.ts';

/** Time of one attempt, in milliseconds. */
const ATTEMPT_MS = 30_000;

/**
 * Sends a message by a channel of a document; its secrets are those of this process.
 *
 * @throws SECRET_MISSING, NOTIFICATION_FAILED, NOTIFICATION_REFUSED
 */
export async function sendBy(message: Notification, channel: string, config: JsonObject, { signal }: ChannelContext): Promise<void> {
  const resolved = resolveSecrets(config).config;
  await withTimeLimit(ATTEMPT_MS, signal, (limited) => channelRegistry.get(channel).send(mask(message), resolved, { signal: limited }));
}
