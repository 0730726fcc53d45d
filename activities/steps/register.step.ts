import { DEFAULT_RETRY, defineStep } from '../../src/core/step.ts';
import type { RegisterConfig } from '../../src/deployment/register.ts';
import { CARD_SCHEMA } from '../../src/reports/card-schema.ts';

const NAME_PATTERN = '^[a-z0-9][a-z0-9._-]{0,62}$';

export default defineStep<RegisterConfig>({
  type: 'register',
  version: 1,
  summary: 'Gives the model a version in the registry: immutable, numbered without gaps, and found under an alias.',
  configSchema: {
    type: 'object',
    additionalProperties: false,
    properties: {
      model: {
        type: 'string',
        pattern: NAME_PATTERN,
        description: 'Name to register under. Default: the name of the pipeline.',
        examples: ['penguins'],
      },
      alias: {
        type: ['string', 'null'],
        pattern: NAME_PATTERN,
        default: 'challenger',
        description: 'Alias that moves to the new version, or null for none. "champion" is moved by the deploy step.',
        examples: ['challenger', 'candidate'],
      },
      description: {
        type: 'string',
        maxLength: 2000,
        default: '',
        description: 'Kept with the version.',
        examples: ['Trained without the columns of the old sensor.'],
      },
      tags: {
        type: 'object',
        additionalProperties: { type: 'string', maxLength: 500 },
        propertyNames: { maxLength: 100 },
        default: {},
        description: 'Words of your own, kept with the version.',
        examples: [{ team: 'ornithology' }],
      },
      exports: {
        type: 'array',
        items: { $ref: '#/definitions/export' },
        maxItems: 16,
        default: [],
        description:
          'Formats of other programs that the version is kept in as well. Each is read again and compared with the model on rows of the test split before anything is registered; one that differs too much fails the step.',
        examples: [['savedModel', 'kerasH5', { tfjs: { quantize: { uint8: '*' } } }]],
      },
      card: CARD_SCHEMA,
    },
  },
  inputs: {
    model: { kind: 'model' },
    evaluation: {
      kind: 'evaluation',
      optional: true,
      description: 'Its metrics and verdict are kept with the version; a failed verdict is refused.',
    },
  },
  outputs: { version: { kind: 'version' } },
  timeouts: { startToCloseMs: 600_000, heartbeatMs: 60_000 },
  retry: DEFAULT_RETRY,
  // An effect outside the artifacts; idempotent by the digest of the model instead.
  cacheable: false,
  examples: [
    { title: 'Under the name of the pipeline, as challenger', config: { alias: 'challenger' } },
    {
      title: 'With exports for TensorFlow, Keras and TensorFlow.js',
      config: { exports: ['savedModel', 'kerasH5', { tfjs: { quantize: { float16: '*' } } }] },
    },
    { title: 'Under another name, with tags', config: { model: 'penguins-small', alias: null, tags: { team: 'ornithology' } } },
  ],
  describe: ({ model, alias }) =>
    `${model === undefined ? 'under the name of the pipeline' : `as ${model}`}${alias === null ? '' : `, alias ${alias ?? 'challenger'}`}`,
  check(config) {
    const { alias } = config;
    if (alias === 'champion')
      return [
        {
          pointer: '/alias',
          message: 'A new version becomes champion in the deploy step, after its gates.',
          fix: 'Use "alias": "challenger" here and a step { "uses": "deploy", "with": { "promote": "champion" } } after it.',
        },
      ];
    if (typeof alias === 'string' && (alias === 'latest' || /^v?\d+$/.test(alias)))
      return [
        {
          pointer: '/alias',
          message: `"${alias}" is reserved: it already names a version.`,
          fix: 'Choose another alias, for example "challenger".',
        },
      ];
    return [];
  },
  async run(ctx, config, inputs) {
    const { registerModel } = await import('../../src/deployment/register.ts');
    return registerModel(ctx, config, inputs);
  },
});
