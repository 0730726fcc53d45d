import type { JsonObject, JsonSchema } from '../../core/json.ts';
import type { Notification } from '../../core/notification.ts';

/** What a channel gets to work with. */
export interface ChannelContext {
  /** Aborted when the attempt takes too long. */
  readonly signal: AbortSignal;
}

/** A way to tell people or programs what happened. */
export interface ChannelDefinition<C = JsonObject> {
  readonly name: string;
  readonly aliases?: readonly string[];
  readonly summary: string;
  readonly configSchema: JsonSchema;
  readonly reference: string;
  /**
   * Resolves when it has arrived. Called again with the same `id` where it did not.
   *
   * @throws NOTIFICATION_REFUSED where trying again cannot help; anything else is tried again
   */
  send(notification: Notification, config: C, context: ChannelContext): Promise<void>;
}

export function defineChannel<C = JsonObject>(definition: ChannelDefinition<C>): ChannelDefinition {
  return Object.freeze(definition) as unknown as ChannelDefinition;
}
