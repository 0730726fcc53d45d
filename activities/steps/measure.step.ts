import { DEFAULT_RETRY, defineStep } from '../../src/core/step.ts';
import type { MetricSpec } from '../../src/evaluation/metrics/resolve-metrics.ts';

interface MeasureConfig {
  readonly metrics: readonly MetricSpec[];
  readonly positive?: string;
  readonly threshold?: number;
  /** What a fold held out is measured, its test split. No document says so: `folds` of tune and train do. */
  readonly heldOut?: true;
}

export default defineStep<MeasureConfig>({
  type: 'measure',
  version: 1,
  summary: 'Measures a model on the validation split, for conditions and searches; test rows stay unseen.',
  configSchema: {
    type: 'object',
    additionalProperties: false,
    required: ['metrics'],
    properties: {
      metrics: {
        type: 'array',
        minItems: 1,
        items: { $ref: '#/definitions/metric' },
        description: 'What is measured on the whole validation split, in the units of the source.',
        examples: [['accuracy'], ['meanAbsoluteError']],
      },
      positive: {
        type: 'string',
        description: 'Two classes: the one that precision, recall and their like are about. Default: the second in sorted order.',
        examples: ['spam'],
      },
      threshold: {
        type: 'number',
        description: 'Two classes: predict the positive one where its probability is above this. Default: the more probable class.',
        examples: [0.8],
      },
    },
  },
  inputs: {
    model: { kind: 'model' },
    examples: { kind: 'examples', description: 'Its validation split is predicted.' },
  },
  outputs: {},
  timeouts: { startToCloseMs: 3_600_000, heartbeatMs: 30_000 },
  retry: DEFAULT_RETRY,
  cacheable: true,
  examples: [{ title: 'For a condition', config: { metrics: ['accuracy'] } }],
  describe: ({ metrics }) =>
    `${metrics.map((metric) => (typeof metric === 'string' ? metric : Object.keys(metric)[0])).join(', ')} on the validation split`,
  async run(ctx, config, inputs) {
    const { measureSplit } = await import('../../src/evaluation/measure/measure-split.ts');
    const { heldOut, ...wanted } = config;
    const split = heldOut === true ? 'test' : 'validation';
    const what = heldOut === true ? 'held out' : 'validation';
    const { rows, values } = await measureSplit(await ctx.artifacts.open(inputs['model']!), await ctx.artifacts.open(inputs['examples']!), {
      ...wanted,
      split,
      signal: ctx.signal,
      onProgress: (done, total) => ctx.progress({ message: `predicted ${done} of ${total} ${what} examples`, fraction: done / total }),
    });
    return { outputs: {}, values: { ...values, rows } };
  },
});
