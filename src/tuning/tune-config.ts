import type { Json, JsonObject, JsonSchema } from '../core/json.ts';
import type { Direction } from './trial.ts';

/** An objective of a study as the document says it. */
export type ObjectiveConfig = {
  readonly direction?: Direction;
  readonly atLeast?: number;
  readonly atMost?: number;
} & (
  | { readonly metric: string | Readonly<Record<string, JsonObject>>; readonly positive?: string; readonly threshold?: number }
  | { readonly value: string; readonly step?: string; readonly direction: Direction }
);

/** The best trials once more, with seeds that the search did not see. */
export interface FinalConfig {
  readonly top: number;
  readonly repeats: number;
}

/** `with` of a tune step, defaults filled in. */
export interface TuneConfig {
  readonly search: Readonly<Record<string, JsonObject>>;
  readonly objective: ObjectiveConfig | readonly ObjectiveConfig[];
  readonly choose?: string;
  readonly sampler: string | Readonly<Record<string, JsonObject>>;
  readonly stop?: string | Readonly<Record<string, JsonObject>>;
  /** Trainings of a trial, each measured on the rows that it did not learn from. */
  readonly folds?: number;
  /** Trainings of a trial (and of each of its folds) with other seeds. */
  readonly repeats?: number;
  readonly final?: FinalConfig;
  readonly trials: number;
  readonly parallel: number;
  readonly time?: string;
  readonly seed: number;
  /** The study whose trials the sampler knows of from the start, or {@link LAST}. */
  readonly from?: string;
}

/** The study before this one, of the same pipeline and step. */
export const LAST = 'last';

/** Chooses the point of the front that is nearest to the best of every objective. */
export const BALANCED = 'balanced';

const WHEN: JsonSchema = {
  type: 'object',
  minProperties: 1,
  maxProperties: 1,
  propertyNames: { $ref: '#/definitions/parameterName' },
  description:
    'Counts only where another dimension, one before it, took this value or one of these. Elsewhere what is "${search.NAME}" alone is left out.',
  examples: [{ architecture: 'mlp' }, { architecture: ['mlp', 'resnet'] }],
};

const SCALE: JsonSchema = {
  enum: ['linear', 'log'],
  default: 'linear',
  description: 'log: every factor is as likely as any other; for rates and sizes.',
};

function range(kind: 'float' | 'integer', examples: Json[][], step: JsonSchema): JsonSchema {
  const number = kind === 'float' ? 'number' : 'integer';
  return {
    type: 'object',
    additionalProperties: false,
    required: [kind],
    properties: {
      [kind]: {
        type: 'array',
        items: { type: number },
        minItems: 2,
        maxItems: 2,
        description: `Lowest and highest ${kind === 'float' ? 'number' : 'integer'}, both included.`,
        examples,
      },
      scale: SCALE,
      step,
      when: WHEN,
    },
  };
}

const DIRECTION: JsonSchema = { enum: ['minimize', 'maximize'], description: 'Which way is better. Default: that of the metric.' };
const BOUNDS = {
  atLeast: { type: 'number', description: 'A trial below it does not win while another one reaches it.', examples: [0.9] },
  atMost: { type: 'number', description: 'A trial above it does not win while another one keeps to it.', examples: [10_000] },
} as const satisfies Record<string, JsonSchema>;

const OBJECTIVE: JsonSchema = {
  oneOf: [
    {
      type: 'object',
      additionalProperties: false,
      required: ['metric'],
      properties: {
        metric: {
          allOf: [{ $ref: '#/definitions/metric' }],
          description: 'Measured on the validation split; test rows are never looked at.',
          examples: ['accuracy', { fBeta: { beta: 2 } }],
        },
        positive: { type: 'string', description: 'Two classes: the one that the metric is about.', examples: ['spam'] },
        threshold: { type: 'number', description: 'Two classes: the probability above which it is predicted.', examples: [0.8] },
        direction: DIRECTION,
        ...BOUNDS,
      },
    },
    {
      type: 'object',
      additionalProperties: false,
      required: ['value', 'direction'],
      properties: {
        value: {
          type: 'string',
          minLength: 1,
          description: 'A value that a step of the trial gives, as conditions read it.',
          examples: ['validationLoss', 'parameters'],
        },
        step: { $ref: '#/definitions/stepId', description: 'The step that gives it. Default: the last one that trains.' },
        direction: DIRECTION,
        ...BOUNDS,
      },
    },
  ],
};

export const tuneConfigSchema: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['search', 'objective'],
  properties: {
    search: {
      type: 'object',
      minProperties: 1,
      propertyNames: { $ref: '#/definitions/parameterName' },
      description:
        'What is searched: dimensions by name. Steps behind this one take their values as "${search.NAME}", in any place of their "with".',
      examples: [{ learningRate: { float: [0.0001, 0.1], scale: 'log' }, units: { choice: [[32], [64, 32]] } }],
      additionalProperties: {
        oneOf: [
          range(
            'float',
            [
              [0.0001, 0.1],
              [0, 0.5],
            ],
            { type: 'number', exclusiveMinimum: 0, description: 'Distance of the values, from the lowest on.', examples: [0.1] },
          ),
          range('integer', [[1, 4]], {
            type: 'integer',
            minimum: 1,
            description: 'Distance of the values, from the lowest on. Default: 1.',
            examples: [8],
          }),
          {
            type: 'object',
            additionalProperties: false,
            required: ['choice'],
            properties: {
              choice: {
                type: 'array',
                minItems: 1,
                items: {},
                description: 'The values, of any type.',
                examples: [
                  ['relu', 'tanh'],
                  [[32], [64, 32]],
                ],
              },
              when: WHEN,
            },
          },
        ],
      },
    },
    objective: {
      description: 'What makes a trial good. Several: the result is a Pareto front, and "choose" says which of it goes on.',
      examples: [{ metric: 'accuracy' }, [{ metric: 'accuracy' }, { value: 'parameters', direction: 'minimize' }]],
      oneOf: [...(OBJECTIVE.oneOf as JsonSchema[]), { type: 'array', minItems: 1, maxItems: 8, items: OBJECTIVE }],
    },
    choose: {
      type: 'string',
      description:
        'Of several objectives: the name of the one that is best in the trial that goes on, or "balanced", the one nearest to the best of each. Default: the first objective.',
      examples: ['balanced', 'accuracy'],
    },
    sampler: {
      allOf: [{ $ref: '#/definitions/sampler' }],
      default: 'tpe',
      description: 'How the next point is chosen.',
      examples: ['tpe', 'random', 'grid'],
    },
    stop: {
      allOf: [{ $ref: '#/definitions/stopper' }],
      description:
        'Ends trials that will not be the best, by what their training gives epoch by epoch: the first objective where training follows it, else the validation loss. Of a trial with several trainings ("folds", "repeats") it looks at the first, which all trials have alike; the others follow where that one was not ended. Default: every trial trains to its end.',
    },
    folds: {
      type: 'integer',
      minimum: 2,
      maximum: 20,
      description:
        'k-fold cross-validation: every trial is trained so many times, each time without one part of the train split, on which it is measured; its score is the mean. The parts follow the split: by hash a row stays in its part when rows are added, "key" keeps rows together, by time a part comes after all that is learnt from, and classes are in all parts. Preprocessing is learnt anew for each, the validation split ends the training early as ever, and the winner is trained on all of train. Default: one training, measured on the validation split.',
      examples: [5],
    },
    repeats: {
      type: 'integer',
      minimum: 1,
      maximum: 10,
      description:
        'Every trial is trained so many times, each with another seed (that of the train step, and those above it), and its score is the mean: what is searched then is a good point, not a lucky seed. With "folds" every fold is. Default: one training.',
      examples: [3],
    },
    final: {
      type: 'object',
      additionalProperties: false,
      properties: {
        top: { type: 'integer', minimum: 1, maximum: 20, default: 3, description: 'Best trials that are trained again.', examples: [5] },
        repeats: {
          type: 'integer',
          minimum: 1,
          maximum: 10,
          default: 3,
          description: 'Trainings of each, with seeds that no trial had.',
          examples: [5],
        },
      },
      description:
        'A final round before a winner is declared: the best trials are trained again with seeds that the search did not see, to their end, and the best mean of these alone wins. Among many trials the best score is partly luck; this score is not. It comes also after the "time" of the search. Default: the best score of a trial wins.',
      examples: [{}, { top: 5, repeats: 4 }],
    },
    from: {
      type: 'string',
      minLength: 1,
      description:
        'Warm start: the sampler knows the trials of an earlier study from its first suggestion on, as far as their values are of this search and they were judged by the same objectives. "last" is the newest study of the same pipeline and step, if there is one; else PIPELINE/RUN/STEP, as `perennial studies list` shows it. The study writes down what it took over, and chooses its winner among its own trials. Only for samplers that learn from trials.',
      examples: ['last', 'penguins/20260131-030000-abcd/tune'],
    },
    trials: { type: 'integer', minimum: 1, maximum: 10_000, default: 20, description: 'Most trials.', examples: [40] },
    parallel: {
      type: 'integer',
      minimum: 1,
      maximum: 256,
      default: 1,
      description: 'Trials at a time, spread over all workers. One at a time with the same seed gives the same trials again.',
      examples: [2],
    },
    time: { $ref: '#/definitions/duration', description: 'After this no trial starts; those that run end.', examples: ['1h'] },
    seed: { type: 'integer', minimum: 0, default: 1, description: 'Decides the points, with what the trials before gave.' },
  },
};
