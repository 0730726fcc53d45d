import { existsSync } from 'node:fs';
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ArtifactRef } from '../../core/artifact.ts';
import { PerennialError, isPerennialError, messageOf } from '../../core/errors.ts';
import { canonicalJson } from '../../core/json.ts';
import type { Json, JsonObject } from '../../core/json.ts';
import type { OpenArtifact } from '../../core/ports.ts';
import type { StepContext } from '../../core/step.ts';
import { REFERENCE_FILE } from '../../data/stored/reference-values.ts';
import { EXAMPLES } from '../../data/stored/dataset.ts';
import { entryPoint } from '../../platform/paths.ts';
import { sha256, sha256File } from '../../storage/digest.ts';
import { CurveKeeper } from '../curves/curve-keeper.ts';
import { CheckpointSync } from './checkpoint-sync.ts';
import { EpochJudge } from './epoch-judge.ts';
import type { ModelConfig } from '../model/model-config.ts';
import { resolveModel } from '../model/resolve-model.ts';
import { wantsOneDnn } from '../model/describe.ts';
import { Trainers } from './trainers.ts';
import type { Trainer, TrainerEnd, TrainerKind } from './trainers.ts';
import { modelOf } from './train-config.ts';
import type { TrainConfig } from './train-config.ts';
import { kernelKills, memoryError, outOfMemory } from '../trainer/memory.ts';
import type { TrainerJob, TrainerMessage } from '../trainer/protocol.ts';
import type { TrainingResult } from '../trainer/result.ts';
import { baseText } from '../transfer/base.ts';
import type { BaseNetwork } from '../transfer/base.ts';
import { readBaseFiles } from '../transfer/base-files.ts';
import type { BaseFiles, BaseSource } from '../transfer/base-files.ts';
import { checkPreprocessing } from '../transfer/check-preprocessing.ts';
import type { TransferConfig } from '../transfer/transfer-config.ts';
import type { ModelMeta } from '../model/model-meta.ts';
import { metaAs } from '../../storage/stored.ts';

type Context = Pick<
  StepContext,
  'pipeline' | 'runId' | 'stepId' | 'workDir' | 'store' | 'artifacts' | 'log' | 'signal' | 'progress' | 'attempt' | 'epoch'
>;

export interface TrainingReport {
  readonly model: ArtifactRef;
  readonly meta: ModelMeta;
  readonly resumedEpoch: number;
  readonly history: readonly Readonly<Record<string, number>>[];
}

/** Time that a trainer has to drop its job, which it does between two batches, before it is killed. */
const DROP_MS = 2_000;

/** Time that a trainer has to save a checkpoint before it is killed. */
const GRACE_MS = 5_000;

/** Of this process, for all that it trains. */
const shared = new Trainers();

/**
 * Trains a model on examples in a process of its own and writes the `model` artifact.
 *
 * @param trainer the built entry point of the trainer process
 * @param baseSource what the model starts from, where it does
 * @param trainers where the process comes from
 * @throws what the trainer threw; TRAINER_CRASHED, OUT_OF_MEMORY, CANCELLED
 */
export async function runTraining(
  ctx: Context,
  config: TrainConfig,
  examplesRef: ArtifactRef,
  trainer: string = entryPoint('trainer'),
  baseSource?: BaseSource,
  trainers: Trainers = shared,
): Promise<TrainingReport> {
  const examples = await ctx.artifacts.open(examplesRef);
  const meta = metaAs(examples, EXAMPLES);
  const base = baseSource === undefined ? undefined : await fetchBase(ctx, config, baseSource, examples);
  const resolved = resolveModel({
    ...modelOf(config),
    ...(base === undefined ? {} : { base: base.network }),
    inputs: meta.inputs,
    output: meta.output,
  });
  const { job, digest } = await prepare(ctx, config, examplesRef, examples, trainer, base);
  const sync = new CheckpointSync(ctx.store, job.binding, job.checkpointDir, (message) => ctx.log.warn(message));
  await sync.fetch();
  const curves = new CurveKeeper(
    ctx.store,
    { pipeline: ctx.pipeline, run: ctx.runId, step: ctx.stepId, binding: job.binding, settings: config as unknown as JsonObject },
    (message) => ctx.log.warn(message),
  );
  await curves.open();
  let resumedEpoch: number | undefined;
  const judge = new EpochJudge(ctx);
  const kind = { trainer, digest, oneDnn: wantsOneDnn(resolved) };
  try {
    resumedEpoch = await supervise(ctx, job, { sync, curves, judge }, kind, trainers);
    await curves.end('done');
  } catch (error) {
    const cancelled = isPerennialError(error, 'CANCELLED') || judge.ended;
    await curves.end(cancelled ? 'cancelled' : 'failed', cancelled ? undefined : messageOf(error));
    throw error;
  } finally {
    await sync.settle(resumedEpoch !== undefined || judge.ended);
    // Nobody goes on from there, and another trial comes.
    if (judge.ended) {
      trainers.prepare(kind);
      await sync.clear();
    }
  }
  const report = await writeModel(ctx, config, examplesRef, examples, job);
  await sync.clear();
  return { ...report, resumedEpoch };
}

async function fetchBase(ctx: Context, config: TrainConfig, source: BaseSource, examples: OpenArtifact): Promise<BaseFiles> {
  ctx.progress({ message: `fetching ${baseText(source.origin)}` });
  const { inputs } = metaAs(examples, EXAMPLES);
  const { notes, ...base } = await readBaseFiles(source, inputs, join(ctx.workDir, 'base'));
  for (const note of notes) ctx.log.info(`${baseText(source.origin)}: ${note}`);
  checkPreprocessing(
    base.network,
    await examples.json<JsonObject>('preprocessor.json'),
    inputs,
    (config.model as TransferConfig).from.inputs,
  );
  return base;
}

async function prepare(
  ctx: Context,
  config: TrainConfig,
  ref: ArtifactRef,
  examples: OpenArtifact,
  trainer: string,
  base: BaseFiles | undefined,
): Promise<{ readonly job: TrainerJob; readonly digest: string }> {
  if (!existsSync(trainer))
    throw new PerennialError('INTERNAL', `The trainer is not built: ${trainer} is missing.`, { hint: 'Run `npm run build`.' });
  ctx.progress({ message: 'fetching examples' });
  const paths: Record<string, string> = {};
  // The trainer never sees the test rows.
  for (const file of Object.keys(examples.manifest.files).filter((name) => !name.startsWith('test/')))
    paths[file] = await examples.path(file);
  // The entry point names its chunks by their digests, so its digest stands for all code of the trainer.
  const digest = await sha256File(trainer);
  const binding = sha256(
    canonicalJson({
      config: config as unknown as Json,
      examples: ref.digest,
      trainer: digest,
      ...(base === undefined ? {} : { base: base.network.origin.digest }),
    }),
  );
  const job: TrainerJob = {
    config,
    examples: { ref, manifest: examples.manifest, paths },
    ...(base === undefined ? {} : { base }),
    binding,
    checkpointDir: join(ctx.workDir, 'checkpoints'),
    resultDir: join(ctx.workDir, 'result'),
  };
  await mkdir(job.checkpointDir, { recursive: true });
  await writeFile(join(ctx.workDir, 'job.json'), JSON.stringify(job));
  return { job, digest };
}

/** Has a trainer do the job, to its end. @returns the epoch it resumed from, 0 for a fresh start */
async function supervise(ctx: Context, job: TrainerJob, keepers: Keepers, kind: TrainerKind, trainers: Trainers): Promise<number> {
  for (;;) {
    if (ctx.signal.aborted)
      throw new PerennialError('CANCELLED', 'Training was cancelled before it started.', { cause: ctx.signal.reason });
    const resumedEpoch = await workWith(trainers.take(kind), ctx, job, keepers, trainers);
    if (resumedEpoch !== undefined) return resumedEpoch;
  }
}

interface Keepers {
  readonly sync: CheckpointSync;
  readonly curves: CurveKeeper;
  readonly judge: EpochJudge;
}

/** @returns undefined where the trainer was gone before the job reached it */
async function workWith(
  trainer: Trainer,
  ctx: Context,
  job: TrainerJob,
  { sync, curves, judge }: Keepers,
  trainers: Trainers,
): Promise<number | undefined> {
  const kills = kernelKills();
  let resumedEpoch = 0;
  let failure: PerennialError | undefined;
  let taken = false;
  let done = false;
  let told = false;
  let killer: NodeJS.Timeout | undefined;
  // It is asked first: a process that drops its job is there for the next trial.
  const drop = (): void => {
    trainer.order({ type: 'drop' });
    killer ??= setTimeout(() => trainer.end(), DROP_MS);
  };
  const stop = (): void => {
    told = true;
    trainer.end('SIGTERM');
    clearTimeout(killer);
    killer = setTimeout(() => trainer.end(), GRACE_MS);
  };
  ctx.signal.addEventListener('abort', stop, { once: true });
  try {
    const stays = await new Promise<boolean>((resolve) => {
      void trainer.ended.then(() => resolve(false));
      trainer.onMessage = (message) => {
        if (message.type === 'taken') taken = true;
        if (message.type === 'started') {
          ({ resumedEpoch } = message);
          curves.started(message.curve);
          for (const numbers of message.curve.history) judge.tell(numbers, drop);
        }
        if (message.type === 'epoch') {
          curves.epoch(message);
          judge.tell(message.numbers, drop);
        }
        if (message.type === 'checkpoint') sync.push(message.path);
        if (message.type === 'done') done = true;
        if (message.type === 'dropped' || (message.type === 'done' && message.stays === true)) resolve(true);
        if (message.type === 'failed')
          failure = new PerennialError(message.error.code, message.error.message, {
            hint: message.error.hint,
            details: message.error.details,
          });
        relay(ctx, message);
      };
      trainer.order(trainers.job(join(ctx.workDir, 'job.json')));
    });
    const verdict = ctx.signal.aborted ? undefined : await judge.settle();
    // What has answered is free, also where it was told to drop a job that it had done by then.
    if (stays && !told) trainers.give(trainer);
    if (verdict !== undefined) throw verdict.error;
    // What was told to end has to be gone before anything else is done with its files.
    const { code, signal, error } = stays && !told ? AT_WORK : await trainer.ended;
    if (done) return resumedEpoch;
    if (ctx.signal.aborted) throw new PerennialError('CANCELLED', 'Training was cancelled.', { cause: ctx.signal.reason });
    if (error !== undefined) throw error;
    if (trainer.waited && !taken) return undefined;
    throw failure ?? crash(code, signal, trainer.lastWords, kernelKills() > kills, job.config.batchSize);
  } finally {
    clearTimeout(killer);
    ctx.signal.removeEventListener('abort', stop);
  }
}

const AT_WORK: TrainerEnd = { code: null, signal: null };

function relay(ctx: Context, message: TrainerMessage): void {
  if (message.type === 'notice') ctx.log.info(message.message);
  if (message.type === 'started' && message.resumedStep > 0) {
    ctx.log.info(`training goes on from its checkpoint: epoch ${message.resumedEpoch + 1}, update ${message.resumedStep}`);
  }
  if (message.type === 'started')
    ctx.progress({ message: message.resumedStep > 0 ? `resuming in epoch ${message.resumedEpoch + 1}` : 'training starts' });
  if (message.type === 'searching') ctx.progress({ message: 'searching for a learning rate' });
  if (message.type !== 'progress') return;
  const { type: _type, ...numbers } = message;
  ctx.progress({ message: `epoch ${message.epoch} of ${message.epochs}, loss ${message.loss.toPrecision(4)}`, ...numbers });
}

function crash(
  code: number | null,
  signal: NodeJS.Signals | null,
  stderr: string,
  killedByKernel: boolean,
  batchSize: number,
): PerennialError {
  if (signal === 'SIGKILL' && killedByKernel) return memoryError('the kernel ended it', batchSize);
  const exhausted = outOfMemory(stderr, batchSize);
  if (exhausted !== undefined) return exhausted;
  const lines = stderr.trim().split('\n').slice(-8).join('\n');
  return new PerennialError(
    'TRAINER_CRASHED',
    `The trainer process ended ${signal === null ? `with the code ${code}` : `by ${signal}`}${lines === '' ? '.' : `; its last words:\n${lines}`}`,
    {
      hint:
        signal === 'SIGKILL'
          ? 'The step is tried again from its last checkpoint. If the machine lacks memory, lower the batch size.'
          : 'The step is tried again from its last checkpoint.',
      details: { exitCode: code, signal },
    },
  );
}

async function writeModel(
  ctx: Context,
  config: TrainConfig,
  ref: ArtifactRef,
  examples: OpenArtifact,
  { resultDir, base }: TrainerJob,
): Promise<Omit<TrainingReport, 'resumedEpoch'>> {
  const result = JSON.parse(await readFile(join(resultDir, 'result.json'), 'utf8')) as TrainingResult;
  const { dataset } = metaAs(examples, EXAMPLES);
  const { engine, engineReason, learningRateSearch, ...numbers } = result;
  // What a kept head goes on with is known from the base; the next one to start from this model knows it from here.
  const kept = base !== undefined && ((config.model as TransferConfig).head ?? 'keep') === 'keep' ? base.network : undefined;
  const training = {
    ...config,
    ...goesOnWith(config, kept),
    engine,
    ...(learningRateSearch === undefined ? {} : { learningRateSearch }),
    ...(engineReason === undefined ? {} : { engineReason }),
  } as unknown as JsonObject;
  const meta: ModelMeta = {
    ...numbers,
    seed: config.seed,
    examples: ref.digest,
    dataset,
    training,
    ...(base === undefined ? {} : { base: base.network.origin }),
  };
  const files: Record<string, { path: string }> = {};
  for (const name of await readdir(resultDir)) if (name !== 'result.json') files[name] = { path: join(resultDir, name) };
  for (const name of ['preprocessor.json', 'profile.json', REFERENCE_FILE])
    if (examples.manifest.files[name] !== undefined) files[name] = { path: await examples.path(name) };
  const model = await ctx.artifacts.write({ kind: 'model', summary: summaryOf(meta), files, meta: meta as unknown as Json });
  const history = JSON.parse(await readFile(join(resultDir, 'history.json'), 'utf8')) as TrainingReport['history'];
  return { model, meta, history };
}

function goesOnWith(
  { objective, loss }: TrainConfig,
  base: BaseNetwork | undefined,
): Partial<Pick<TrainConfig, 'objective' | 'loss'>> & { readonly continues?: ModelConfig } {
  const [task, measure] = [objective ?? base?.objective, loss ?? base?.loss];
  return {
    ...(task === undefined ? {} : { objective: task }),
    ...(measure === undefined ? {} : { loss: measure }),
    ...(base?.model === undefined ? {} : { continues: base.model }),
  };
}

function summaryOf(meta: ModelMeta): string {
  const epochs = meta.bestEpoch === meta.epochsRun ? `${meta.epochsRun} epochs` : `${meta.epochsRun} epochs, best ${meta.bestEpoch}`;
  const numbers = Object.entries(meta.final)
    .map(([name, value]) => `${name} ${value.toPrecision(4)}`)
    .join(', ');
  return `${meta.parameters} parameters, ${epochs}${numbers === '' ? '' : `, ${numbers}`}`;
}
