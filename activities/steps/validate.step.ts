import { plural } from '../../src/core/plural.ts';
import { DEFAULT_RETRY, defineStep } from '../../src/core/step.ts';
import type { ValidateConfig } from '../../src/data/expectations/validate.ts';

export default defineStep<ValidateConfig>({
  type: 'validate',
  version: 1,
  summary: 'Judges the data by declared expectations; rows that break them are set aside within a budget, or stop the run.',
  configSchema: {
    type: 'object',
    additionalProperties: false,
    required: ['expect'],
    properties: {
      expect: {
        type: 'array',
        minItems: 1,
        items: { $ref: '#/definitions/expectation' },
        description: 'What must hold. A missing value breaks "notNull" and "missing" only.',
        examples: [
          [{ column: 'body_mass_g', between: [2_000, 7_000] }, { column: 'species', in: ['Adelie', 'Gentoo'] }, { rows: { atLeast: 100 } }],
        ],
      },
      onViolation: {
        enum: ['quarantine', 'fail'],
        default: 'quarantine',
        description:
          'What happens to rows that break an expectation. Expectations about the data as a whole (rows, type, distinct, missing, mean) always fail the step.',
      },
      budget: {
        type: 'number',
        minimum: 0,
        maximum: 1,
        default: 0.05,
        description: 'Share of the rows that may be quarantined; the step fails beyond it.',
      },
    },
  },
  inputs: { dataset: { kind: 'dataset', description: 'What ingest gives.' } },
  outputs: { dataset: { kind: 'dataset', description: 'The same rows, without those that were set aside.' } },
  timeouts: { startToCloseMs: 3_600_000, heartbeatMs: 60_000 },
  retry: DEFAULT_RETRY,
  cacheable: true,
  examples: [
    {
      title: 'Ranges and categories',
      config: {
        expect: [
          { column: 'body_mass_g', between: [2_000, 7_000] },
          { column: 'species', in: ['Adelie', 'Chinstrap', 'Gentoo'] },
        ],
      },
    },
  ],
  describe: ({ expect, onViolation }) =>
    `${plural(expect.length, 'expectation')}; rows that break one ${onViolation === 'fail' ? 'fail the step' : 'are set aside'}`,
  async run(ctx, config, inputs) {
    const { validate } = await import('../../src/data/expectations/validate.ts');
    return validate(ctx, config, inputs.dataset!);
  },
});
