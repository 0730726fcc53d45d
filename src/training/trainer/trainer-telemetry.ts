import { measure, telemetryIsOn, traced } from '../../telemetry/telemetry.ts';
import type { TrainerHooks } from './train.ts';
import type { TrainerMessage } from './protocol.ts';

/** The work of a trainer process as a span of the step that started it (by TRACEPARENT), and what it tells of its progress as metrics. */
export async function tellTraining(hooks: TrainerHooks, train: (hooks: TrainerHooks) => Promise<void>): Promise<void> {
  if (!telemetryIsOn()) return train(hooks);
  return traced('train', { from: process.env }, (span) => {
    let epoch = 0;
    const told = (message: TrainerMessage): void => {
      if (message.type === 'started') {
        span.set({ 'perennial.engine': message.engine, 'perennial.resumed_epoch': message.resumedEpoch });
        epoch = message.resumedEpoch;
      }
      if (message.type === 'progress') {
        span.set({ 'perennial.epochs': message.epochs });
        if (message.epoch > epoch) measure('perennial.trainer.epochs', message.epoch - epoch);
        epoch = Math.max(epoch, message.epoch);
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
