import type { Json, JsonObject, JsonSchema } from '../../core/json.ts';
import type { EngineChoice } from '../trainer/create-engine.ts';
import type { SearchSettings } from '../trainer/learning-rate-search.ts';
import type { SpreadKind } from '../trainer/spreads.ts';
import type { ClassWeights } from '../trainer/labels.ts';
import type { EmaConfig } from '../trainer/update-rule.ts';
import type { Named } from '../model/named.ts';
import { nameAndConfig } from '../model/named.ts';
import { mixingProperties } from '../objectives/shared/mixing.ts';
import { monitorProperties } from '../callbacks/metric-watch.ts';
import type { MonitorConfig } from '../callbacks/metric-watch.ts';
import { reconstructionProperties } from '../objectives/shared/reconstruction.ts';
import { bool, integer, number } from '../model/schema-parts.ts';
import { isTransfer, transferSchema } from '../transfer/transfer-config.ts';
import type { TransferConfig } from '../transfer/transfer-config.ts';
import type { ModelConfig } from '../model/model-config.ts';

/** `with` of a train step, defaults filled in. */
export interface TrainConfig {
  readonly model: ModelConfig | TransferConfig;
  readonly optimizer: Named;
  readonly learningRate?: number | 'find' | { readonly find: Partial<SearchSettings> };
  readonly loss?: Named;
  readonly objective?: Named;
  /** Of several outputs, by label. */
  readonly losses?: Readonly<Record<string, Named>>;
  readonly lossWeights?: Readonly<Record<string, number>>;
  /** Cross-validation before it; by then a plan has it beside the configuration. */
  readonly folds?: number | { readonly count: number; readonly metrics?: readonly Json[] };
  readonly epochs: number;
  /** Batches in all: training ends with them where epochs have not ended it before. */
  readonly steps?: number;
  /** Batches per update. */
  readonly gradientAccumulation: number;
  readonly batchSize: number;
  /** How rows come together in batches; left out: as they come. */
  readonly batches?: { readonly by: 'length'; readonly buckets?: number };
  readonly seed: number;
  readonly shuffle: boolean;
  readonly engine: EngineChoice;
  readonly classWeights?: ClassWeights;
  readonly callbacks: readonly Named[];
  /** Absent in plans of before it could be declared: as "off". */
  readonly earlyStopping?: 'auto' | 'off';
  readonly checkpoint: {
    readonly everyEpochs?: number;
    readonly everySteps?: number;
    readonly everySeconds: number;
    readonly keep: number;
    readonly best?: Partial<MonitorConfig>;
  };
  readonly ema?: { readonly momentum?: number; readonly overwriteEvery?: number };
  readonly mixUp?: { readonly alpha?: number };
  readonly cutMix?: { readonly alpha?: number };
  readonly validation: { readonly everyEpochs: number; readonly rows?: number };
  readonly histograms?: { readonly of?: readonly SpreadKind[]; readonly everyEpochs?: number };
}

/** Lengths of batches by length, where none are given. */
export const BUCKETS = 4;

const TRAIN_DEFAULTS = {
  optimizer: 'adam',
  epochs: 20,
  gradientAccumulation: 1,
  batchSize: 32,
  seed: 1,
  shuffle: true,
  engine: 'auto' as EngineChoice,
  callbacks: [] as Named[],
  checkpoint: { everySeconds: 5, keep: 2 },
  validation: { everyEpochs: 1 },
} as const;

/** Forms of a model that starts from nothing. */
const SCRATCH: readonly JsonSchema[] = [
  { $ref: '#/definitions/architecture' },
  {
    type: 'object',
    additionalProperties: false,
    required: ['layers'],
    properties: {
      outputs: {
        type: 'object',
        minProperties: 1,
        additionalProperties: { type: 'string' },
        description: 'For several labels: the name of the layer that gives each.',
        examples: [{ species: 'kind', body_mass_g: 'mass' }],
      },
      layers: {
        type: 'array',
        minItems: 1,
        maxItems: 1_000,
        items: { $ref: '#/definitions/layer' },
        description: 'The layers in order. Each reads the one before it, or those it names in "inputs". The last one gives the output.',
        examples: [
          [
            { type: 'dense', units: 16, activation: 'relu' },
            { type: 'dense', units: 3, activation: 'softmax' },
          ],
        ],
      },
    },
  },
];

const EMA_MOMENTUM = 0.99;

const HISTOGRAM_DEFAULTS = { of: ['weights', 'gradients'] as SpreadKind[], everyEpochs: 1 };

const SEARCH_DEFAULTS: SearchSettings = { steps: 100, from: 1e-6, to: 10 };

export const trainConfigSchema: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['model'],
  properties: {
    model: {
      description: 'An architecture with its settings, the layers themselves, or a model to start from.',
      examples: [
        { architecture: 'mlp', units: [32, 16], dropout: 0.1 },
        { from: { model: 'digits', version: 'champion' }, head: 'replace', freeze: ['*'] },
      ],
      oneOf: [...SCRATCH, transferSchema(SCRATCH)],
    },
    optimizer: {
      allOf: [{ $ref: '#/definitions/optimizer' }],
      default: TRAIN_DEFAULTS.optimizer,
      description: 'How gradients become updates.',
      examples: ['adam', { sgd: { momentum: 0.9 } }],
    },
    learningRate: {
      description:
        'Learning rate of the optimizer; default: its own. "find": before training, a search at rising rates from the initial weights takes the one at which the loss has fallen half of its way; its curve is part of the model.',
      examples: [0.001, 'find', { find: { steps: 200 } }],
      oneOf: [
        { type: 'number', exclusiveMinimum: 0 },
        { enum: ['find'] },
        {
          type: 'object',
          additionalProperties: false,
          required: ['find'],
          properties: {
            find: {
              type: 'object',
              additionalProperties: false,
              description: 'How it is searched for.',
              examples: [{ steps: 200 }],
              properties: {
                steps: { ...integer('Updates of the search.', SEARCH_DEFAULTS.steps, 200, 10), maximum: 10_000 },
                from: number('Lowest rate.', SEARCH_DEFAULTS.from, 1e-5, { exclusiveMinimum: 0 }),
                to: number('Highest rate; the search ends earlier where the loss has gone up.', SEARCH_DEFAULTS.to, 1, {
                  exclusiveMinimum: 0,
                }),
              },
            },
          },
        },
      ],
    },
    loss: {
      allOf: [{ $ref: '#/definitions/loss' }],
      description: 'What is minimized. Default: categoricalCrossentropy for classes, meanSquaredError for numbers.',
      examples: ['categoricalCrossentropy'],
    },
    losses: {
      type: 'object',
      minProperties: 1,
      additionalProperties: { $ref: '#/definitions/loss' },
      description: 'Of a model with several outputs: the loss of each, by its label. Those left out get the usual one.',
      examples: [{ species: 'categoricalCrossentropy', body_mass_g: { huber: { delta: 1 } } }],
    },
    lossWeights: {
      type: 'object',
      minProperties: 1,
      additionalProperties: { type: 'number', minimum: 0 },
      description: 'Of a model with several outputs: factor of each loss in the sum, by its label. Default: 1.',
      examples: [{ body_mass_g: 0.5 }],
    },
    objective: {
      description:
        'What is learned. Default: "reconstruction" for the architecture autoencoder, else "supervised": from the label. "reconstruction": explicit "layers" rebuild their inputs, and labels are not read. "nextToken": the architecture transformer or rnn, or causal "layers", tell the next token of a tokenized text at every place, as a language model; labels are not read.',
      examples: ['reconstruction', 'nextToken', { reconstruction: { quantile: 0.995 } }],
      oneOf: [
        { enum: ['supervised', 'reconstruction', 'nextToken'] },
        {
          type: 'object',
          additionalProperties: false,
          required: ['reconstruction'],
          properties: {
            reconstruction: {
              type: 'object',
              additionalProperties: false,
              description: 'How the rebuilt rows are judged.',
              properties: reconstructionProperties,
            },
          },
        },
      ],
    },
    folds: {
      description:
        'k-fold cross-validation before the training: as many models, each trained without one part of the train split and measured on it, preprocessing and all. The step gives the mean of every metric as "METRICMean" and its standard deviation as "METRICDeviation". The model of the step, which is what is registered, is trained after that on all of the train split. The parts follow the split: by hash a row stays in its part when rows are added, "key" keeps rows together, by time a part comes after all that is learnt from, and classes are in all parts. Default: none.',
      examples: [5, { count: 10, metrics: ['accuracy'] }],
      oneOf: [
        { type: 'integer', minimum: 2, maximum: 20 },
        {
          type: 'object',
          additionalProperties: false,
          required: ['count'],
          properties: {
            count: { type: 'integer', minimum: 2, maximum: 20, description: 'Parts of the train split.', examples: [10] },
            metrics: {
              type: 'array',
              minItems: 1,
              maxItems: 32,
              items: { $ref: '#/definitions/metric' },
              description: 'What is measured. Default: what suits the label.',
              examples: [['accuracy', 'logLoss']],
            },
          },
        },
      ],
    },
    epochs: integer(`Passes over the training rows. Default: ${TRAIN_DEFAULTS.epochs}, or as many as "steps" take.`, undefined, 60),
    steps: integer(
      'Batches in all, in place of epochs: the last epoch ends early. With "epochs" too, training ends with what comes first.',
      undefined,
      1_000,
    ),
    gradientAccumulation: integer(
      'Batches whose gradients are averaged for one update: rows per update are so many times "batchSize", at the memory of one batch.',
      TRAIN_DEFAULTS.gradientAccumulation,
      4,
    ),
    batchSize: integer(
      'Rows per batch; there is an update after each, or after "gradientAccumulation" of them.',
      TRAIN_DEFAULTS.batchSize,
      64,
    ),
    batches: {
      type: 'object',
      additionalProperties: false,
      required: ['by'],
      description:
        'How rows come together in batches. "length": texts of similar length, padded to the longest of few lengths and not to the longest text of all, which saves time where texts differ in length and padding does not count. Which rows meet follows from the seed.',
      examples: [{ by: 'length' }, { by: 'length', buckets: 6 }],
      properties: {
        by: { enum: ['length'], description: 'What the rows of a batch have in common.', examples: ['length'] },
        buckets: {
          ...integer('Lengths that there are at most, chosen so that there is least padding; training is compiled for each.', BUCKETS, 6),
          maximum: 16,
        },
      },
    },
    seed: {
      type: 'integer',
      minimum: 0,
      maximum: 2_147_483_647,
      default: TRAIN_DEFAULTS.seed,
      description: 'Decides initial weights, order and dropout: the same document, data and seed give the same model.',
      examples: [7],
    },
    shuffle: bool('Take the rows in a new order in each epoch.', TRAIN_DEFAULTS.shuffle),
    engine: {
      enum: ['auto', 'compiled', 'eager'],
      default: TRAIN_DEFAULTS.engine,
      examples: ['eager'],
      description:
        '"compiled" records one step of training into a TensorFlow graph, many times faster; "eager" runs operation by operation; "auto" compiles where it can, and says why where it cannot.',
    },
    classWeights: {
      description: '"balanced": each class weighs the same in the loss, however rare; or a weight per class.',
      examples: ['balanced', { spam: 2, ham: 1 }],
      oneOf: [{ const: 'balanced' }, { type: 'object', minProperties: 1, additionalProperties: { type: 'number', exclusiveMinimum: 0 } }],
    },
    ...mixingProperties,
    ema: {
      type: 'object',
      additionalProperties: false,
      examples: [{ momentum: 0.999 }],
      description: 'Exponential moving average of the weights: it is what the validation rows are looked at with, and becomes the model.',
      properties: {
        momentum: number(
          'Share of the average that an update keeps. 1 / (1 − momentum) updates are about what it looks back on.',
          EMA_MOMENTUM,
          0.999,
          { minimum: 0, maximum: 1 },
        ),
        overwriteEvery: integer('Updates after which training goes on from the average. Default: never.', undefined, 100),
      },
    },
    callbacks: {
      type: 'array',
      items: { $ref: '#/definitions/callback' },
      maxItems: 16,
      default: [],
      description: 'What happens between epochs.',
      examples: [[{ earlyStopping: { patience: 10 } }]],
    },
    earlyStopping: {
      enum: ['auto', 'off'],
      default: 'auto',
      description:
        '"auto": where there are validation rows, and neither "callbacks" nor "checkpoint.best" say otherwise, training ends once validationLoss has not improved for 5 epochs (of more than 50 for a tenth of them), and the model has the weights of its best epoch. "off": every epoch is run, and the model has the weights of the last.',
      examples: ['off'],
    },
    checkpoint: {
      type: 'object',
      additionalProperties: false,
      default: TRAIN_DEFAULTS.checkpoint,
      description: 'When the state of training is saved, so that an interrupted step goes on from there.',
      examples: [{ everyEpochs: 1, keep: 3 }],
      properties: {
        everyEpochs: integer('Save after so many epochs, besides every so many seconds.', undefined, 1),
        everySteps: integer('Save after so many batches, besides every so many seconds.', undefined, 500),
        everySeconds: number(
          'Save after so many seconds, also in the middle of an epoch; at the end of an epoch after a fifth of them. Less often where saving would take more than a twentieth of the time.',
          TRAIN_DEFAULTS.checkpoint.everySeconds,
          30,
          { minimum: 0 },
        ),
        keep: integer('Newest checkpoints that are kept.', TRAIN_DEFAULTS.checkpoint.keep, 3),
        best: {
          type: 'object',
          additionalProperties: false,
          properties: monitorProperties,
          examples: [{ monitor: 'accuracy' }],
          description:
            'Besides the newest, the weights of the epoch in which a number was best are kept, and become the model. They stand above "restoreBest" of the callback earlyStopping.',
        },
      },
    },
    validation: {
      type: 'object',
      additionalProperties: false,
      default: TRAIN_DEFAULTS.validation,
      description: 'When the validation rows are looked at.',
      examples: [{ everyEpochs: 5 }],
      properties: {
        everyEpochs: integer('Epochs between looks; the last epoch is always one.', TRAIN_DEFAULTS.validation.everyEpochs, 5),
        rows: integer('Only the first so many validation rows are looked at. Default: all.', undefined, 1_000),
      },
    },
    histograms: {
      type: 'object',
      additionalProperties: false,
      description:
        'How weights and gradients are spread at the ends of epochs, kept with the curves of the run: `perennial tensorboard` shows them. Gradients are those of the last batch of the epoch.',
      examples: [{}, { of: ['gradients'], everyEpochs: 5 }],
      properties: {
        of: {
          type: 'array',
          items: { enum: ['weights', 'gradients'] },
          uniqueItems: true,
          minItems: 1,
          default: HISTOGRAM_DEFAULTS.of,
          description: 'What is looked at.',
          examples: [['gradients']],
        },
        everyEpochs: integer('Epochs between looks.', HISTOGRAM_DEFAULTS.everyEpochs, 5),
      },
    },
  },
};

/** Fills in what a document may leave out. */
export function completeTrainConfig(config: JsonObject): TrainConfig {
  const given = config as unknown as TrainConfig;
  return {
    ...TRAIN_DEFAULTS,
    ...given,
    // An epoch is at least one batch, so that this never ends training before the steps do.
    epochs: given.epochs ?? given.steps ?? TRAIN_DEFAULTS.epochs,
    checkpoint: { ...TRAIN_DEFAULTS.checkpoint, ...given.checkpoint },
    validation: { ...TRAIN_DEFAULTS.validation, ...given.validation },
  };
}

/** What of a train step says which model is to be made. */
export function modelOf({
  model,
  objective,
  loss,
  losses,
  lossWeights,
}: TrainConfig): Pick<TrainConfig, 'model' | 'objective' | 'loss' | 'losses' | 'lossWeights'> {
  return {
    model,
    ...(objective === undefined ? {} : { objective }),
    ...(loss === undefined ? {} : { loss }),
    ...(losses === undefined ? {} : { losses }),
    ...(lossWeights === undefined ? {} : { lossWeights }),
  };
}

/** The optimizer with `learningRate` of the step put into its settings. */
export function optimizerOf(config: TrainConfig): Named {
  if (typeof config.learningRate !== 'number') return config.optimizer;
  const [name, settings] = nameAndConfig('optimizer', config.optimizer);
  return { [name]: { ...settings, learningRate: config.learningRate } };
}

/** How the learning rate is searched for; undefined where it is given. */
export function searchOf({ learningRate }: TrainConfig): SearchSettings | undefined {
  if (learningRate === 'find') return SEARCH_DEFAULTS;
  return typeof learningRate === 'object' ? { ...SEARCH_DEFAULTS, ...learningRate.find } : undefined;
}

/** What is kept of weights and gradients; undefined where nothing is. */
export function histogramsOf({ histograms }: TrainConfig): typeof HISTOGRAM_DEFAULTS | undefined {
  return histograms === undefined ? undefined : { ...HISTOGRAM_DEFAULTS, ...(histograms as Partial<typeof HISTOGRAM_DEFAULTS>) };
}

/** How weights are averaged; undefined where they are not. */
export function emaOf({ ema }: TrainConfig): EmaConfig | undefined {
  return ema === undefined ? undefined : { momentum: EMA_MOMENTUM, ...ema };
}

/** A training in a few words, e.g. "mlp 32, 16; adam; up to 60 epochs". */
export function describeTraining({ model, optimizer, epochs, steps, folds }: TrainConfig): string {
  const before = folds === undefined ? '' : `${typeof folds === 'number' ? folds : folds.count} folds, then `;
  return `${before}${isTransfer(model) ? describeTransfer(model) : describeNetwork(model)}; ${nameAndConfig('optimizer', optimizer)[0]}; up to ${[...(epochs === steps ? [] : [counted(epochs, 'epoch')]), ...(steps === undefined ? [] : [counted(steps, 'step')])].join(' or ')}`;
}

function describeNetwork(model: ModelConfig): string {
  const units = 'architecture' in model && Array.isArray(model.units) ? ` ${model.units.join(', ')}` : '';
  return 'architecture' in model ? `${model.architecture}${units}` : `${(model.layers as readonly unknown[]).length} layers`;
}

function describeTransfer({ from, head = 'keep', freeze }: TransferConfig): string {
  const base = 'model' in from ? `${from.model} ${from.version ?? 'champion'}` : 'file' in from ? from.file : 'the step before';
  return `from ${base}, ${head === 'keep' ? 'same' : 'new'} head${freeze === undefined ? '' : `, ${freeze.join(', ')} frozen`}`;
}

function counted(count: number, unit: string): string {
  return `${count} ${unit}${count === 1 ? '' : 's'}`;
}
