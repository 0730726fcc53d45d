import { Context } from '@temporalio/activity';
import { conditionOf, newsOf } from '../src/core/notification.ts';
import type { Addressed, Notification, NotificationInput, NotificationTarget } from '../src/core/notification.ts';
import type { ObjectStore } from '../src/core/ports.ts';
import { sendBy } from '../src/notifications/send.ts';
import { exchangeCondition } from '../src/notifications/condition.ts';
import { mask } from '../src/steps/secrets.ts';
import { withFailures } from './failures.ts';
import type { ActivityDeps } from './deps.ts';

export interface NotificationActivities {
  chooseNotifications(input: NotificationInput): Promise<readonly Addressed[]>;
  sendNotification(notification: Notification, target: NotificationTarget): Promise<void>;
}

/** Telling people what came of runs and checks. */
export function notificationActivities({ store }: ActivityDeps): NotificationActivities {
  return {
    chooseNotifications: (input) => withFailures(() => choose(store, input)),
    sendNotification: (message, target) =>
      withFailures(() => sendBy(message, target.channel, target.config, { signal: Context.current().cancellationSignal })),
  };
}

async function choose(
  store: ObjectStore,
  { outcome, events, version, targets, id, whole }: NotificationInput,
): Promise<readonly Addressed[]> {
  const { formatVersion: _, summary, ...facts } = outcome;
  const { news, repeated } = newsOf(events, await exchangeCondition(store, outcome, id, conditionOf(events)));
  return targets.flatMap(({ events: wanted, repeat }, target) =>
    [...news, ...(repeat === 'always' ? repeated : [])]
      .filter((event) => wanted.includes(event))
      .map((event) => ({
        target,
        notification: {
          id: `${id}/${event}`,
          event,
          version,
          summary: mask(summary),
          ...facts,
          ...(whole === undefined ? {} : { whole: mask(whole) }),
        },
      })),
  );
}
