import { DEFAULT_RETRY, defineStep, unseen } from '../../src/core/step.ts';
import { placesHint, unknownPlaces } from '../../src/scoring/nominal-places.ts';
import { PART_ROWS, SCORE_BUDGET, SCORE_FORMATS } from '../../src/scoring/score-task.ts';
import type { ScoreConfig } from '../scoring.ts';

export default defineStep<ScoreConfig>({
  type: 'score',
  version: 1,
  summary: 'Answers all rows of a source with a model, in parts, and goes on with the parts that are done when it is tried again.',
  configSchema: {
    type: 'object',
    additionalProperties: false,
    required: ['source'],
    properties: {
      source: {
        $ref: '#/definitions/reader',
      },
      model: {
        type: 'string',
        pattern: '^[a-z0-9][a-z0-9._-]{0,62}$',
        description:
          'Registered model whose version answers, whatever this run registers. Left out: the version of the run, else the model that is named like the pipeline.',
        examples: ['penguins'],
      },
      version: {
        type: ['string', 'integer'],
        description: 'Version or alias of the registered model.',
        default: 'champion',
        examples: ['challenger', 3],
      },
      format: { enum: [...SCORE_FORMATS], default: 'parquet', description: 'How the answers are written.' },
      keep: {
        oneOf: [{ const: 'all' }, { type: 'array', items: { type: 'string', minLength: 1 }, uniqueItems: true }],
        default: [],
        description: 'Columns of the source that stand beside the answers, or "all". Each answer also has the number of its row.',
        examples: [['customer', 'order'], 'all'],
      },
      prefix: {
        type: 'string',
        maxLength: 64,
        default: '',
        description: 'In front of the names of the answers, where they are called as columns that are kept.',
        examples: ['predicted_'],
      },
      to: {
        type: 'string',
        minLength: 1,
        description: `File that the answers are also written to, relative to the document; it appears when it is whole. Rows that were set aside lie beside it, as <file>.aside.ndjson. ${placesHint()} They may stand in the path of the source too.`,
        examples: ['scores/{date}.parquet'],
      },
      budget: {
        type: 'number',
        minimum: 0,
        maximum: 1,
        default: SCORE_BUDGET,
        description: 'Share of the rows that may be set aside because they cannot be answered; the step fails beyond it.',
      },
      partRows: {
        type: 'integer',
        minimum: 64,
        maximum: 10_000_000,
        default: PART_ROWS,
        description: 'Rows of one part, which is what a failure costs at most for each process.',
        examples: [10_000],
      },
      processes: {
        type: 'integer',
        minimum: 1,
        maximum: 256,
        description: 'Processes that answer at once. Default: one per core of the worker, as far as the rows are worth it.',
        examples: [4],
      },
    },
  },
  inputs: {
    version: { kind: 'version', optional: true, description: 'What a register step of this run gave.' },
    model: { kind: 'model', optional: true, named: true, description: 'A model of this run that is no version.' },
  },
  outputs: {
    answers: { kind: 'data', description: 'answers.parquet (.csv, .ndjson), and aside.ndjson with the rows that were set aside.' },
  },
  timeouts: { startToCloseMs: 86_400_000, heartbeatMs: 60_000 },
  retry: { ...DEFAULT_RETRY, maximumAttempts: 5 },
  cacheable: true,
  heavy: true,
  // The alias may move, and the source be written to.
  watched: true,
  examples: [
    {
      title: 'The file of each night, by the champion',
      config: {
        model: 'penguins',
        source: { format: 'csv', path: 'incoming/{date}.csv' },
        keep: ['id'],
        to: 'scores/{date}.parquet',
        budget: 0.001,
      },
    },
    { title: 'By the version that this run registers', config: { source: { format: 'parquet', path: 'data/new.parquet' }, format: 'csv' } },
  ],
  describe: ({ source, model, version, to }) =>
    `${source.format} ${source.path} by ${model === undefined ? 'the version of the run' : `${model} ${version ?? 'champion'}`}${to === undefined ? '' : `, to ${to}`}`,
  check({ source, to }) {
    return [
      ...unknownPlaces(source.path).map((name) => ({ pointer: '/source/path', message: `There is no {${name}}.`, fix: placesHint() })),
      ...unknownPlaces(to ?? '').map((name) => ({ pointer: '/to', message: `There is no {${name}}.`, fix: placesHint() })),
    ];
  },
  async fingerprint(ctx, config, inputs) {
    if (config.to !== undefined) return unseen(`it writes ${config.to}, which nobody but it looks after`);
    const { fingerprintScoring } = await import('../scoring.ts');
    return fingerprintScoring(ctx, config, inputs);
  },
  async run(ctx, config, inputs) {
    const { runScoring } = await import('../scoring.ts');
    return runScoring(ctx, config, inputs);
  },
});
