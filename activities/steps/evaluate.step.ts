import { DEFAULT_RETRY, defineStep } from '../../src/core/step.ts';
import { checkEvaluation } from '../../src/evaluation/step/check-evaluation.ts';
import { ON_NO_CHAMPION } from '../../src/evaluation/step/gate.ts';
import { GATE_SCHEMA } from '../../src/evaluation/step/gate-schema.ts';
import { gateInWords } from '../../src/evaluation/step/gate-words.ts';
import type { EvaluateConfig } from '../../src/deployment/judging.ts';

export default defineStep<EvaluateConfig>({
  type: 'evaluate',
  version: 1,
  summary: 'Judges a model on the test split, against a naive forecast and the champion, and says whether it may go on.',
  configSchema: {
    type: 'object',
    additionalProperties: false,
    properties: {
      metrics: {
        type: 'array',
        items: { $ref: '#/definitions/metric' },
        default: [],
        description: 'What is measured on the whole test split, in the units of the source. Empty: the usual metrics of the task.',
        examples: [
          ['accuracy', 'f1', 'rocAuc'],
          ['meanAbsoluteError', 'r2'],
        ],
      },
      gates: {
        type: 'array',
        items: GATE_SCHEMA,
        default: [],
        description: 'All have to pass, or nothing that depends on this step runs.',
        examples: [[{ metric: 'accuracy', atLeast: 0.9 }]],
      },
      onNoChampion: {
        enum: [...ON_NO_CHAMPION],
        default: 'pass',
        description:
          'Verdict of gates against the champion where no other version serves yet, or it cannot read the data. "manual": a person is asked, as by an approve step, for 7 days.',
      },
      comparison: {
        type: 'object',
        additionalProperties: false,
        description:
          'When a comparison with the champion counts. Only test rows that neither side was trained or validated on are compared; of a model that is judged as a whole (a generator, a language model) that has to be all of them.',
        examples: [{ minimumRows: 100, onTooFewRows: 'pass' }],
        properties: {
          minimumRows: { type: 'integer', minimum: 1, default: 20, description: 'So many such rows have to be left.', examples: [100] },
          onTooFewRows: {
            enum: ['fail', 'pass'],
            default: 'fail',
            description:
              'Verdict of gates against the champion where fewer are left, or nobody can tell: "fail" rejects the model, "pass" leaves it to the other gates.',
          },
        },
      },
      champion: {
        type: 'string',
        pattern: '^[a-z0-9][a-z0-9._-]{0,62}$',
        description: 'Registered model whose champion is compared with. Default: the name of the pipeline.',
        examples: ['penguins'],
      },
      positive: {
        type: 'string',
        description: 'Two classes: the one that precision, recall and their like are about. Default: the second in sorted order.',
        examples: ['spam'],
      },
      threshold: {
        type: 'number',
        description:
          'Two classes: predict the positive one where its probability is above this, in this evaluation. Default: the more probable class, as in serving.',
        examples: [0.8],
      },
      costs: {
        type: 'object',
        additionalProperties: false,
        required: ['falsePositive', 'falseNegative'],
        description:
          'Two classes: what each mistake costs, in any unit. The report shows the cost by threshold, and the threshold at which it is least. Default: both the same.',
        examples: [{ falsePositive: 1, falseNegative: 20 }],
        properties: {
          falsePositive: { type: 'number', minimum: 0, description: 'Cost of the positive class where it is not.', examples: [1] },
          falseNegative: { type: 'number', minimum: 0, description: 'Cost of missing the positive class.', examples: [20] },
        },
      },
      slices: {
        type: 'array',
        items: { type: 'string', minLength: 1 },
        uniqueItems: true,
        default: [],
        description: 'Columns by whose values the metrics are shown, worst first.',
        examples: [['island']],
      },
      baseline: {
        type: 'object',
        additionalProperties: false,
        required: ['seasonalNaive'],
        description:
          'The naive forecast to compare with. Default: the last known value for sequences of numbers, else the mean or the most frequent class of training.',
        properties: {
          seasonalNaive: {
            type: 'integer',
            minimum: 1,
            maximum: 100_000,
            description: 'Rows of one season: the forecast is the last known value of the same place in the season.',
            examples: [12],
          },
        },
        examples: [{ seasonalNaive: 12 }],
      },
      features: {
        type: 'object',
        additionalProperties: false,
        description:
          'Of a generator: the classifier whose features the Fréchet distance compares: a registered model here, or a model of this pipeline as the input "features". Default: principal components of the examples.',
        examples: [{ model: 'digits' }, { layer: 'dense_1' }],
        properties: {
          model: { type: 'string', pattern: '^[a-z0-9][a-z0-9._-]{0,62}$', description: 'Registered model.', examples: ['digits'] },
          version: { type: 'integer', minimum: 1, description: 'Default: the champion.', examples: [3] },
          layer: {
            type: 'string',
            minLength: 1,
            description: 'Layer whose values are the features. Default: the one that the last layer reads.',
            examples: ['dense_1'],
          },
        },
      },
      seed: { type: 'integer', minimum: 0, default: 1, description: 'Seed of the bootstrap intervals.' },
    },
  },
  inputs: {
    model: { kind: 'model' },
    examples: { kind: 'examples', description: 'Its test split is predicted.' },
    features: { kind: 'model', optional: true, named: true, description: 'Of a generator: the classifier whose features are compared.' },
    dataset: { kind: 'dataset', description: 'The rows that the examples were made from: the champion is judged on them.' },
  },
  outputs: { evaluation: { kind: 'evaluation', description: 'evaluation.json and report.html.' } },
  timeouts: { startToCloseMs: 3_600_000, heartbeatMs: 60_000 },
  retry: DEFAULT_RETRY,
  cacheable: true,
  heavy: true,
  examples: [
    {
      title: 'Gates of a classifier',
      config: {
        metrics: ['accuracy', 'f1', 'rocAuc'],
        gates: [
          { metric: 'accuracy', atLeast: 0.9 },
          { metric: 'accuracy', notWorseThanChampionBy: 0 },
        ],
      },
    },
    {
      title: 'A forecast that has to beat persistence',
      config: { metrics: ['meanAbsoluteError'], gates: [{ metric: 'meanAbsoluteError', betterThanBaseline: true }] },
    },
  ],
  describe({ metrics, gates }) {
    const limits = (gates ?? []).map(gateInWords);
    const names = (metrics ?? []).map((metric) => (typeof metric === 'string' ? metric : Object.keys(metric)[0]!));
    return `${names.join(', ')}; ${limits.length === 0 ? 'no gates' : `gate${limits.length === 1 ? '' : 's'}: ${limits.join(', ')}`}`;
  },
  check: (config, facts) => checkEvaluation(config, facts),
  async fingerprint(ctx, config, inputs) {
    const { othersOf } = await import('../../src/deployment/judging.ts');
    return othersOf(ctx, config, inputs);
  },
  async run(ctx, config, inputs) {
    const { judgeModel } = await import('../../src/deployment/judging.ts');
    return judgeModel(ctx, config, inputs);
  },
});
