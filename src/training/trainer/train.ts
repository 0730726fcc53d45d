import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openExamples } from '../../data/stored/examples.ts';
import { PerennialError } from '../../core/errors.ts';
import type { OutputSpec } from '../../core/tensor.ts';
import { createCallbacks } from '../callbacks/create-callbacks.ts';
import { curveLayers } from '../curves/curve-layers.ts';
import { describeTopology, wantsOneDnn } from '../model/describe.ts';
import { answersWidth, headsMeta } from '../model/heads.ts';
import { resolveNamed } from '../model/named.ts';
import { checkMixing, mixingOf, withMixing } from '../objectives/shared/mixing.ts';
import { Network } from '../model/network.ts';
import type { CommonOptimizerConfig } from '../optimizers/optimizer.ts';
import { optimizerRegistry } from '../optimizers/index.generated.ts';
import { withRowWeights } from '../objectives/shared/row-weights.ts';
import { resolveModel } from '../model/resolve-model.ts';
import type { ResolvedModel } from '../model/resolve-model.ts';
import { product } from '../layers/shapes.ts';
import { loadTf, preferOneDnn } from '../tensorflow/tf.ts';
import type { Topology } from '../model/model-config.ts';
import { BUCKETS, emaOf, histogramsOf, modelOf, optimizerOf, searchOf } from '../step/train-config.ts';
import { ANSWER_ROWS_MAX, answerFiles, hasAnswerProfile } from '../bundle/answer-profile.ts';
import { readBaseWeights } from '../transfer/base-files.ts';
import { startingFrom } from '../transfer/transfer.ts';
import { encodeWeights } from '../bundle/weights-file.ts';
import { CheckpointFolder } from './checkpoint.ts';
import { createEngine } from './create-engine.ts';
import { classWeightsOf } from './labels.ts';
import { evaluatedRows } from './evaluate-set.ts';
import { localArtifact } from './local-artifact.ts';
import { requireMemory } from './memory.ts';
import type { TrainerJob, TrainerMessage } from './protocol.ts';
import { Spreads } from './spreads.ts';
import { trainedModel } from './trained-model.ts';
import { batchShapes, measureTexts, requireSameWithoutPadding } from './text-lengths.ts';
import { TrainLoop, stepsPerEpoch } from './train-loop.ts';
import type { LoopOutcome } from './train-loop.ts';
import type { EngineRequest } from './update-rule.ts';
import type { TrainingResult } from './result.ts';
import type { TrainedModel } from '../objectives/objective.ts';
import type { RowReader } from './row-reader.ts';

export interface TrainerHooks {
  readonly send: (message: TrainerMessage) => void;
  readonly cancelled: () => boolean;
  /** Nobody wants what comes of the job any more. */
  readonly dropped: () => boolean;
}

/** Does a job from its newest checkpoint on, and writes its result into the job's folder. @throws PerennialError */
export async function train(job: TrainerJob, hooks: TrainerHooks): Promise<void> {
  const { config } = job;
  const examples = await openExamples(localArtifact(job.examples), ['train', 'validation'], job.memoryBytes);
  const { inputs, output, splits, weight } = examples.meta;
  const resolved = resolveModel({ ...modelOf(config), ...(job.base === undefined ? {} : { base: job.base.network }), inputs, output });
  const { topology } = resolved;
  const optimizer = resolveNamed(optimizerRegistry, optimizerOf(config));
  if (splits.train.rows === 0) throw new PerennialError('SPLIT_INVALID', 'The training split has no rows.');
  const trainReader = examples.reader('train');
  const validation = splits.validation.rows > 0 ? examples.reader('validation') : undefined;
  const classWeights =
    config.classWeights === undefined ? undefined : classWeightsOf(config.classWeights, output, () => countClasses(trainReader, output));
  const created = resolved.objective.create(resolved, classWeights === undefined ? {} : { classWeights });
  const mixing = mixingOf(config);
  if (mixing !== undefined) checkMixing(mixing, resolved.objective.name, created, output);
  const rowed = weight === undefined ? created : withRowWeights(created, weight);
  const counted = mixing === undefined ? rowed : withMixing(rowed, mixing);
  const objective = job.base === undefined ? counted : startingFrom(counted, resolved.transfer!, readBaseWeights(job.base));
  objective.inspect?.(trainReader.read(0, Math.min(INSPECTED_ROWS, splits.train.rows)));
  const { rows } = splits.train;
  const steps = Math.min(config.epochs * stepsPerEpoch(rows, config.batchSize), config.steps ?? Infinity);
  const epochs = Math.ceil(steps / stepsPerEpoch(rows, config.batchSize));
  const callbacks = createCallbacks(
    config,
    objective,
    { epochs, steps, stepsPerEpoch: stepsPerEpoch(rows, config.batchSize) },
    validation !== undefined,
  );
  // Has to be said before TensorFlow is loaded. Without convolutions, its sums gain nothing.
  if (wantsOneDnn(resolved)) preferOneDnn();
  const lengths =
    config.batches === undefined
      ? undefined
      : measureTexts(trainReader, objective.inputs, config.batches.buckets ?? BUCKETS, objective.readsBehind);
  if (lengths !== undefined) {
    requireSameWithoutPadding(objective, lengths, trainReader.read(0, Math.min(2, rows)));
    hooks.send({ type: 'notice', message: `batches hold texts of up to ${lengths.buckets.join(', ')} tokens` });
  }
  const sizes = {
    train: [...(rows >= config.batchSize ? [config.batchSize] : []), ...(rows % config.batchSize > 0 ? [rows % config.batchSize] : [])],
    evaluate: validation === undefined ? undefined : Math.min(evaluatedRows(objective), validation.rows),
    rowWeights: classWeights !== undefined || weight !== undefined,
    ...(lengths === undefined ? {} : { texts: { input: lengths.input, train: batchShapes(lengths, rows, config.batchSize) } }),
  };
  const groups = resolved.transfer?.groups(stepsPerEpoch(rows, config.batchSize) / config.gradientAccumulation) ?? [];
  const ema = emaOf(config);
  const wakes = resolved.transfer?.wakes(stepsPerEpoch(rows, config.batchSize));
  const request: EngineRequest = {
    objective,
    optimizer,
    seed: config.seed,
    accumulation: config.gradientAccumulation,
    groups,
    cyclesMomentum: callbacks.some(({ momentum }) => momentum !== undefined),
    ...(ema === undefined ? {} : { ema }),
    ...(wakes === undefined || wakes.size === 0 ? {} : { wakes }),
  };
  const trainable = objective.weights.filter((spec) => spec.trainable);
  const largest = trainable.reduce(
    (most, spec) => (product(spec.shape) > product(most.shape) ? spec : most),
    trainable[0] ?? objective.weights[0]!,
  );
  requireMemory(
    trainable.reduce((sum, { shape }) => sum + product(shape), 0),
    Object.keys(optimizer.definition.slots(optimizer.config)).length,
    largest?.fullName ?? '',
  );
  const { engine, reason } = createEngine(loadTf(), request, sizes, config.engine);
  if (reason !== undefined)
    hooks.send({
      type: 'notice',
      message: `training runs operation by operation, which is slower: the model cannot be compiled because of ${reason}`,
    });
  const search = searchOf(config);
  const histograms = histogramsOf(config);
  const loop = new TrainLoop({
    engine,
    train: trainReader,
    validation,
    objective,
    layers: curveLayers(topology),
    ...(histograms === undefined ? {} : { spreads: new Spreads(loadTf(), request, histograms) }),
    callbacks,
    settings: {
      epochs,
      steps,
      accumulation: config.gradientAccumulation,
      batchSize: config.batchSize,
      seed: config.seed,
      shuffle: config.shuffle,
      ...(lengths === undefined ? {} : { lengths }),
      learningRate: (optimizer.config as unknown as CommonOptimizerConfig).learningRate,
      validateEveryEpochs: config.validation.everyEpochs,
      ...(config.validation.rows === undefined ? {} : { validationRows: config.validation.rows }),
      ...(search === undefined ? {} : { search }),
      ...(config.checkpoint.everySteps === undefined ? {} : { checkpointEverySteps: config.checkpoint.everySteps }),
      checkpointEveryEpochs: config.checkpoint.everyEpochs,
      checkpointEverySeconds: config.checkpoint.everySeconds,
    },
    checkpoints: new CheckpointFolder(job.checkpointDir, job.binding, config.checkpoint.keep),
    send: hooks.send,
    cancelled: hooks.cancelled,
    dropped: hooks.dropped,
  });
  const close = (): void => {
    engine.dispose();
    trainReader.close();
    validation?.close();
  };
  const outcome = await loop.run().catch((error: unknown) => {
    // A process that drops its job takes the next one, and nothing of this one may be left in it.
    if (hooks.dropped()) close();
    throw error;
  });
  const { parameters, trainableParameters, ...described } = describeTopology(topology);
  const heads = resolved.heads === undefined ? undefined : headsMeta(resolved.heads);
  const trained = trainedModel(
    { topology, weights: outcome.weights, loss: resolved.loss.name, ...(heads === undefined ? {} : { heads }), output },
    { train: trainReader, validation },
  );
  let answers: Awaited<ReturnType<TrainedModel['answers']>> | undefined;
  const answered = await resolved.objective.modelOutput(resolved, {
    answers: async (rowsMax) => (answers = await trained.answers(rowsMax)),
  });
  // Of rows that it has learnt from a model is surer than of any that will come, so that these tell nothing of what to expect.
  if (answers === undefined && validation !== undefined && hasAnswerProfile(answered))
    answers = await trained.answers(Math.min(ANSWER_ROWS_MAX, config.validation.rows ?? Infinity));
  const outputShape = answered.kind === 'several' ? [answersWidth(answered.outputs)] : described.outputShape;
  writeResult(
    job.resultDir,
    resolved,
    outcome,
    {
      engine: engine.name,
      ...(reason === undefined ? {} : { engineReason: reason }),
      outputShape,
      parameters,
      trainableParameters,
      loss: resolved.loss.name,
      ...(heads === undefined ? {} : { heads }),
      inputs: topology.inputs,
      output: answered,
      optimizer: optimizer.name,
      epochsRun: outcome.epochsRun,
      bestEpoch: outcome.keptEpoch,
      final: finalNumbers(outcome),
      ...(outcome.search === undefined ? {} : { learningRateSearch: outcome.search }),
    },
    answers === undefined ? {} : answerFiles(answered, answers.values, answers.rows),
  );
  close();
}

/** Rows that the objective looks at before anything is computed. */
const INSPECTED_ROWS = 1_024;
const ROWS_PER_READ = 4_096;

function countClasses(reader: RowReader, output: OutputSpec): number[] {
  const counts = new Array<number>(output.kind === 'classes' ? output.classes.length : 0).fill(0);
  for (let start = 0; start < reader.rows; start += ROWS_PER_READ) {
    for (const index of reader.read(start, Math.min(ROWS_PER_READ, reader.rows - start), ['@label'])['@label']!.data)
      if (index in counts) counts[index]!++;
  }
  return counts;
}

/** Numbers of the epoch whose weights were kept. */
function finalNumbers({ history, keptEpoch }: LoopOutcome): Record<string, number> {
  const { epoch: _epoch, learningRate: _rate, ...numbers } = history.find((entry) => entry.epoch === keptEpoch) ?? {};
  return numbers;
}

/** The result appears whole or not at all. */
function writeResult(
  dir: string,
  { topology, companions }: ResolvedModel,
  outcome: LoopOutcome,
  result: TrainingResult,
  answers: Readonly<Record<string, Uint8Array>>,
): void {
  const temporary = `${dir}.${process.pid}.tmp`;
  mkdirSync(temporary, { recursive: true });
  writeNetwork(temporary, '', topology, outcome.weights);
  for (const [name, companion] of Object.entries(companions)) {
    const own = [...outcome.weights]
      .filter(([weight]) => weight.startsWith(`${name}/`))
      .map(([weight, values]) => [weight.slice(name.length + 1), values] as const);
    writeNetwork(temporary, `${name}.`, companion, new Map(own));
  }
  if (outcome.snapshots.length > 0) writeFileSync(join(temporary, 'samples.json'), JSON.stringify(outcome.snapshots, null, 1));
  for (const [name, bytes] of Object.entries(answers)) writeFileSync(join(temporary, name), bytes);
  writeFileSync(join(temporary, 'history.json'), JSON.stringify(outcome.history, null, 1));
  writeFileSync(join(temporary, 'result.json'), JSON.stringify(result));
  rmSync(dir, { recursive: true, force: true });
  renameSync(temporary, dir);
}

function writeNetwork(dir: string, prefix: string, topology: Topology, weights: ReadonlyMap<string, Float32Array>): void {
  const { manifest, bytes } = encodeWeights(new Network(topology).weights, weights);
  writeFileSync(join(dir, `${prefix}topology.json`), JSON.stringify(topology, null, 1));
  writeFileSync(join(dir, `${prefix}weights.json`), JSON.stringify(manifest, null, 1));
  writeFileSync(join(dir, `${prefix}weights.bin`), bytes);
}
