import type { JsonSchema } from '../../core/json.ts';
import type { LayerConfig, ModelConfig } from '../model/model-config.ts';
import { number } from '../model/schema-parts.ts';

/** A registered model by number or alias, a model file, or the model that another step of the run gives. */
export type BaseReference = RegisteredReference | FileReference | InputReference;

export interface RegisteredReference {
  readonly model: string;
  /** A number, "latest", or an alias. Default: champion. */
  readonly version?: number | string;
  readonly inputs?: InputNames;
}

export interface FileReference {
  /** Relative to the folder of the document. */
  readonly file: string;
  readonly inputs?: InputNames;
}

export interface InputReference {
  readonly input: 'base';
  readonly inputs?: InputNames;
}

/** Input of the examples → input of the base. */
export type InputNames = Readonly<Record<string, string>>;

/** `model` of a train step that starts from a model. */
export interface TransferConfig {
  readonly from: BaseReference;
  /** "keep", "replace", or the layers of a head of one's own. Default: keep. */
  readonly head?: 'keep' | 'replace' | { readonly layers: readonly LayerConfig[] };
  /** Last layer of the base that is kept. */
  readonly until?: string;
  readonly freeze?: readonly string[];
  readonly unfreeze?: readonly { readonly atEpoch: number; readonly layers: readonly string[] }[];
  readonly learningRateFactors?: readonly { readonly layers: readonly string[]; readonly factor: number }[];
  /** Registered models: what is trained where there is none yet. */
  readonly onMissing?: 'fail' | ModelConfig;
}

export function isTransfer(model: unknown): model is TransferConfig {
  return typeof model === 'object' && model !== null && 'from' in model;
}

const MODEL_NAME = '^[a-z0-9][a-z0-9._-]{0,62}$';

/** `version` of a reference to a registered model. */
export const versionSchema: JsonSchema = {
  oneOf: [
    { type: 'integer', minimum: 1 },
    { type: 'string', pattern: MODEL_NAME },
  ],
  default: 'champion',
  description:
    'Number of the version, an alias, or "latest". An alias is looked up once per run; when it has moved, the next run starts from the new version.',
  examples: ['champion', 3],
};

export const modelNameSchema: JsonSchema = {
  type: 'string',
  pattern: MODEL_NAME,
  description: 'Name of a registered model.',
  examples: ['digits'],
};

export const inputReferenceSchema: JsonSchema = {
  const: 'base',
  description:
    'The model that comes in at the input "base": of the train step before this one, or of the one that "inputs": { "base": … } of this step names.',
  examples: ['base'],
};

const inputNames: JsonSchema = {
  type: 'object',
  additionalProperties: { type: 'string', minLength: 1 },
  minProperties: 1,
  description:
    'Where the inputs of the base are called otherwise: name of the input here → name in the base. A single input is found without it.',
  examples: [{ image: 'input_1' }],
};

/** Names of layers. */
const patterns = (description: string, examples: readonly unknown[]): JsonSchema => ({
  type: 'array',
  items: { type: 'string', minLength: 1, maxLength: 200 },
  minItems: 1,
  maxItems: 200,
  uniqueItems: true,
  description,
  examples: [...examples],
});

const REFERENCES: JsonSchema = {
  description: 'The model to start from: a version in the registry, a file, or what another train step of this document gives.',
  examples: [{ model: 'digits', version: 'champion' }, { file: 'models/base.h5' }, { input: 'base' }],
  oneOf: [
    {
      type: 'object',
      additionalProperties: false,
      required: ['model'],
      properties: { model: modelNameSchema, version: versionSchema, inputs: inputNames },
    },
    {
      type: 'object',
      additionalProperties: false,
      required: ['file'],
      properties: {
        file: {
          type: 'string',
          minLength: 1,
          maxLength: 1_024,
          description:
            'Keras model (.h5 or .keras), or TensorFlow.js layers model (model.json, or its folder); relative to the folder of the document.',
          examples: ['models/base.h5'],
        },
        inputs: inputNames,
      },
    },
    { type: 'object', additionalProperties: false, required: ['input'], properties: { input: inputReferenceSchema, inputs: inputNames } },
  ],
};

/** An architecture with its settings, or explicit layers. */
type Forms = readonly JsonSchema[];

/** The form of `model` that starts from a model. @param scratch the forms of a model that starts from nothing */
export function transferSchema(scratch: Forms): JsonSchema {
  return {
    type: 'object',
    additionalProperties: false,
    required: ['from'],
    properties: {
      from: REFERENCES,
      head: {
        default: 'keep',
        description:
          '"keep": the same task goes on being learnt, so the classes have to be the same. "replace": the last dense layer gives way to a new one, as wide as label and loss of this step need. Or the layers of a new head: the first reads the last layer that is kept, the last gives the output.',
        examples: [
          'replace',
          {
            layers: [
              { type: 'dense', units: 32, activation: 'relu' },
              { type: 'dense', units: 5, activation: 'softmax' },
            ],
          },
        ],
        oneOf: [
          { enum: ['keep', 'replace'] },
          {
            type: 'object',
            additionalProperties: false,
            required: ['layers'],
            properties: {
              layers: {
                type: 'array',
                minItems: 1,
                maxItems: 200,
                items: { $ref: '#/definitions/layer' },
                description: 'Layers of the new head in order.',
                examples: [[{ type: 'dense', units: 5, activation: 'softmax' }]],
              },
            },
          },
        ],
      },
      until: {
        type: 'string',
        minLength: 1,
        maxLength: 200,
        description: 'Last layer of the base that is kept, where a head is replaced. Default: the one that its last dense layer reads.',
        examples: ['flat'],
      },
      freeze: patterns(
        'Layers of the base whose weights stay as they are; "*" stands for any characters. A frozen batch normalization uses the statistics that it came with. Layers of a new head are never frozen.',
        [['*'], ['conv_*', 'norm_*']],
      ),
      unfreeze: {
        type: 'array',
        minItems: 1,
        maxItems: 50,
        description:
          'Frozen layers that begin to be trained later. From then on their batch normalizations use and move statistics of the batches; the optimizer starts afresh for them.',
        examples: [[{ atEpoch: 4, layers: ['conv_3*'] }]],
        items: {
          type: 'object',
          additionalProperties: false,
          required: ['atEpoch', 'layers'],
          properties: {
            atEpoch: {
              type: 'integer',
              minimum: 2,
              description: 'First epoch, counted from 1, in which these layers are trained.',
              examples: [4],
            },
            layers: patterns('Frozen layers; "*" stands for any characters.', [['conv_3*']]),
          },
        },
      },
      learningRateFactors: {
        type: 'array',
        minItems: 1,
        maxItems: 50,
        description: 'Layers whose learning rate differs from that of the step. Layers that no entry names have the factor 1.',
        examples: [[{ layers: ['conv_*'], factor: 0.1 }]],
        items: {
          type: 'object',
          additionalProperties: false,
          required: ['layers', 'factor'],
          properties: {
            layers: patterns('Layers; "*" stands for any characters.', [['conv_*']]),
            factor: number('Times the learning rate of the step.', undefined, 0.1, { exclusiveMinimum: 0, maximum: 1_000 }),
          },
        },
      },
      onMissing: {
        default: 'fail',
        description:
          'What happens where the registry has no such version, as before the first champion: "fail", or the model that is then trained from the start.',
        examples: ['fail', { architecture: 'mlp', units: [32, 16] }],
        oneOf: [{ const: 'fail' }, ...scratch],
      },
    },
  };
}
