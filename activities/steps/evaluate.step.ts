import type { ArtifactRef } from '../../src/core/artifact.ts';
import { PerennialError } from '../../src/core/errors.ts';
import type { ObjectStore } from '../../src/core/ports.ts';
import type { StepResult } from '../../src/core/step.ts';
import { DEFAULT_RETRY, defineStep } from '../../src/core/step.ts';
import type { MetricSpec } from '../../src/evaluation/catalogue.ts';
import type { BaselineChoice } from '../../src/evaluation/baseline.ts';
import { checkEvaluation } from '../../src/evaluation/check.ts';
import { GATE_SCHEMA, gateInWords } from '../../src/evaluation/gates.ts';
import type { Gate, OnNoChampion } from '../../src/evaluation/gates.ts';

interface EvaluateConfig {
  readonly metrics?: readonly MetricSpec[];
  readonly gates?: readonly Gate[];
  readonly onNoChampion?: OnNoChampion;
  readonly champion?: string;
  readonly positive?: string;
  readonly threshold?: number;
  readonly slices?: readonly string[];
  readonly baseline?: BaselineChoice;
  readonly features?: { readonly model?: string; readonly version?: number; readonly layer?: string };
  readonly seed?: number;
}

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
        examples: [['accuracy', 'f1', 'rocAuc'], ['meanAbsoluteError', 'r2']],
      },
      gates: { type: 'array', items: GATE_SCHEMA, default: [], description: 'All have to pass, or nothing that depends on this step runs.', examples: [[{ metric: 'accuracy', atLeast: 0.9 }]] },
      onNoChampion: { enum: ['pass', 'fail'], default: 'pass', description: 'Verdict of gates against the champion where no other version serves yet, or it cannot read the data.' },
      champion: { type: 'string', pattern: '^[a-z0-9][a-z0-9._-]{0,62}$', description: 'Registered model whose champion is compared with. Default: the name of the pipeline.', examples: ['penguins'] },
      positive: { type: 'string', description: 'Two classes: the one that precision, recall and their like are about. Default: the second in sorted order.', examples: ['spam'] },
      threshold: {
        type: 'number',
        description: 'Two classes: predict the positive one where its probability is above this, in this evaluation. Default: the more probable class, as in serving.',
        examples: [0.8],
      },
      slices: { type: 'array', items: { type: 'string', minLength: 1 }, uniqueItems: true, default: [], description: 'Columns by whose values the metrics are shown, worst first.', examples: [['island']] },
      baseline: {
        type: 'object', additionalProperties: false, required: ['seasonalNaive'],
        description: 'The naive forecast to compare with. Default: the last known value for sequences of numbers, else the mean or the most frequent class of training.',
        properties: { seasonalNaive: { type: 'integer', minimum: 1, maximum: 100_000, description: 'Rows of one season: the forecast is the last known value of the same place in the season.', examples: [12] } },
        examples: [{ seasonalNaive: 12 }],
      },
      features: {
        type: 'object', additionalProperties: false,
        description: 'Of a generator: the classifier whose features the Fréchet distance compares: a registered model here, or a model of this pipeline as the input "features". Default: principal components of the examples.',
        examples: [{ model: 'digits' }, { layer: 'dense_1' }],
        properties: {
          model: { type: 'string', pattern: '^[a-z0-9][a-z0-9._-]{0,62}$', description: 'Registered model.', examples: ['digits'] },
          version: { type: 'integer', minimum: 1, description: 'Default: the champion.', examples: [3] },
          layer: { type: 'string', minLength: 1, description: 'Layer whose values are the features. Default: the one that the last layer reads.', examples: ['dense_1'] },
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
    { title: 'Gates of a classifier', config: { metrics: ['accuracy', 'f1', 'rocAuc'], gates: [{ metric: 'accuracy', atLeast: 0.9 }, { metric: 'accuracy', notWorseThanChampionBy: 0 }] } },
    { title: 'A forecast that has to beat persistence', config: { metrics: ['meanAbsoluteError'], gates: [{ metric: 'meanAbsoluteError', betterThanBaseline: true }] } },
  ],
  describe({ metrics, gates }) {
    const limits = (gates ?? []).map(gateInWords);
    const names = (metrics ?? []).map((metric) => (typeof metric === 'string' ? metric : Object.keys(metric)[0]!));
    return `${names.join(', ')}; ${limits.length === 0 ? 'no gates' : `gate${limits.length === 1 ? '' : 's'}: ${limits.join(', ')}`}`;
  },
  check: (config, facts) => checkEvaluation(config, facts),
  async fingerprint(ctx, config, inputs) {
    const champion = await findChampion(ctx.store, config.champion ?? ctx.pipeline, inputs);
    const features = await findFeatures(ctx.store, config, inputs);
    return {
      champion: champion === undefined ? null : { version: champion.version, model: champion.model.digest },
      ...(features === undefined ? {} : { features: features.model.digest }),
    };
  },
  async run(ctx, config, inputs): Promise<StepResult> {
    const { evaluateModel } = await import('../../src/evaluation/evaluate.ts');
    const { writeEvaluation } = await import('../../src/reports/write-evaluation.ts');
    const name = config.champion ?? ctx.pipeline;
    const champion = await findChampion(ctx.store, name, inputs);
    const features = await findFeatures(ctx.store, config, inputs);
    const report = await evaluateModel(
      {
        model: await ctx.artifacts.open(inputs['model']!),
        examples: await ctx.artifacts.open(inputs['examples']!),
        dataset: await ctx.artifacts.open(inputs['dataset']!),
        ...(features === undefined ? {} : { features: { artifact: await ctx.artifacts.open(features.model), name: features.name, ...(config.features?.layer === undefined ? {} : { layer: config.features.layer }) } }),
        champion: champion === undefined ? { none: `no other version of "${name}" serves` } : { model: name, version: champion.version, artifact: await ctx.artifacts.open(champion.model) },
      },
      {
        pipeline: ctx.pipeline,
        metrics: config.metrics ?? [],
        gates: config.gates ?? [],
        onNoChampion: config.onNoChampion ?? 'pass',
        ...(config.positive === undefined ? {} : { positive: config.positive }),
        ...(config.threshold === undefined ? {} : { threshold: config.threshold }),
        slices: config.slices ?? [],
        ...(config.baseline === undefined ? {} : { baseline: config.baseline }),
        seed: config.seed ?? 1,
        signal: ctx.signal,
        onProgress: (message, fraction) => ctx.progress({ message, ...(fraction === undefined ? {} : { fraction }) }),
      },
    );
    return writeEvaluation(ctx.artifacts, report);
  },
});

/** The champion, unless it is the very model that is judged: then there is nothing to compare, and nothing to judge again. */
async function findChampion(store: ObjectStore, name: string, inputs: Readonly<Record<string, ArtifactRef>>): Promise<{ version: number; model: ArtifactRef } | undefined> {
  const { findServing } = await import('../../src/registry/champion.ts');
  const serving = await findServing(store, name);
  return serving?.model.digest === inputs['model']?.digest ? undefined : serving;
}

/** The classifier of the Fréchet distance: the input, or a registered model. @throws CONFIG_INVALID where there is none, or two */
async function findFeatures(store: ObjectStore, { features }: EvaluateConfig, inputs: Readonly<Record<string, ArtifactRef>>): Promise<{ name: string; model: ArtifactRef } | undefined> {
  const wired = inputs['features'];
  const named = features?.model;
  if (wired !== undefined && named !== undefined) throw new PerennialError('CONFIG_INVALID', `Both the input "features" and the registered model "${named}" are named.`, { hint: 'Leave one of them out of the evaluate step.' });
  if (wired !== undefined) return { name: 'the model of the input "features"', model: wired };
  if (named === undefined) {
    if (features === undefined) return undefined;
    throw new PerennialError('CONFIG_INVALID', '"features" of the evaluate step names no model.', { hint: 'Give "model", or "inputs": { "features": "<id of a train step>" }.' });
  }
  const { findServing } = await import('../../src/registry/champion.ts');
  const { readVersion } = await import('../../src/registry/versions.ts');
  const found = features?.version === undefined ? await findServing(store, named) : await readVersion(store, named, features.version);
  if (found === undefined) {
    throw new PerennialError('CONFIG_INVALID', `"features" names the model "${named}"${features?.version === undefined ? ', of which no version serves' : ` version ${features.version}, which does not exist`}.`, { hint: 'Register it first, or train it in this pipeline and name that step as the input "features".' });
  }
  return { name: `${named} version ${found.version}`, model: found.model };
}
