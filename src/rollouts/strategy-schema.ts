import { DURATION_PATTERN } from '../core/duration.ts';
import type { JsonSchema } from '../core/json.ts';
import { LIVE_METRICS } from '../core/rollout.ts';
import { STRATEGY_DEFAULTS } from './strategy.ts';

const TIME = (description: string, example: string): JsonSchema => ({
  type: 'string',
  pattern: DURATION_PATTERN,
  description,
  examples: [example],
});

const PERCENT = (description: string, example: number): JsonSchema => ({
  type: 'number',
  exclusiveMinimum: 0,
  exclusiveMaximum: 100,
  description,
  examples: [example],
});

const closed = (description: string, properties: Record<string, JsonSchema>, required: readonly string[] = []): JsonSchema => ({
  type: 'object',
  additionalProperties: false,
  description,
  ...(required.length === 0 ? {} : { required: [...required] }),
  properties,
});

const RATE = (what: string, normally: string): JsonSchema => ({
  ...closed(`Share of the requests to the candidate that ${what}. Default: ${normally}.`, {
    atMost: { type: 'number', minimum: 0, exclusiveMaximum: 1, description: 'By itself, 0 to 1.', examples: [0.01] },
    aboveChampionBy: {
      type: 'number',
      minimum: 0,
      exclusiveMaximum: 1,
      description: "By how much it may be above the champion's in the same time.",
      examples: [0.005],
    },
  }),
  minProperties: 1,
});

const BY: JsonSchema = {
  ...closed('What a request is told apart by: the same caller meets the same version. One of the two.', {
    column: {
      type: 'string',
      minLength: 1,
      description:
        'A column of the rows. The champion answers requests without it, or with rows of several callers, which count for neither version.',
      examples: ['customer'],
    },
    header: {
      type: 'string',
      minLength: 1,
      maxLength: 100,
      pattern: '^[A-Za-z0-9-]+$',
      description: 'A header of the request.',
      examples: ['x-user'],
    },
  }),
  minProperties: 1,
  maxProperties: 1,
};

const ANALYSIS: JsonSchema = closed(
  'What ends the rollout, at once: all traffic goes to the champion again. A check speaks where the evidence is clear, however often it is asked.',
  {
    errorRate: RATE('fail in the server', 'at most 0.01'),
    refusalRate: RATE('the version cannot read', "at most 0.01 above the champion's"),
    latency: {
      ...closed(
        'Time from the version to its answer.',
        {
          percentile: {
            type: 'number',
            minimum: 50,
            exclusiveMaximum: 100,
            default: STRATEGY_DEFAULTS.percentile,
            description: 'Of which requests.',
            examples: [99],
          },
          atMostMs: { type: 'number', exclusiveMinimum: 0, description: 'Milliseconds.', examples: [50] },
          timesChampion: {
            type: 'number',
            minimum: 1,
            description: "Of the champion's in the same step, from 100 of its requests on.",
            examples: [1.5],
          },
        },
        [],
      ),
      anyOf: [{ required: ['atMostMs'] }, { required: ['timesChampion'] }],
    },
    predictions: closed(
      "How far the distribution of the answers may be from the champion's in the same step: total variation distance of classes, Kolmogorov's of numbers and scores.",
      { distanceAtMost: { type: 'number', minimum: 0, exclusiveMaximum: 1, description: '0 to 1.', examples: [0.2] } },
      ['distanceAtMost'],
    ),
    metric: {
      ...closed(
        'A mean over answers whose truth came as feedback, from 30 of each version on.',
        {
          name: { enum: [...LIVE_METRICS], description: 'Which; "flaggedRate" is the share of answers that somebody took for wrong.' },
          atLeast: { type: 'number', description: 'Of "accuracy".', examples: [0.9] },
          atMost: { type: 'number', description: 'Of the others.', examples: [0.1] },
          notWorseThanChampionBy: { type: 'number', minimum: 0, description: "In the metric's own units.", examples: [0.02] },
        },
        ['name'],
      ),
      minProperties: 2,
    },
    falseAlarms: {
      type: 'number',
      exclusiveMinimum: 0,
      maximum: 0.5,
      default: STRATEGY_DEFAULTS.falseAlarms,
      description: 'Chance that all checks together end a version that keeps the bounds.',
      examples: [0.05],
    },
  },
);

const MIN_REQUESTS: JsonSchema = {
  type: 'integer',
  minimum: 0,
  default: STRATEGY_DEFAULTS.minRequests,
  description: 'Requests to the candidate that every step needs.',
  examples: [500],
};

const TOO_FEW: JsonSchema = {
  enum: ['wait', 'extend', 'proceed'],
  description:
    'Where a step had fewer: "wait" for them, as long as it takes; "extend" the step, at most by its own length; or "proceed" all the same. Default: "wait".',
};

const SIGNATURE: JsonSchema = {
  enum: ['same', 'any'],
  default: 'same',
  description: '"same": a version with other columns or answers than the champion\'s is refused. "any": it is tried.',
};

const THEN = (fallback?: 'report'): JsonSchema => ({
  enum: ['promote', 'report'],
  ...(fallback === undefined ? {} : { default: fallback }),
  description: 'Of a candidate that did well: "promote" it to champion, or only "report" it.',
});

const choice = (name: string, schema: JsonSchema): JsonSchema => ({
  type: 'object',
  additionalProperties: false,
  required: [name],
  properties: { [name]: schema },
});

/** "strategy" of the deploy step. */
export const STRATEGY_SCHEMA: JsonSchema = {
  description: 'How the version takes over. Where nothing serves yet, it does so at once. Default: "allAtOnce".',
  oneOf: [
    { const: 'allAtOnce' },
    choice(
      'canary',
      closed(
        'Answers a rising share of the requests, and is promoted after the last step.',
        {
          steps: {
            type: 'array',
            minItems: 1,
            maxItems: 20,
            description: 'One after the other.',
            items: closed('A share, and for how long.', { percent: PERCENT('Of the requests.', 5), for: TIME('How long.', '15m') }, [
              'percent',
              'for',
            ]),
            examples: [
              [
                { percent: 5, for: '15m' },
                { percent: 50, for: '1h' },
              ],
            ],
          },
          by: { ...BY, description: 'The same caller meets the same version. Default: chance decides about every request.' },
          analysis: ANALYSIS,
          minRequests: MIN_REQUESTS,
          tooFewRequests: TOO_FEW,
          signature: SIGNATURE,
        },
        ['steps'],
      ),
    ),
    choice(
      'shadow',
      closed(
        'Is asked a copy of some of the requests; its answers are compared with those of the champion and never returned.',
        {
          percent: PERCENT('Of the requests that are copied. A busy server copies fewer.', 20),
          for: TIME('How long.', '1h'),
          agreementAtLeast: {
            type: 'number',
            minimum: 0,
            maximum: 1,
            description: 'Share of the classes that are the same.',
            examples: [0.95],
          },
          meanDifferenceAtMost: { type: 'number', minimum: 0, description: 'Mean difference of numbers and scores.', examples: [0.5] },
          analysis: ANALYSIS,
          minRequests: MIN_REQUESTS,
          tooFewRequests: TOO_FEW,
          signature: SIGNATURE,
          then: THEN('report'),
        },
        ['percent', 'for'],
      ),
    ),
    choice(
      'abTest',
      closed(
        'Both versions answer, to different callers, until feedback tells which is better.',
        {
          percent: { ...PERCENT('Of the callers that meet the candidate.', 50), default: STRATEGY_DEFAULTS.abPercent },
          for: TIME('How long at most; then nobody won.', '14d'),
          by: BY,
          metric: { enum: [...LIVE_METRICS], description: 'The mean, over callers, that decides; from feedback.' },
          confidence: {
            type: 'number',
            minimum: 0.5,
            exclusiveMaximum: 1,
            default: STRATEGY_DEFAULTS.confidence,
            description: 'Of the interval of the difference, which holds at every look; without 0 in it the test is over.',
            examples: [0.99],
          },
          minUnits: {
            type: 'integer',
            minimum: 30,
            default: STRATEGY_DEFAULTS.minUnits,
            description: 'Callers of each version with feedback before the test may end.',
            examples: [500],
          },
          equalWithin: {
            type: 'number',
            exclusiveMinimum: 0,
            description: 'The test is over as well where the whole interval lies within ± this: the champion stays.',
            examples: [0.01],
          },
          analysis: ANALYSIS,
          signature: SIGNATURE,
          then: THEN(),
        },
        ['for', 'by', 'metric', 'then'],
      ),
    ),
  ],
  examples: [
    {
      canary: {
        steps: [
          { percent: 5, for: '15m' },
          { percent: 50, for: '1h' },
        ],
      },
    },
  ],
};
