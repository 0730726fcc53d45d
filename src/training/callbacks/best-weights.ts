import type { Callback, TrainingFacts } from './callback.ts';
import { BEST, Monitor } from './metric-watch.ts';
import type { MonitorConfig } from './metric-watch.ts';

const DEFAULTS: MonitorConfig = { monitor: 'validationLoss', better: 'auto', minDelta: 0 };

/** Keeps the weights of the epoch in which a number was best: the model is that of this epoch. @throws CONFIG_INVALID */
export function bestWeights(config: Partial<MonitorConfig>, facts: TrainingFacts): Callback {
  const monitor = new Monitor(BEST, { ...DEFAULTS, ...config }, facts);
  return {
    restoreBest: true,
    epochEnd: (_epoch, numbers) => ({ improved: monitor.see(numbers) === true }),
    state: () => monitor.state(),
    restore: (state) => monitor.restore(state),
  };
}
