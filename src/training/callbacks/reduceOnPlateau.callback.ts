import { defineCallback } from './callback.ts';
import { Monitor, monitorProperties } from './metric-watch.ts';
import type { MonitorConfig } from './metric-watch.ts';
import { integer, number } from '../model/schema-parts.ts';

interface Config extends MonitorConfig {
  readonly factor: number;
  readonly patience: number;
  readonly cooldown: number;
  readonly minLearningRate: number;
}

export default defineCallback<Config>({
  name: 'reduceOnPlateau',
  summary: 'Lowers the learning rate when a number no longer improves.',
  properties: {
    ...monitorProperties,
    factor: number('Factor of the learning rate.', 0.5, 0.2, { exclusiveMinimum: 0, exclusiveMaximum: 1 }),
    patience: integer('Epochs without improvement after which it is lowered.', 5, 3),
    cooldown: integer('Epochs after a reduction that are not counted.', 0, 2, 0),
    minLearningRate: number('It is never lowered below this.', 0, 1e-6, { minimum: 0 }),
  },
  create(config, facts) {
    const monitor = new Monitor('reduceOnPlateau', config, facts);
    let factor = 1;
    let cooling = 0;
    return {
      learningRateFactor: () => factor,
      epochEnd(_epoch, numbers, learningRate) {
        const improved = monitor.see(numbers);
        if (cooling > 0) {
          cooling--;
          monitor.waited = improved === false && cooling === 0 ? 1 : 0;
        }
        if (improved !== false || cooling > 0 || monitor.waited < config.patience || learningRate <= config.minLearningRate) return {};
        const reduced = Math.max(learningRate * config.factor, config.minLearningRate);
        factor *= reduced / learningRate;
        cooling = config.cooldown;
        monitor.waited = 0;
        return { note: `learning rate lowered to ${reduced.toPrecision(4)}` };
      },
      state: () => ({ ...monitor.state(), factor, cooling }),
      restore(state) {
        monitor.restore(state);
        factor = state.factor as number;
        cooling = state.cooling as number;
      },
    };
  },
});
