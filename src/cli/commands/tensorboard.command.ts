import { InvalidArgumentError } from 'commander';
import { defineCommand } from './command.ts';
import type { TensorboardOptions } from '../tensorboard/show.ts';

export default defineCommand({
  register(program, io) {
    program
      .command('tensorboard')
      .summary('trainings as TensorBoard events')
      .description('Write the trainings of runs as TensorBoard events, and show them with TensorBoard where it is installed.')
      .argument('[runs...]', 'default: the newest ones, and those that begin meanwhile')
      .option('--export <folder>', 'only write the events below this folder; start nothing')
      .option('--pipeline <name>', 'without RUN: only those of one pipeline')
      .option('--limit <n>', 'without RUN: at most so many', wholeNumber(1), 20)
      .option('--port <n>', 'port of TensorBoard on 127.0.0.1; 0: a free one', wholeNumber(0), 6006)
      .addHelpText(
        'after',
        `
Of each training there is a run per side, PIPELINE/RUN/STEP/train and …/validation, with the tags of Keras (epoch_loss, epoch_accuracy,
epoch_learning_rate), from the first epoch on: of failed, cancelled and running trainings too, without a gap over kills and retries.
Beside them stand the network, the hyperparameters, pictures that the model made, and the rows of the test split at which it errs most.
Histograms of weights and gradients are there where the document asks for them: "histograms": {} in the train step.
While TensorBoard is open, what running trainings add is written on.

Examples:
  perennial tensorboard
  perennial tensorboard penguins/20260131-174501-x7k2 penguins/20260131-180102-a1b2
  perennial tensorboard --pipeline penguins --export ./events`,
      )
      .action(async (runs: string[], options: TensorboardOptions) => {
        const { showTensorboard } = await import('../tensorboard/show.ts');
        await showTensorboard(runs, options, io);
      });
  },
});

/** @throws InvalidArgumentError for what is no whole number from `least` on */
function wholeNumber(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === '' || !Number.isSafeInteger(value) || value < least)
      throw new InvalidArgumentError(`expected a whole number from ${least}.`);
    return value;
  };
}
