import { isPerennialError } from '../../src/core/errors.ts';
import { DEFAULT_RETRY, defineStep } from '../../src/core/step.ts';
import type { ConfigProblem } from '../../src/core/step.ts';
import { checkChain, parseChain } from '../../src/data/chain.ts';
import type { PreprocessConfig } from '../../src/data/preprocess.ts';

const chain = { type: 'array', items: { $ref: '#/definitions/transform' } } as const;

function checkFeatures(config: PreprocessConfig): ConfigProblem[] {
  return Object.entries(config.features ?? {}).flatMap(([name, specs]) => {
    const pointer = `/features/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    try {
      const mistake = checkChain(parseChain(specs, name), undefined);
      return mistake === undefined ? [] : [{ pointer: mistake.at < specs.length ? `${pointer}/${mistake.at}` : pointer, message: mistake.message, fix: mistake.fix }];
    } catch (error) {
      if (isPerennialError(error)) return [{ pointer, message: error.message, fix: error.hint }];
      throw error;
    }
  });
}

interface IngestFacts {
  readonly label?: string;
  readonly split?: { readonly by?: string; readonly column?: string };
}

export default defineStep<PreprocessConfig>({
  type: 'preprocess',
  version: 1,
  summary: 'Learns the transforms of the columns from the train split and turns all splits into tensors.',
  configSchema: {
    type: 'object',
    additionalProperties: false,
    properties: {
      features: {
        type: 'object',
        minProperties: 1,
        additionalProperties: chain,
        description: 'Columns that the model learns from, each with its transforms in order; other columns are not used. Numbers and one-hot columns are joined, in this order, to the input "features"; token ids and images are inputs of their own, named by the column. Left out: every column but the label gets the transforms that suit its type.',
        examples: [{ body_mass_g: [{ impute: 'median' }, 'standardize'], island: ['oneHot'] }],
      },
      label: { ...chain, maxItems: 1, description: 'Scaling of a numeric label: "standardize" (the default), "minMax", or none ([]). Answers and metrics are scaled back.', examples: [['minMax'], []] },
      task: { enum: ['auto', 'classification', 'regression'], default: 'auto', description: 'auto: text, true/false, and integers with at most 20 distinct values are classes; other numbers are regressed.' },
      sequence: {
        type: 'object',
        additionalProperties: false,
        required: ['size', 'by'],
        description: 'Windows of consecutive rows as inputs [size, width], for recurrent and convolutional models. Needs a split by the same time.',
        properties: {
          size: { type: 'integer', minimum: 1, maximum: 10_000, description: 'Rows per window.', examples: [14] },
          horizon: { type: 'integer', minimum: 1, default: 1, description: 'The label is its value so many rows after the last row of the window.' },
          by: { type: 'string', minLength: 1, description: 'Column that orders the rows.', examples: ['date'] },
        },
      },
      balance: {
        description: 'Brings the classes of the train split to one size; validation and test stay as they are.',
        oneOf: [
          { enum: ['oversample', 'undersample'], description: 'Repeat rows of the smaller classes, or leave out rows of the larger ones.' },
          {
            type: 'object', additionalProperties: false, required: ['smote'],
            properties: { smote: { type: 'object', additionalProperties: false, properties: { k: { type: 'integer', minimum: 1, maximum: 100, default: 5, description: 'Nearest neighbours to draw towards.' } }, description: 'Synthetic rows between neighbours of a class (numeric features only).' } },
          },
        ],
        examples: ['oversample', { smote: { k: 5 } }],
      },
      seed: { type: 'integer', minimum: 0, default: 1, description: 'Seed of balancing and of sampled quantiles.' },
    },
  },
  inputs: { dataset: { kind: 'dataset', description: 'What ingest or validate gives.' } },
  outputs: { examples: { kind: 'examples', description: 'Tensors in shards and the fitted preprocessing.' } },
  timeouts: { startToCloseMs: 3_600_000, heartbeatMs: 60_000 },
  retry: DEFAULT_RETRY,
  cacheable: true,
  examples: [
    { title: 'Table', config: { features: { body_mass_g: [{ impute: 'median' }, 'standardize'], island: ['oneHot'] } } },
    { title: 'Automatic', config: {} },
    { title: 'Images', config: { features: { image: [{ resize: [28, 28] }, 'grayscale', 'rescale'] } } },
    { title: 'Time series', config: { features: { temp_max: ['standardize'] }, label: ['standardize'], sequence: { size: 14, horizon: 1, by: 'date' } } },
  ],
  check(config, { before }) {
    const problems = checkFeatures(config);
    const ingest = before.findLast((step) => step.type === 'ingest')?.config as IngestFacts | undefined;
    if (ingest === undefined) return problems;
    if (config.sequence !== undefined && (ingest.split?.by !== 'time' || ingest.split.column !== config.sequence.by)) {
      problems.push({ pointer: '/sequence/by', message: `Windows over "${config.sequence.by}" need a dataset that is split by that time.`, fix: `Use "split": {"by": "time", "column": "${config.sequence.by}"} in the ingest step.` });
    }
    if (config.sequence === undefined && ingest.label !== undefined && Object.hasOwn(config.features ?? {}, ingest.label)) {
      problems.push({ pointer: `/features/${ingest.label}`, message: `"${ingest.label}" is the label; a model that is given the answer learns nothing.`, fix: 'Remove it from the features.' });
    }
    if (config.sequence !== undefined && config.balance !== undefined) problems.push({ pointer: '/balance', message: 'Windows of a series cannot be balanced.', fix: 'Use "classWeights": "balanced" in the train step.' });
    return problems;
  },
  // The order of the features is the order of the model's inputs, and canonical JSON, which cache keys are made of, does not see it.
  fingerprint: async (_ctx, config) => Object.keys(config.features ?? {}),
  describe({ features }) {
    const names = Object.keys(features ?? {});
    return names.length === 0 ? 'every column but the label, by its type' : `${names.length} column${names.length === 1 ? '' : 's'}: ${names.join(', ')}`;
  },
  async run(ctx, config, inputs) {
    const { preprocess } = await import('../../src/data/preprocess.ts');
    return preprocess(ctx, config, inputs.dataset!);
  },
});
