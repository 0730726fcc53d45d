import { measure, telemetryIsOn, traced } from '../../telemetry/telemetry.ts';
import type { TrainerHooks } from './train.ts';
import type { TrainerMessage } from './protocol.ts';

/** The work of a trainer process as a span of the step that started it (by TRACEPARENT), and what it tells of its progress as metrics. */
export async function tellTraining(hooks: TrainerHooks, train: (hooks: TrainerHooks) => Promise<void>): Promise<void> {
  if (!telemetryIsOn()) return train(hooks);
  return traced('train', { from: process.env }, (span) => {
    const told = (message: TrainerMessage): void => {
      if (message.type === 'started')
        span.set({
          'perennial.engine': message.engine,
          'perennial.epochs': message.curve.epochs,
          'perennial.resumed_epoch': message.resumedEpoch,
        });
      if (message.type === 'epoch') measure('perennial.trainer.epochs', 1);
      if (message.type === 'progress') {
        measure('perennial.trainer.examples.rate', message.samplesPerSecond);
        measure('perennial.trainer.memory', process.memoryUsage.rss());
      }
    };
    return train({
      ...hooks,
      send: (message) => {
        told(message);
        hooks.send(message);
      },
    });
  });
}
