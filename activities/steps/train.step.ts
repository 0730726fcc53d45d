import type { JsonObject } from '../../src/core/json.ts';
import { DEFAULT_RETRY, defineStep } from '../../src/core/step.ts';
import { checkTrainConfig } from '../../src/training/check-config.ts';
import { completeTrainConfig, describeTraining, trainConfigSchema } from '../../src/training/train-config.ts';

export default defineStep<JsonObject>({
  type: 'train',
  version: 1,
  summary: 'Trains a model on the examples, in a process of its own, with checkpoints.',
  configSchema: trainConfigSchema,
  inputs: { examples: { kind: 'examples', description: 'What it learns from.' } },
  outputs: { model: { kind: 'model', description: 'Weights, layers and the preprocessing that belongs to them.' } },
  timeouts: { startToCloseMs: 24 * 3_600_000, heartbeatMs: 30_000 },
  retry: { ...DEFAULT_RETRY, maximumAttempts: 5 },
  cacheable: true,
  heavy: true,
  examples: [
    { title: 'A small network for a table', config: { model: { architecture: 'mlp', units: [32, 16], dropout: 0.1 }, epochs: 60, callbacks: [{ earlyStopping: { patience: 10 } }] } },
    { title: 'Explicit layers', config: { model: { layers: [{ type: 'dense', units: 16, activation: 'relu' }, { type: 'dense', units: 1 }] }, loss: 'meanSquaredError', optimizer: { sgd: { momentum: 0.9 } } } },
  ],
  describe: (config) => describeTraining(completeTrainConfig(config)),
  check: (config) => checkTrainConfig(completeTrainConfig(config)),
  async run(ctx, config, inputs) {
    const { runTraining } = await import('../../src/training/run-training.ts');
    const { trainingDetails } = await import('../../src/training/training-details.ts');
    const report = await runTraining(ctx, completeTrainConfig(config), inputs.examples!);
    const { meta } = report;
    return {
      outputs: { model: report.model },
      values: { ...meta.final, epochs: meta.epochsRun, bestEpoch: meta.bestEpoch, parameters: meta.parameters },
      details: trainingDetails(report),
    };
  },
});
