import type { Change } from '../core/change.ts';
import { noticeOf } from '../core/notices.ts';
import type { NotificationTarget } from '../core/notification.ts';
import { defineSink } from '../events/sinks/sink.ts';
import type { SinkDefinition } from '../events/sinks/sink.ts';
import { connectTemporal, temporalError } from '../runs/connect.ts';
import type { Temporal } from '../runs/connect.ts';

/**
 * The sink by which people hear of changes that no run and no check ends with: it starts the workflow that tells them of those, too. With
 * that the change is in Temporal's hands.
 */
export class People {
  #temporal: Temporal | undefined;

  /** @param pipeline whose people */
  sink(pipeline: string): SinkDefinition {
    return defineSink<{ readonly targets: readonly NotificationTarget[] }>({
      name: 'people',
      summary: 'Whom "on.notify" of the document names.',
      configSchema: {},
      reference: '',
      concurrency: 1,
      send: async ({ id, body }, { targets }) => {
        const notice = noticeOf(JSON.parse(body) as Change, { pipeline, targets, id });
        if (notice === undefined) return;
        this.#temporal ??= await connectTemporal();
        try {
          await this.#temporal.client.workflow.start('notification', {
            workflowId: `notify/${pipeline}/${id}`,
            taskQueue: this.#temporal.settings.taskQueue,
            workflowIdReusePolicy: 'REJECT_DUPLICATE',
            args: [notice],
            staticSummary: `${pipeline}: tell of ${notice.events.join(', ')}`,
          });
        } catch (error) {
          // It was started by somebody who was killed before the change could be taken away.
          if ((error as Error).name !== 'WorkflowExecutionAlreadyStartedError') throw temporalError(error, 'Telling people');
        }
      },
    });
  }

  async close(): Promise<void> {
    await this.#temporal?.close();
  }
}
