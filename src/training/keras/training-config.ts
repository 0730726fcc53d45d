import type { JsonObject } from '../../core/json.ts';
import { resolveNamed } from '../model/named.ts';
import type { Named } from '../model/named.ts';
import { optimizerRegistry } from '../optimizers/index.generated.ts';
import type { ModelMeta } from '../model/model-meta.ts';
import { snakeCase } from './names.ts';

/** Losses by Keras's names. Labels of classes are indices here: what Keras calls sparse. */
const LOSSES: Readonly<Record<string, string>> = {
  binaryCrossentropy: 'binary_crossentropy',
  categoricalCrossentropy: 'sparse_categorical_crossentropy',
  sparseCategoricalCrossentropy: 'sparse_categorical_crossentropy',
  meanSquaredError: 'mean_squared_error',
  meanAbsoluteError: 'mean_absolute_error',
  meanAbsolutePercentageError: 'mean_absolute_percentage_error',
  meanSquaredLogarithmicError: 'mean_squared_logarithmic_error',
  huber: 'huber',
  logCosh: 'log_cosh',
  hinge: 'hinge',
  squaredHinge: 'squared_hinge',
  poisson: 'poisson',
  cosineSimilarity: 'cosine_similarity',
  klDivergence: 'kl_divergence',
};

const OPTIMIZERS: Readonly<Record<string, string>> = {
  sgd: 'SGD',
  adam: 'Adam',
  adamW: 'AdamW',
  nadam: 'Nadam',
  adamax: 'Adamax',
  rmsprop: 'RMSprop',
  adagrad: 'Adagrad',
  adadelta: 'Adadelta',
};
const SETTINGS: Readonly<Record<string, string>> = {
  beta1: 'beta_1',
  beta2: 'beta_2',
  clipNorm: 'clipnorm',
  globalClipNorm: 'global_clipnorm',
  clipValue: 'clipvalue',
};
const SETTINGS_OF_KERAS: ReadonlySet<string> = new Set([
  'learning_rate',
  'momentum',
  'nesterov',
  'beta_1',
  'beta_2',
  'epsilon',
  'amsgrad',
  'weight_decay',
  'rho',
  'centered',
  'initial_accumulator_value',
  'clipnorm',
  'global_clipnorm',
  'clipvalue',
]);

/** `training_config`: with what Keras would go on to train. undefined where it does not have the loss or the optimizer. */
export function trainingConfig(meta: ModelMeta): JsonObject | undefined {
  const loss = LOSSES[meta.loss];
  const named = (meta.training.optimizer ?? meta.optimizer) as Named;
  const { name, config } = resolveNamed(optimizerRegistry, named);
  const className = OPTIMIZERS[name];
  if (loss === undefined || className === undefined) return undefined;
  const settings: JsonObject = { name };
  for (const [key, value] of Object.entries(config)) {
    const theirs = SETTINGS[key] ?? snakeCase(key);
    if (value !== undefined && SETTINGS_OF_KERAS.has(theirs)) settings[theirs] = value as number;
  }
  return {
    loss,
    metrics: null,
    loss_weights: null,
    sample_weight_mode: null,
    weighted_metrics: null,
    optimizer_config: { class_name: className, config: settings },
  };
}
