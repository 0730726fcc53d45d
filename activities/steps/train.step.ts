import type { ArtifactRef } from '../../src/core/artifact.ts';
import type { JsonObject } from '../../src/core/json.ts';
import { DEFAULT_RETRY, defineStep } from '../../src/core/step.ts';
import type { Port, StepContext } from '../../src/core/step.ts';
import { checkTrainConfig } from '../../src/training/step/check-config.ts';
import { completeTrainConfig, describeTraining, trainConfigSchema } from '../../src/training/step/train-config.ts';
import type { ModelConfig } from '../../src/training/model/model-config.ts';
import type { TrainingReport } from '../../src/training/step/run-training.ts';
import type { TrainConfig } from '../../src/training/step/train-config.ts';
import type { BaseSource } from '../../src/training/transfer/base-files.ts';
import { isTransfer } from '../../src/training/transfer/transfer-config.ts';
import { fingerprintBase, openBase, originValues } from '../../src/steps/base-model.ts';

const INPUTS: Readonly<Record<string, Port>> = { examples: { kind: 'examples', description: 'What it learns from.' } };
const BASE: Port = { kind: 'model', description: 'What "model": { "from": { "input": "base" } } starts from.' };
const OUTPUTS: Readonly<Record<string, Port>> = {
  model: { kind: 'model', description: 'Weights, layers and the preprocessing that belongs to them.' },
};

export default defineStep<JsonObject>({
  type: 'train',
  version: 1,
  summary: 'Trains a model on the examples, in a process of its own, with checkpoints.',
  configSchema: trainConfigSchema,
  inputs: { ...INPUTS, base: { ...BASE, optional: true } },
  outputs: OUTPUTS,
  ports: ({ model }) => ({ inputs: isTransfer(model) && 'input' in model.from ? { ...INPUTS, base: BASE } : INPUTS, outputs: OUTPUTS }),
  timeouts: { startToCloseMs: 24 * 3_600_000, heartbeatMs: 30_000 },
  retry: { ...DEFAULT_RETRY, maximumAttempts: 5 },
  cacheable: true,
  heavy: true,
  examples: [
    {
      title: 'A small network for a table',
      config: {
        model: { architecture: 'mlp', units: [32, 16], dropout: 0.1 },
        epochs: 60,
        callbacks: [{ earlyStopping: { patience: 10 } }],
      },
    },
    {
      title: 'Explicit layers',
      config: {
        model: {
          layers: [
            { type: 'dense', units: 16, activation: 'relu' },
            { type: 'dense', units: 1 },
          ],
        },
        loss: 'meanSquaredError',
        optimizer: { sgd: { momentum: 0.9 } },
      },
    },
    {
      title: 'A new task on the layers of a registered model',
      config: {
        model: {
          from: { model: 'digits', version: 'champion' },
          head: 'replace',
          freeze: ['conv_*'],
          learningRateFactors: [{ layers: ['dense_*'], factor: 0.1 }],
        },
        epochs: 20,
      },
    },
    {
      title: 'The champion goes on learning from new rows',
      config: {
        model: { from: { model: 'digits', version: 'champion' }, onMissing: { architecture: 'cnn' } },
        learningRate: 0.0003,
        epochs: 3,
      },
    },
  ],
  describe: (config) => describeTraining(completeTrainConfig(config)),
  check: (config) => checkTrainConfig(completeTrainConfig(config)),
  fingerprint: async (ctx, { model }) => (isTransfer(model) ? fingerprintBase(ctx, model.from) : null),
  async run(ctx, config, inputs) {
    const { runTraining } = await import('../../src/training/step/run-training.ts');
    const { diagnoseCurves } = await import('../../src/training/step/diagnose-curves.ts');
    const { trainingDetails } = await import('../../src/training/step/training-details.ts');
    const complete = completeTrainConfig(config);
    const { model, base } = await startOf(ctx, complete.model, inputs);
    const report = await runTraining(ctx, { ...complete, model }, inputs.examples!, undefined, base);
    const { meta } = report;
    const warnings = diagnoseCurves({ history: report.history, keptEpoch: meta.bestEpoch }, { ...complete, model });
    for (const warning of warnings) ctx.log.warn(warning);
    return {
      outputs: { model: report.model },
      values: {
        ...meta.final,
        ...foundRate(report),
        epochs: meta.epochsRun,
        bestEpoch: meta.bestEpoch,
        parameters: meta.parameters,
        ...originValues(meta.base),
        ...(warnings.length === 0 ? {} : { warnings }),
      },
      details: [...warnings.map((warning) => `> ${warning}\n`), trainingDetails(report)].join('\n'),
    };
  },
});

/** Where the learning rate was searched for: the one that was found. */
function foundRate({ meta }: TrainingReport): { readonly learningRate?: number } {
  const { suggested } = (meta.training.learningRateSearch ?? {}) as { readonly suggested?: number };
  return suggested === undefined ? {} : { learningRate: suggested };
}

/** The model as it is trained: from its base, or from the start where there is none yet and the document says so. */
async function startOf(
  ctx: StepContext,
  model: TrainConfig['model'],
  inputs: Readonly<Record<string, ArtifactRef>>,
): Promise<{ readonly model: TrainConfig['model']; readonly base?: BaseSource }> {
  if (!isTransfer(model)) return { model };
  const { from, onMissing = 'fail' } = model;
  const base = await openBase(ctx, from, inputs, onMissing === 'fail' ? 'fail' : 'go on');
  if (base !== undefined) return { model, base };
  if ('model' in from) ctx.log.info(`there is no ${from.model} ${from.version ?? 'champion'} yet: the model is trained from the start`);
  return { model: onMissing as ModelConfig };
}
