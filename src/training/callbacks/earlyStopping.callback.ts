import { defineCallback } from './callback.ts';
import { Monitor, monitorProperties } from './metric-watch.ts';
import type { MonitorConfig } from './metric-watch.ts';
import { bool, integer, number } from '../model/schema-parts.ts';

interface Config extends MonitorConfig {
  readonly patience: number;
  readonly restoreBest: boolean;
  readonly startFromEpoch: number;
  readonly baseline?: number;
}

export default defineCallback<Config>({
  name: 'earlyStopping',
  summary: 'Ends training when a number no longer improves.',
  properties: {
    ...monitorProperties,
    patience: integer('Epochs without improvement after which training ends.', 5, 10),
    restoreBest: bool('End with the weights of the best epoch, also where training was not cut short.', true),
    baseline: number('What the number must beat: until it does, every epoch counts as one without improvement.', undefined, 0.5),
    startFromEpoch: integer('First epoch that counts.', 1, 5),
  },
  create(config, facts) {
    const monitor = new Monitor('earlyStopping', config, facts, config.baseline);
    return {
      restoreBest: config.restoreBest,
      epochEnd(epoch, numbers) {
        if (epoch < config.startFromEpoch) return {};
        const improved = monitor.see(numbers);
        const stop = improved !== undefined && monitor.waited >= config.patience ? { stop: monitor.describe() } : {};
        return improved === true ? { improved, ...stop } : stop;
      },
      state: () => monitor.state(),
      restore: (state) => monitor.restore(state),
    };
  },
});
