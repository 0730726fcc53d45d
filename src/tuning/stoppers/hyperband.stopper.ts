import { integerOption, optionsSchema } from '../options.ts';
import { defineStopper } from './stopper.ts';
import { bracketOf, bracketsOf } from './shared/brackets.ts';
import { promoted, rungs, valueAt, valuesAt } from './shared/rungs.ts';

interface Config {
  readonly factor?: number;
  readonly minEpochs?: number;
}

const FACTOR = 3;
const MIN_EPOCHS = 1;

export default defineStopper<Config>({
  name: 'hyperband',
  summary: 'Successive halving in several brackets, which begin to compare at different epochs, for curves that cross.',
  configSchema: optionsSchema('When trials are compared, and how many go on.', {
    factor: integerOption('One in so many goes on, and gets as many times the epochs.', 2, FACTOR),
    minEpochs: integerOption('Epochs that every trial gets.', 1, MIN_EPOCHS),
  }),
  reference: 'https://www.jmlr.org/papers/v18/16-558.html',
  asksAt: (epochs, { factor = FACTOR, minEpochs = MIN_EPOCHS }) => rungs(minEpochs, factor, epochs),
  stops({ direction, others, trial, epochs, config: { factor = FACTOR, minEpochs = MIN_EPOCHS } }) {
    const brackets = bracketsOf(epochs, minEpochs, factor);
    const bracket = bracketOf(brackets, trial.number);
    // A trial is compared with those of its bracket alone.
    const epoch = rungs(minEpochs * factor ** bracket, factor, epochs).findLast((rung) => valueAt(trial, rung) !== undefined);
    if (epoch === undefined) return false;
    const rivals = others.filter(({ number }) => bracketOf(brackets, number) === bracket);
    return !promoted(valueAt(trial, epoch)!, valuesAt(rivals, epoch), factor, direction);
  },
});
