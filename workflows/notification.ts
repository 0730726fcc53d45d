import { ApplicationFailure, ActivityFailure } from '@temporalio/common';
import { proxyActivities, setCurrentDetails } from '@temporalio/workflow';
import type { Addressed, Notification, NotificationInput, NotificationTarget } from '../src/core/notification.ts';
import { compose } from './markdown.ts';

const { chooseNotifications } = proxyActivities<{ chooseNotifications(input: NotificationInput): Promise<readonly Addressed[]> }>({
  startToCloseTimeout: '1 minute',
  scheduleToCloseTimeout: '1 day',
  summary: 'What is news',
});

const { sendNotification } = proxyActivities<{ sendNotification(notification: Notification, target: NotificationTarget): Promise<void> }>({
  startToCloseTimeout: '40 seconds',
  scheduleToCloseTimeout: '1 day',
  retry: { initialInterval: '5 seconds', backoffCoefficient: 2, maximumInterval: '10 minutes' },
});

/**
 * Tells everybody of an outcome who asked for it. Each is tried again for a day; one who cannot be told does not keep the others waiting.
 *
 * @throws ApplicationFailure naming the channels that could not be told
 */
export async function notification(input: NotificationInput): Promise<{ readonly sent: number }> {
  const messages = await chooseNotifications(input);
  const ends = await Promise.allSettled(
    messages.map(({ notification: message, target }) => sendNotification(message, input.targets[target]!)),
  );
  const lines = ends.map((end, index) => {
    const { notification: message, target } = messages[index]!;
    const what = `${message.event} by ${input.targets[target]!.channel}`;
    return end.status === 'fulfilled' ? `- ${what}: sent` : `- ${what}: ${causeOf(end.reason)}`;
  });
  setCurrentDetails(
    compose([messages.length === 0 ? 'Nothing that was not said before, or that somebody asked for.' : lines.join('\n')], []),
  );
  const failed = ends.filter(({ status }) => status === 'rejected').length;
  if (failed > 0)
    throw ApplicationFailure.nonRetryable(`${failed} of ${messages.length} could not be told:\n${lines.join('\n')}`, 'NOTIFICATION_FAILED');
  return { sent: messages.length };
}

function causeOf(error: unknown): string {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  return cause instanceof Error ? cause.message : String(cause);
}
