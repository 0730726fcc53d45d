import { DEFAULT_RETRY, defineStep } from '../../src/core/step.ts';
import { FOLDS_MAX } from '../../src/data/folds/fold-config.ts';
import type { FoldConfig } from '../../src/data/folds/fold-config.ts';

export default defineStep<FoldConfig>({
  type: 'fold',
  version: 1,
  summary:
    'Holds one of k parts of the train split out as test split, as cross-validation does; "folds" of tune and train do it by themselves.',
  configSchema: {
    type: 'object',
    additionalProperties: false,
    required: ['folds', 'fold'],
    properties: {
      folds: { type: 'integer', minimum: 2, maximum: FOLDS_MAX, description: 'Parts of the train split.', examples: [5] },
      fold: { type: 'integer', minimum: 1, maximum: FOLDS_MAX, description: 'Which of them is held out; 1 is the first.', examples: [1] },
      by: {
        enum: ['hash', 'random', 'time'],
        default: 'hash',
        description:
          '"hash": each row goes where its own contents say, and stays there when rows are added. "random": parts of one size, also of every class. "time": a part comes after all rows that are learnt from; with a validation split, the rows between them are that.',
      },
      column: { type: 'string', minLength: 1, description: 'By time: the column that orders the rows.', examples: ['date'] },
      key: { type: 'string', minLength: 1, description: 'Rows with the same value of this column stay together.', examples: ['customer'] },
      stratify: {
        type: 'boolean',
        description: 'Every class is in every part, where it has rows enough. Default: where the label names classes.',
        examples: [true],
      },
      seed: { type: 'integer', minimum: 0, default: 1, description: 'Decides which rows make a part.' },
    },
  },
  inputs: { dataset: { kind: 'dataset', description: 'Its train split is divided; its test split is left out.' } },
  outputs: { dataset: { kind: 'dataset', description: 'What is held out as test split, the rest as train split; validation as it is.' } },
  timeouts: { startToCloseMs: 3_600_000, heartbeatMs: 60_000 },
  retry: DEFAULT_RETRY,
  cacheable: true,
  examples: [{ title: 'The first of five', config: { folds: 5, fold: 1, by: 'hash', seed: 1 } }],
  describe: ({ folds, fold, by }) => `fold ${fold} of ${folds} is held out, by ${by}`,
  check: ({ folds, fold, by, column, key }) => [
    ...(fold > folds ? [{ pointer: '/fold', message: `There is no fold ${fold} of ${folds}.`, fix: `Write 1 to ${folds}.` }] : []),
    ...(by !== 'time' && column !== undefined
      ? [{ pointer: '/column', message: `Folds by ${by} have no "column".`, fix: 'Use "by": "time", or remove "column".' }]
      : []),
    ...(by === 'time' && key !== undefined
      ? [{ pointer: '/key', message: 'Folds by time have no "key".', fix: 'Remove "key", or divide by hash or random.' }]
      : []),
  ],
  async run(ctx, config, inputs) {
    const { holdOut } = await import('../../src/data/folds/hold-out.ts');
    return holdOut(ctx, config, inputs['dataset']!);
  },
});
