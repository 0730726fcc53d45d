import { plural } from '../../src/core/plural.ts';
import { DURATION_PATTERN } from '../../src/core/duration.ts';
import { DEFAULT_RETRY, defineStep } from '../../src/core/step.ts';
import type { Port } from '../../src/core/step.ts';
import type { JsonObject, JsonSchema } from '../../src/core/json.ts';
import type { PreprocessConfig } from '../../src/data/preprocess/preprocess-config.ts';
import { baseText } from '../../src/training/transfer/base.ts';
import { inputReferenceSchema, modelNameSchema, versionSchema } from '../../src/training/transfer/transfer-config.ts';
import type { BaseReference } from '../../src/training/transfer/transfer-config.ts';
import { fingerprintBase, openBase, originValues } from '../../src/steps/base-model.ts';
import { preprocessProblems } from '../../src/data/preprocess/config-problems.ts';

const chain = { type: 'array', items: { $ref: '#/definitions/transform' } } as const;

const anomalySchema = (key: string, description: string) => ({
  type: 'object',
  additionalProperties: false,
  required: ['column', key],
  properties: {
    column: { type: 'string', minLength: 1, description: 'Column that says what a row is.', examples: ['label'] },
    [key]: {
      type: 'array',
      minItems: 1,
      maxItems: 1_000,
      uniqueItems: true,
      items: { type: ['string', 'number', 'boolean'] },
      description,
      examples: [['9']],
    },
  },
});

const TASKS = ['auto', 'classification', 'regression'];

const INPUTS: Readonly<Record<string, Port>> = { dataset: { kind: 'dataset', description: 'What ingest or validate gives.' } };
const BASE: Port = { kind: 'model', description: 'What "from": { "input": "base" } takes the transforms of.' };
const OUTPUTS: Readonly<Record<string, Port>> = {
  examples: { kind: 'examples', description: 'Tensors in shards and the fitted preprocessing.' },
};

const reusedLabel: JsonSchema = {
  enum: ['reuse', 'fit'],
  default: 'reuse',
  description:
    '"reuse": classes and scale of the label are those of the model, to go on learning its task. "fit": they are learnt from these rows, for a new head.',
  examples: ['fit'],
};

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
        description:
          'Columns that the model learns from, each with its transforms in order; other columns are not used. Numbers and one-hot columns are joined, in this order, to the input "features"; token ids and images are inputs of their own, named by the column. Left out: every column but the label gets the transforms that suit its type and the values of the train split; `plan`, `show` and the details of the run tell which, and what is left out.',
        examples: [{ body_mass_g: [{ impute: 'median' }, 'standardize'], island: ['oneHot'] }],
      },
      label: {
        oneOf: [
          { ...chain, maxItems: 1 },
          { type: 'object', minProperties: 1, additionalProperties: { ...chain, maxItems: 1 } },
        ],
        description:
          'Scaling of a numeric label: "standardize" (the default), "minMax", or none ([]); by name where there are several labels. Answers and metrics are scaled back.',
        examples: [['minMax'], [], { body_mass_g: ['minMax'] }],
      },
      task: {
        oneOf: [{ enum: TASKS }, { type: 'object', minProperties: 1, additionalProperties: { enum: TASKS } }],
        default: 'auto',
        examples: ['regression', { year: 'regression' }],
        description:
          'What is made of the label, or of each of several by its name. auto: text, true/false, and integers with at most 20 distinct values are classes; other numbers are regressed.',
      },
      weight: {
        oneOf: [
          { type: 'string', minLength: 1 },
          {
            type: 'object',
            additionalProperties: false,
            required: ['column', 'halfLife'],
            properties: {
              column: { type: 'string', minLength: 1, description: 'Column with the times of the rows.', examples: ['at'] },
              halfLife: {
                type: 'string',
                pattern: DURATION_PATTERN,
                description: 'For each such time that a row is older it counts half as much: a number and s, m, h, d or w.',
                examples: ['30d'],
              },
            },
          },
        ],
        examples: ['exposure', { column: 'at', halfLife: '30d' }],
        description:
          'How much each training row counts in the loss. A column of numbers from 0 up, 1 as without it; it is no feature. Or by age, so that a model which is retrained after a change learns what is so now, and not what was so for most of its rows: "halfLife", counted from the newest training row; rows count 1 on average. The evaluation lets test rows count by it too; the validation split counts every row alike.',
      },
      sequence: {
        type: 'object',
        additionalProperties: false,
        required: ['size', 'by'],
        description:
          'Windows of consecutive rows as inputs [size, width], for recurrent and convolutional models. Needs a split by the same time. A moment that stands twice is refused (twice in one series, where "key" names them), and no window spans a gap. Requests to the model are cut by the same rules, and answered once per full window, in the order of the last rows of the windows.',
        examples: [
          { size: 14, horizon: 1, by: 'date' },
          { size: 14, horizon: 1, by: 'date', key: 'shop', gap: '2d' },
        ],
        properties: {
          size: { type: 'integer', minimum: 1, maximum: 10_000, description: 'Rows per window.', examples: [14] },
          horizon: {
            type: 'integer',
            minimum: 1,
            description: 'The label is its value so many rows after the last row of the window. Default: 1. Without a label there is none.',
            examples: [1],
          },
          by: {
            type: 'string',
            minLength: 1,
            description:
              'Column that orders the rows. A request may leave it out of all its rows: they then follow each other as they stand.',
            examples: ['date'],
          },
          key: {
            oneOf: [
              { type: 'string', minLength: 1 },
              { type: 'array', items: { type: 'string', minLength: 1 }, minItems: 1, maxItems: 8, uniqueItems: true },
            ],
            description:
              'Column, or columns, that say which of several series a row belongs to. Windows, labels and naive forecasts stay within a series; the splits are at the same moments for all. Series with too few rows for a window are left out and told. Requests need the column in every row.',
            examples: ['shop', ['shop', 'product']],
          },
          gap: {
            oneOf: [
              { type: 'string', pattern: DURATION_PATTERN },
              { type: 'number', exclusiveMinimum: 0 },
            ],
            description:
              'Longest time between two rows that follow each other: a number and s, m, h, d or w; a number where the column "by" holds numbers. More is a gap, and no window spans it. Left out: one and a half times the most frequent step of the series, where at least half of its steps are so long; in series of other steps no gap is told apart, which the notes of the run say.',
            examples: ['2d', '90m', 1.5],
          },
        },
      },
      balance: {
        description: 'Brings the classes of the train split to one size; validation and test stay as they are.',
        oneOf: [
          { enum: ['oversample', 'undersample'], description: 'Repeat rows of the smaller classes, or leave out rows of the larger ones.' },
          {
            type: 'object',
            additionalProperties: false,
            required: ['smote'],
            properties: {
              smote: {
                type: 'object',
                additionalProperties: false,
                properties: {
                  k: { type: 'integer', minimum: 1, maximum: 100, default: 5, description: 'Nearest neighbours to draw towards.' },
                },
                description: 'Synthetic rows between neighbours of a class (numeric features only).',
              },
            },
          },
        ],
        examples: ['oversample', { smote: { k: 5 } }],
      },
      anomaly: {
        description:
          'Which rows are anomalies, for models that learn what is normal (architecture autoencoder). Training and validation examples hold none of them; test examples keep them with a mark that only the evaluation reads. The column is no feature, and a label is not learned. A window is an anomaly where any of its rows is one.',
        examples: [
          { column: 'label', values: ['9'] },
          { column: 'status', normal: ['ok'] },
        ],
        oneOf: [
          anomalySchema('values', 'Values of the anomalies.'),
          anomalySchema('normal', 'Values of normal rows; all others are anomalies.'),
        ],
      },
      from: {
        description:
          'A model whose fitted transforms are used as they are, so that a train step can start from that model: its statistics, vocabularies and windows, and with "label": "reuse" its classes and the scale of its label.',
        examples: [
          { model: 'digits', version: 'champion' },
          { input: 'base', label: 'fit' },
        ],
        oneOf: [
          {
            type: 'object',
            additionalProperties: false,
            required: ['model'],
            properties: {
              model: modelNameSchema,
              version: versionSchema,
              label: reusedLabel,
              onMissing: {
                enum: ['fail', 'fit'],
                default: 'fail',
                description:
                  'What happens where the registry has no such version, as before the first champion: "fail", or learn the transforms from these rows, as "features", "label", "task" and "sequence" say.',
                examples: ['fit'],
              },
            },
          },
          {
            type: 'object',
            additionalProperties: false,
            required: ['input'],
            properties: { input: inputReferenceSchema, label: reusedLabel },
          },
        ],
      },
      seed: { type: 'integer', minimum: 0, default: 1, description: 'Seed of balancing and of sampled quantiles.' },
    },
  },
  inputs: { ...INPUTS, base: { ...BASE, optional: true } },
  outputs: OUTPUTS,
  ports: ({ from }) => ({ inputs: from?.input === undefined ? INPUTS : { ...INPUTS, base: BASE }, outputs: OUTPUTS }),
  timeouts: { startToCloseMs: 3_600_000, heartbeatMs: 60_000 },
  retry: DEFAULT_RETRY,
  cacheable: true,
  examples: [
    { title: 'Table', config: { features: { body_mass_g: [{ impute: 'median' }, 'standardize'], island: ['oneHot'] } } },
    { title: 'Automatic', config: {} },
    { title: 'Images', config: { features: { image: [{ resize: [28, 28] }, 'grayscale', 'rescale'] } } },
    {
      title: 'What is normal',
      config: { features: { image: [{ resize: [28, 28] }, 'grayscale', 'rescale'] }, anomaly: { column: 'label', values: ['9'] } },
    },
    { title: 'New rows as the champion reads them', config: { from: { model: 'digits', version: 'champion' } } },
    {
      title: 'Several series in one table',
      config: { features: { sales: ['standardize'] }, sequence: { size: 14, horizon: 1, by: 'day', key: 'shop', gap: '2d' } },
    },
    {
      title: 'Time series',
      config: { features: { temp_max: ['standardize'] }, label: ['standardize'], sequence: { size: 14, horizon: 1, by: 'date' } },
    },
  ],
  check: preprocessProblems,
  // The order of the features is the order of the model's inputs, and canonical JSON, which cache keys are made of, does not see it.
  async fingerprint(ctx, config) {
    const features = Object.keys(config.features ?? {});
    return config.from === undefined ? features : { features, from: await fingerprintBase(ctx, config.from as BaseReference) };
  },
  describe({ features, from }) {
    if (from !== undefined)
      return `as ${from.model === undefined ? 'the step before' : `${from.model} ${from.version ?? 'champion'}`}${from.label === 'fit' ? ', new label' : ''}`;
    const names = Object.keys(features ?? {});
    return names.length === 0
      ? 'every column but the label, by its type and values'
      : `${plural(names.length, 'column')}: ${names.join(', ')}`;
  },
  async run(ctx, config, inputs) {
    const { preprocess } = await import('../../src/data/preprocess/preprocess.ts');
    const base =
      config.from === undefined
        ? undefined
        : await openBase(ctx, config.from as BaseReference, inputs, config.from.onMissing === 'fit' ? 'go on' : 'fail');
    if (base === undefined || !('artifact' in base)) return preprocess(ctx, config, inputs.dataset!);
    const result = await preprocess(ctx, config, inputs.dataset!, {
      text: baseText(base.origin),
      preprocessor: await base.artifact.json<JsonObject>('preprocessor.json'),
    });
    return { ...result, values: { ...result.values, ...originValues(base.origin) } };
  },
});
