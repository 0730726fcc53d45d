import type { JsonSchema } from '../../core/json.ts';
import { DURATION_PATTERN } from '../../core/duration.ts';
import { SLICE_ROWS_MIN } from './slice-gates.ts';

const NUMBER = { type: 'number' } as const;
const METRIC = {
  type: 'string',
  description:
    'Name of a result of "metrics"; or what is measured of the model in use: "modelBytes" (of the stored model), and of a server process that loads it and is sent test rows as a client would, "servedShare" (of the rows that it answers as judged, 0 to 1) and "latencyMs" (that 95 % of single rows take at most).',
  examples: ['accuracy', 'latencyMs'],
} as const;
const SLICES = {
  slices: {
    type: 'array',
    items: { type: 'string', minLength: 1 },
    minItems: 1,
    uniqueItems: true,
    description: 'Columns: asked of the rows of each of their values in the place of all rows.',
    examples: [['island']],
  },
  minimumRows: {
    type: 'integer',
    minimum: 1,
    description: `Slices of fewer rows are left out, which the verdict says. Default: ${SLICE_ROWS_MIN}.`,
    examples: [50],
  },
} as const;
const RELATIVE = {
  relative: {
    type: 'boolean',
    description: 'The number is a share of what is compared with: 0.05 is 5 %. Default: false.',
    examples: [true],
  },
} as const;
const TEST = {
  test: {
    enum: ['bootstrap', 'mcnemar'],
    description:
      "How a difference is told from chance: by the 95 % interval of a paired bootstrap; or, of accuracy, by McNemar's exact test of the rows that only one of both has right, at 5 %.",
    examples: ['mcnemar'],
  },
} as const;

function gateSchema(key: string, schema: object, more: object = {}, required: readonly string[] = []): JsonSchema {
  return {
    type: 'object',
    additionalProperties: false,
    required: ['metric', key, ...required],
    properties: { metric: METRIC, [key]: schema, ...more },
  };
}

export const GATE_SCHEMA: JsonSchema = {
  description: 'What the model has to show before anything after this step runs.',
  oneOf: [
    gateSchema('atLeast', { ...NUMBER, description: 'Smallest value that passes.', examples: [0.9] }, SLICES),
    gateSchema('atMost', { ...NUMBER, description: 'Largest value that passes.', examples: [0.1] }, SLICES),
    gateSchema(
      'notWorseThanWholeBy',
      {
        ...NUMBER,
        minimum: 0,
        description: 'By how much the metric of a slice may be worse than that of all test rows.',
        examples: [0.05],
      },
      { ...SLICES, ...RELATIVE },
      ['slices'],
    ),
    gateSchema(
      'notWorseThanChampionBy',
      {
        ...NUMBER,
        minimum: 0,
        description:
          'By how much the metric may be worse than that of the champion on the same rows, in the units of the metric. 0: at least as good.',
        examples: [0, 0.01],
      },
      {
        ...RELATIVE,
        bestWithin: {
          type: 'string',
          pattern: DURATION_PATTERN,
          description:
            'Nor by more than that worse than any champion of this period before the run, so that what is worse within the margin again and again is stopped. Each is judged on the same rows; of more than 20 those that did best in their own evaluations.',
          examples: ['30d'],
        },
      },
    ),
    gateSchema(
      'betterThanChampionBy',
      {
        ...NUMBER,
        minimum: 0,
        description: 'By more than this the metric has to be better than that of the champion on the same rows.',
        examples: [0, 0.01],
      },
      {
        ...RELATIVE,
        significant: {
          type: 'boolean',
          default: false,
          description: 'Demand it beyond chance, and not of the difference alone.',
          examples: [true],
        },
        ...TEST,
      },
    ),
    gateSchema(
      'notSignificantlyWorseThanChampion',
      {
        const: true,
        description: 'The metric is not worse than that of the champion on the same rows beyond what chance does. Few rows reject little.',
        examples: [true],
      },
      TEST,
    ),
    gateSchema('betterThanBaseline', {
      oneOf: [{ const: true }, { ...NUMBER, minimum: 0 }],
      description:
        'Better than the naive forecast on the same rows (most frequent class, mean, or for sequences the last known value); a number: by more than this.',
      examples: [true],
    }),
  ],
};
