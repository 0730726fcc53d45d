import { createHash } from 'node:crypto';
import { CheckpointFolder } from '../../../src/training/trainer/checkpoint.ts';
import { createEngine } from '../../../src/training/trainer/create-engine.ts';
import { EVALUATED_ROWS } from '../../../src/training/trainer/evaluate-set.ts';
import type { EngineState } from '../../../src/training/trainer/engine.ts';
import { classWeightsOf } from '../../../src/training/trainer/labels.ts';
import type { TrainerMessage } from '../../../src/training/trainer/protocol.ts';
import { batchShapes } from '../../../src/training/trainer/text-lengths.ts';
import { TrainLoop, stepsPerEpoch } from '../../../src/training/trainer/train-loop.ts';
import type { LoopOutcome, LoopSettings } from '../../../src/training/trainer/train-loop.ts';
import { callbackRegistry } from '../../../src/training/callbacks/index.generated.ts';
import { optimizerRegistry } from '../../../src/training/optimizers/index.generated.ts';
import { resolveNamed } from '../../../src/training/model/named.ts';
import type { Named } from '../../../src/training/model/named.ts';
import { loadTf } from '../../../src/training/tensorflow/tf.ts';
import { resolveModel } from '../../../src/training/model/resolve-model.ts';
import { withRowWeights } from '../../../src/training/objectives/shared/row-weights.ts';
import type { ModelConfig } from '../../../src/training/model/model-config.ts';
import { tableReader } from '../../support/table-reader.ts';
import { temporaryFolder } from './fixtures.ts';
import type { Table } from './fixtures.ts';

/** A training in this process. */
export interface Run {
  readonly table: Table;
  readonly model: ModelConfig;
  readonly epochs?: number;
  readonly steps?: number;
  readonly optimizer?: Named;
  readonly loss?: Named;
  readonly objective?: Named;
  readonly callbacks?: readonly Named[];
  readonly classWeights?: 'balanced';
  readonly classCounts?: readonly number[];
  readonly seed?: number;
  readonly dir?: string;
  /** Cancelled when asked for the n-th time. */
  readonly cancelAt?: number;
  readonly engine?: 'eager' | 'compiled';
  readonly settings?: Partial<LoopSettings>;
}

export function digest(weights: EngineState): string {
  const hash = createHash('sha256');
  for (const [name, values] of weights) hash.update(name).update(values);
  return hash.digest('hex');
}

export async function run(request: Run): Promise<LoopOutcome & { readonly messages: TrainerMessage[] }> {
  const { table, epochs = 3, seed = 1 } = request;
  const resolved = resolveModel({
    model: request.model,
    inputs: table.inputs,
    output: table.output,
    ...(request.loss === undefined ? {} : { loss: request.loss }),
    ...(request.objective === undefined ? {} : { objective: request.objective }),
  });
  const created = resolved.objective.create(
    resolved,
    request.classWeights === undefined
      ? {}
      : { classWeights: classWeightsOf('balanced', table.output, () => request.classCounts ?? [40, 40, 40]) },
  );
  const objective = '@weight' in table.splits.train ? withRowWeights(created, 'weight') : created;
  const optimizer = resolveNamed(optimizerRegistry, request.optimizer ?? 'adam');
  const train = tableReader(table.splits.train);
  const validation = tableReader(table.splits.validation);
  const { batchSize = 16, accumulation = 1 } = request.settings ?? {};
  const sizes = {
    train: [batchSize, ...(train.rows % batchSize > 0 ? [train.rows % batchSize] : [])],
    evaluate: Math.min(EVALUATED_ROWS, validation.rows),
    rowWeights: request.classWeights !== undefined || '@weight' in table.splits.train,
    ...(request.settings?.lengths === undefined
      ? {}
      : { texts: { input: request.settings.lengths.input, train: batchShapes(request.settings.lengths, train.rows, batchSize) } }),
  };
  const { engine } = createEngine(loadTf(), { objective, optimizer, seed, accumulation }, sizes, request.engine ?? 'eager');
  const perEpoch = stepsPerEpoch(train.rows, batchSize);
  const steps = request.steps ?? epochs * perEpoch;
  const facts = {
    epochs: Math.ceil(steps / perEpoch),
    steps,
    stepsPerEpoch: perEpoch,
    numbers: [...objective.numbers, 'validationLoss', ...objective.metrics],
  };
  const messages: TrainerMessage[] = [];
  let asked = 0;
  const loop = new TrainLoop({
    engine,
    train,
    validation,
    objective,
    callbacks: (request.callbacks ?? []).map((named) => {
      const { definition, config } = resolveNamed(callbackRegistry, named);
      return definition.create(config, facts);
    }),
    settings: {
      epochs: facts.epochs,
      steps,
      batchSize,
      accumulation,
      seed,
      shuffle: true,
      learningRate: optimizer.config.learningRate as number,
      validateEveryEpochs: 1,
      checkpointEveryEpochs: undefined,
      checkpointEverySeconds: 3_600,
      ...request.settings,
    },
    checkpoints: new CheckpointFolder(request.dir ?? temporaryFolder(), 'binding', 2),
    send: (message) => messages.push(message),
    cancelled: () => ++asked === request.cancelAt,
    yieldMs: 0,
  });
  try {
    return { ...(await loop.run()), messages };
  } finally {
    engine.dispose();
  }
}
