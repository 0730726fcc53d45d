import type { JsonObject, JsonSchema } from '../core/json.ts';
import type { EngineChoice } from './trainer/create-engine.ts';
import type { ClassWeights } from './trainer/labels.ts';
import type { Named } from './named.ts';
import { nameAndConfig } from './named.ts';
import { bool, integer, number } from './schema-parts.ts';
import type { ModelConfig } from './model-config.ts';

/** `with` of a train step, defaults filled in. */
export interface TrainConfig {
  readonly model: ModelConfig;
  readonly optimizer: Named;
  readonly learningRate?: number;
  readonly loss?: Named;
  readonly epochs: number;
  readonly batchSize: number;
  readonly seed: number;
  readonly shuffle: boolean;
  readonly engine: EngineChoice;
  readonly classWeights?: ClassWeights;
  readonly callbacks: readonly Named[];
  readonly checkpoint: { readonly everyEpochs?: number; readonly everySeconds: number; readonly keep: number };
  readonly validation: { readonly everyEpochs: number };
}

const TRAIN_DEFAULTS = {
  optimizer: 'adam', epochs: 20, batchSize: 32, seed: 1, shuffle: true, engine: 'auto' as EngineChoice, callbacks: [] as Named[],
  checkpoint: { everySeconds: 5, keep: 2 }, validation: { everyEpochs: 1 },
} as const;

export const trainConfigSchema: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['model'],
  properties: {
    model: {
      description: 'An architecture with its settings, or the layers themselves.',
      examples: [{ architecture: 'mlp', units: [32, 16], dropout: 0.1 }],
      oneOf: [
        { $ref: '#/definitions/architecture' },
        {
          type: 'object',
          additionalProperties: false,
          required: ['layers'],
          properties: {
            layers: {
              type: 'array', minItems: 1, maxItems: 1_000, items: { $ref: '#/definitions/layer' },
              description: 'The layers in order. Each reads the one before it, or those it names in "inputs". The last one gives the output.',
              examples: [[{ type: 'dense', units: 16, activation: 'relu' }, { type: 'dense', units: 3, activation: 'softmax' }]],
            },
          },
        },
      ],
    },
    optimizer: { allOf: [{ $ref: '#/definitions/optimizer' }], default: TRAIN_DEFAULTS.optimizer, description: 'How gradients become updates.', examples: ['adam', { sgd: { momentum: 0.9 } }] },
    learningRate: number("Learning rate of the optimizer. Default: the optimizer's own.", undefined, 0.001, { exclusiveMinimum: 0 }),
    loss: { allOf: [{ $ref: '#/definitions/loss' }], description: 'What is minimized. Default: categoricalCrossentropy for classes, meanSquaredError for numbers.', examples: ['categoricalCrossentropy'] },
    epochs: integer('Passes over the training rows.', TRAIN_DEFAULTS.epochs, 60),
    batchSize: integer('Rows per update.', TRAIN_DEFAULTS.batchSize, 64),
    seed: { type: 'integer', minimum: 0, maximum: 2_147_483_647, default: TRAIN_DEFAULTS.seed, description: 'Decides initial weights, order and dropout: the same document, data and seed give the same model.', examples: [7] },
    shuffle: bool('Take the rows in a new order in each epoch.', TRAIN_DEFAULTS.shuffle),
    engine: {
      enum: ['auto', 'compiled', 'eager'], default: TRAIN_DEFAULTS.engine, examples: ['eager'],
      description: '"compiled" records one step of training into a TensorFlow graph, many times faster; "eager" runs operation by operation; "auto" compiles where it can, and says why where it cannot.',
    },
    classWeights: {
      description: '"balanced": each class weighs the same in the loss, however rare; or a weight per class.',
      examples: ['balanced', { spam: 2, ham: 1 }],
      oneOf: [{ const: 'balanced' }, { type: 'object', minProperties: 1, additionalProperties: { type: 'number', exclusiveMinimum: 0 } }],
    },
    callbacks: { type: 'array', items: { $ref: '#/definitions/callback' }, maxItems: 16, default: [], description: 'What happens between epochs.', examples: [[{ earlyStopping: { patience: 10 } }]] },
    checkpoint: {
      type: 'object', additionalProperties: false, default: TRAIN_DEFAULTS.checkpoint,
      description: 'When the state of training is saved, so that an interrupted step goes on from there.',
      examples: [{ everyEpochs: 1, keep: 3 }],
      properties: {
        everyEpochs: integer('Save after so many epochs, besides every so many seconds.', undefined, 1),
        everySeconds: number('Save after so many seconds, also in the middle of an epoch; at the end of an epoch after a fifth of them.', TRAIN_DEFAULTS.checkpoint.everySeconds, 30, { minimum: 0 }),
        keep: integer('Newest checkpoints that are kept.', TRAIN_DEFAULTS.checkpoint.keep, 3),
      },
    },
    validation: {
      type: 'object', additionalProperties: false, default: TRAIN_DEFAULTS.validation,
      description: 'When the validation rows are looked at.', examples: [{ everyEpochs: 5 }],
      properties: { everyEpochs: integer('Epochs between looks; the last epoch is always one.', TRAIN_DEFAULTS.validation.everyEpochs, 5) },
    },
  },
};

/** Fills in what a document may leave out. */
export function completeTrainConfig(config: JsonObject): TrainConfig {
  const given = config as unknown as TrainConfig;
  return {
    ...TRAIN_DEFAULTS,
    ...given,
    checkpoint: { ...TRAIN_DEFAULTS.checkpoint, ...given.checkpoint },
    validation: { ...TRAIN_DEFAULTS.validation, ...given.validation },
  };
}

/** The optimizer with `learningRate` of the step put into its settings. */
export function optimizerOf(config: TrainConfig): Named {
  if (config.learningRate === undefined) return config.optimizer;
  const [name, settings] = nameAndConfig('optimizer', config.optimizer);
  return { [name]: { ...settings, learningRate: config.learningRate } };
}

/** A training in a few words, e.g. "mlp 32, 16; adam; up to 60 epochs". */
export function describeTraining({ model, optimizer, epochs }: TrainConfig): string {
  const units = 'architecture' in model && Array.isArray(model.units) ? ` ${model.units.join(', ')}` : '';
  const network = 'architecture' in model ? `${model.architecture}${units}` : `${(model.layers as readonly unknown[]).length} layers`;
  return `${network}; ${nameAndConfig('optimizer', optimizer)[0]}; up to ${epochs} epoch${epochs === 1 ? '' : 's'}`;
}
