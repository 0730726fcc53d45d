import { integerOption, optionsSchema } from '../options.ts';
import { defineStopper } from './stopper.ts';
import { promoted, rungs, valueAt, valuesAt } from './shared/rungs.ts';

interface Config {
  readonly factor?: number;
  readonly minEpochs?: number;
}

const FACTOR = 3;

export default defineStopper<Config>({
  name: 'asha',
  aliases: ['successiveHalving', 'asynchronousSuccessiveHalving'],
  summary:
    'Successive halving that waits for no other trial: of those that reach a ninth of their epochs, the best third goes on, and so at a third.',
  configSchema: optionsSchema('When trials are compared, and how many go on.', {
    factor: integerOption('One in so many goes on, and gets as many times the epochs.', 2, FACTOR),
    minEpochs: {
      type: 'integer',
      minimum: 1,
      description:
        'Epochs that every trial gets; by itself the most epochs of a trial / factor², at least 1. Fewer save more, and favour trials that learn fast over those that learn well.',
      examples: [2],
    },
  }),
  reference: 'https://arxiv.org/abs/1810.05934',
  asksAt: (epochs, config) => rungsOf(epochs, config),
  stops({ direction, others, trial, epochs, config }) {
    const epoch = rungsOf(epochs, config).findLast((rung) => valueAt(trial, rung) !== undefined);
    if (epoch === undefined) return false;
    return !promoted(valueAt(trial, epoch)!, valuesAt(others, epoch), config.factor ?? FACTOR, direction);
  },
});

function rungsOf(epochs: number, { factor = FACTOR, minEpochs }: Config): number[] {
  return rungs(minEpochs ?? Math.max(1, Math.floor(epochs / factor ** 2)), factor, epochs);
}
