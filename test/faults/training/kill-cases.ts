import type { Json } from '../../../src/core/json.ts';
import { classTable, imageTable, numberTable, textTable, tokenTable } from '../../unit/training/fixtures.ts';
import type { Table } from '../../unit/training/fixtures.ts';

/**
 * A short training: the configuration of a train step without what the test decides (checkpoints), and that of the model it starts from.
 */
export type KillCase = readonly [
  title: string,
  table: () => Table,
  config: Readonly<Record<string, Json>>,
  base?: Readonly<Record<string, Json>>,
];

/** One line per kind of model and of state that a checkpoint must hold. */
export const KILL_CASES: readonly KillCase[] = [
  [
    'mlp with dropout, batch normalization and callbacks',
    () => classTable(120),
    {
      model: { architecture: 'mlp', units: [12, 8], dropout: 0.2, batchNormalization: true },
      epochs: 6,
      batchSize: 16,
      callbacks: [
        { earlyStopping: { patience: 2 } },
        { reduceOnPlateau: { patience: 1, monitor: 'loss' } },
        { learningRateSchedule: { schedule: 'oneCycle' } },
      ],
      checkpoint: { best: { monitor: 'accuracy' } },
    },
  ],
  [
    'gradients averaged over batches, clipped, with classes weighted',
    () => classTable(100),
    {
      model: { architecture: 'mlp', units: [8], dropout: 0.2 },
      steps: 23,
      batchSize: 10,
      gradientAccumulation: 4,
      optimizer: { adamW: { globalClipNorm: 0.5 } },
      classWeights: 'balanced',
    },
  ],
  [
    'a learning rate that is searched for',
    () => numberTable(80),
    { model: { architecture: 'mlp', units: [8] }, epochs: 4, optimizer: 'nadam', learningRate: { find: { steps: 30 } } },
  ],
  [
    'cnn with dropout and augmentation, mixed rows, averaged weights and a momentum that cycles',
    () => imageTable(60, 8),
    {
      model: {
        architecture: 'cnn',
        filters: [4, 4],
        units: [8],
        dropout: 0.3,
        augmentation: ['randomFlip', { randomTranslation: { heightFactor: 0.1, widthFactor: 0.1 } }],
      },
      epochs: 3,
      batchSize: 16,
      mixUp: {},
      cutMix: {},
      ema: { momentum: 0.9, overwriteEvery: 5 },
      callbacks: [{ learningRateSchedule: { schedule: 'oneCycle', momentum: [0.95, 0.85] } }],
    },
  ],
  [
    'lstm with recurrent dropout, operation by operation',
    () => tokenTable(40),
    {
      model: {
        layers: [
          { type: 'embedding', outputDim: 4, maskZero: true },
          { type: 'lstm', units: 4, dropout: 0.2, recurrentDropout: 0.2 },
          { type: 'dense', units: 1 },
        ],
      },
      loss: { binaryCrossentropy: { fromLogits: true } },
      optimizer: { rmsprop: { momentum: 0.5, centered: true } },
      epochs: 2,
      engine: 'eager',
    },
  ],
  [
    'transformer',
    () => tokenTable(60),
    { model: { architecture: 'transformer', layers: 1, heads: 2, modelSize: 8, dropout: 0.1 }, epochs: 3 },
  ],
  [
    'texts of similar length in one batch',
    () => tokenTable(60),
    { model: { architecture: 'rnn', recurrentUnits: [6], dropout: 0.2 }, batches: { by: 'length', buckets: 3 }, batchSize: 8, epochs: 2 },
  ],
  [
    'language model',
    () => textTable(60),
    { objective: 'nextToken', model: { architecture: 'transformer', layers: 1, heads: 2, modelSize: 8, dropout: 0.1 }, epochs: 2 },
  ],
  [
    'variational autoencoder',
    () => imageTable(60, 8),
    {
      model: { architecture: 'autoencoder', kind: 'dense', units: [12], latentSize: 3, variational: true, noise: { dropout: 0.2 } },
      epochs: 3,
    },
  ],
  [
    'a new head on layers that are frozen, at first or for good, with learning rates of their own',
    () => imageTable(60, 8),
    {
      model: {
        from: { model: 'base' },
        head: 'replace',
        freeze: ['conv_*', 'norm_*'],
        unfreeze: [{ atEpoch: 2, layers: ['*_2_*'] }],
        learningRateFactors: [{ layers: ['conv_2*'], factor: 0.1 }],
      },
      epochs: 3,
      batchSize: 16,
    },
    { model: { architecture: 'cnn', filters: [4, 4], units: [8], dropout: 0.3, batchNormalization: true }, epochs: 1 },
  ],
  [
    'gan',
    () => imageTable(40, 8),
    {
      model: {
        architecture: 'gan',
        latentSize: 4,
        generator: { filters: [4, 4], outputActivation: 'linear' },
        discriminator: { filters: [4, 4] },
      },
      epochs: 2,
      batchSize: 16,
    },
  ],
];
