import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { CancelledFailure, ApplicationFailure } from '@temporalio/common';
import { Context } from '@temporalio/activity';
import type { ArtifactRef } from '../src/core/artifact.ts';
import { PerennialError, messageOf } from '../src/core/errors.ts';
import { limits } from '../src/core/limits.ts';
import { WORKER_STOPPED, activityName } from '../src/core/run.ts';
import type { StepOutcome, StepTask } from '../src/core/run.ts';
import { TRIAL_STOPPED } from '../src/core/study.ts';
import type { StepContext, StepDefinition, StepResult } from '../src/core/step.ts';
import { changedWhile, decide, partsOf } from '../src/steps/cache-decision.ts';
import type { CacheDecision } from '../src/steps/cache-decision.ts';
import { StepCache } from '../src/steps/cache.ts';
import { librariesOf } from '../src/steps/code-digests.ts';
import { writeStepRecord } from '../src/steps/step-records.ts';
import type { KeyParts } from '../src/steps/cache.ts';
import { guardArtifacts } from '../src/steps/guarded-artifacts.ts';
import { ofThisRun } from '../src/steps/run-traces.ts';
import { mask, maskResult, resolveSecrets, secretOf } from '../src/steps/secrets.ts';
import { toFailure } from './failures.ts';
import type { ActivityDeps } from './deps.ts';
import { linksOf } from './links.ts';
import { ProgressReporter } from './progress.ts';
import { trialEpochs } from './trial-epochs.ts';
import { StepLog } from './step-log.ts';
import { leaveIfEmpty, leaveWorkDir } from './work-dir.ts';
import { tellCache, tellStep } from './step-telemetry.ts';

/** Time that a cancelled step gets to end its child processes, in milliseconds. */
const ABORT_GRACE_MS = 10_000;

/** The activity of a step type: cache, heartbeats, cancellation, secrets, errors and limits around `definition.run`. */
export function stepActivity(definition: StepDefinition, deps: ActivityDeps): (task: StepTask) => Promise<StepOutcome> {
  return (task) =>
    tellStep(task, async () => {
      const started = performance.now();
      const log = new StepLog(deps.store, task, Context.current().info.attempt);
      const reporter = new ProgressReporter(task.stepId, log);
      reporter.start();
      try {
        const outcome = await execute(definition, deps, task, log, reporter);
        const links = await linksOf(deps.store, task, outcome.result).catch((error: unknown) =>
          log.warn(`no links to the servers: ${messageOf(error)}`),
        );
        return { ...outcome, durationMs: Math.round(performance.now() - started), ...(links ? { links } : {}) };
      } catch (error) {
        const failure = stopped() ?? toFailure(error);
        if (failure instanceof ApplicationFailure && failure.type === TRIAL_STOPPED) log.info(failure.message);
        else if (!(failure instanceof CancelledFailure)) log.error(`${String(failure.type)}: ${failure.message}`);
        throw failure;
      } finally {
        reporter.stop();
        await log.flush();
      }
    });
}

async function execute(
  definition: StepDefinition,
  deps: ActivityDeps,
  task: StepTask,
  log: StepLog,
  reporter: ProgressReporter,
): Promise<Omit<StepOutcome, 'durationMs'>> {
  const cache = new StepCache(deps.store, deps.artifacts);
  const found = await askCache(definition, deps, task, cache);
  // Beside the work, which need not wait for it.
  const kept = keepRecord(deps, task, found.kind === 'hit' ? found.entry.runId : undefined, log);
  try {
    return await answered(definition, deps, task, { cache, found, log, reporter });
  } finally {
    await kept;
  }
}

/** The result of the cache, or of the step itself. */
async function answered(
  definition: StepDefinition,
  deps: ActivityDeps,
  task: StepTask,
  own: { readonly cache: StepCache; readonly found: CacheDecision; readonly log: StepLog; readonly reporter: ProgressReporter },
): Promise<Omit<StepOutcome, 'durationMs'>> {
  const { cache, found, log, reporter } = own;
  if (definition.cacheable) tellCache(task, found.kind === 'hit' ? 'hit' : task.cache === true ? 'miss' : 'off');
  if (found.kind === 'hit') return { result: found.entry.result, cached: true, reason: found.reason };
  const resolved = resolveSecrets(task.config);
  const workDir = join(deps.workRoot, encodeURIComponent(task.pipeline), encodeURIComponent(task.runId), encodeURIComponent(task.stepId));
  await mkdir(workDir, { recursive: true });
  const epoch = await trialEpochs(deps, task, found.kind === 'miss' ? found.key : undefined);
  const context = { ...contextOf(task, deps, { workDir, log, reporter }), ...(epoch === undefined ? {} : { epoch }) };
  const result = maskResult(await attempt(definition, context, resolved.config, task.inputs));
  if (result.nothingNew === undefined) assertResult(definition, task, result);
  let { reason } = found;
  // What gives nothing costs little to find out again.
  if (found.kind === 'miss' && result.nothingNew === undefined) {
    const doubt = definition.watched === true ? await doubtOf(definition, deps, task, found.parts, result, workDir) : undefined;
    // Entry before hint: a hint without an entry would only make the next reason wrong.
    if (doubt === undefined) await cache.write(found.key, { result, createdAt: new Date().toISOString(), runId: task.runId });
    else reason = `${reason}; not cached: ${doubt}`;
    // What a run compares itself with is the run before it, not one of its trials.
    if (task.trial === undefined)
      await cache.writeLast(task.pipeline, task.stepId, { parts: found.parts, ...(doubt === undefined ? {} : { notCached: doubt }) });
  }
  await leaveWorkDir(workDir);
  return { result, cached: false, reason: mask(reason) };
}

/** What the step is computed with, to compare runs by. A store that is away costs the record, not the step. */
async function keepRecord(deps: ActivityDeps, task: StepTask, cachedFrom: string | undefined, log: StepLog): Promise<void> {
  const { pipeline, runId: run, stepId: step, type, version, config, inputs } = task;
  try {
    await writeStepRecord(deps.store, {
      pipeline,
      run,
      step,
      type: activityName(type, version),
      at: new Date().toISOString(),
      config,
      inputs: Object.fromEntries(Object.entries(inputs).map(([name, { digest }]) => [name, digest])),
      code: deps.codeDigest(type),
      libraries: librariesOf(type),
      ...(cachedFrom === undefined ? {} : { cachedFrom }),
    });
  } catch (error) {
    log.warn(`what the step is computed with could not be kept: ${messageOf(error)}`);
  }
}

async function attempt(
  definition: StepDefinition,
  ctx: StepContext,
  config: StepTask['config'],
  inputs: StepTask['inputs'],
): Promise<StepResult> {
  try {
    return await abortable(definition.run(ctx, config, inputs));
  } catch (error) {
    await leaveIfEmpty(ctx.workDir).catch((trouble: unknown) =>
      ctx.log.warn(`the folder ${ctx.workDir} could not be removed: ${messageOf(trouble)}`),
    );
    throw error;
  }
}

async function askCache(definition: StepDefinition, deps: ActivityDeps, task: StepTask, cache: StepCache): Promise<CacheDecision> {
  if (!definition.cacheable) return { kind: 'not cached', reason: 'always runs' };
  if (task.cache === false) return { kind: 'not cached', reason: 'its cache is switched off' };
  return decide(cache, definition, stepOf(task), await partsNow(definition, deps, task), task.pipeline, unreadReason(task));
}

function unreadReason(task: StepTask): string | undefined {
  if (task.cache === 'write') return 'the run does not read the cache';
  // A second attempt comes after a failure: it runs, whoever may have written the entry meanwhile.
  const { attempt } = Context.current().info;
  return attempt > 1 ? `attempt ${attempt}` : undefined;
}

function stepOf({ stepId, type, version, config }: StepTask) {
  return { id: stepId, type, version, config };
}

async function partsNow(definition: StepDefinition, deps: ActivityDeps, task: StepTask): Promise<KeyParts | string> {
  const context = {
    pipeline: task.pipeline,
    stepId: task.stepId,
    runId: task.runId,
    documentDir: task.documentDir,
    nominalTime: task.nominalTime,
    secret: secretOf,
    store: deps.store,
  };
  return partsOf(definition, stepOf(task), task.inputs, context, deps.codeDigest(task.type));
}

/**
 * Why a result is not kept for other runs, though its key looked whole: what it was made from changed, or it holds what only this run has.
 */
async function doubtOf(
  definition: StepDefinition,
  deps: ActivityDeps,
  task: StepTask,
  parts: KeyParts,
  result: StepResult,
  workDir: string,
): Promise<string | undefined> {
  return (
    changedWhile(parts, await partsNow(definition, deps, task)) ??
    (await ofThisRun(deps.artifacts, result, { runId: task.runId, workDir, nominalTime: task.nominalTime }, parts.fingerprint))
  );
}

function contextOf(task: StepTask, deps: ActivityDeps, own: { workDir: string; log: StepLog; reporter: ProgressReporter }): StepContext {
  const { info, cancellationSignal } = Context.current();
  return {
    runId: task.runId,
    pipeline: task.pipeline,
    stepId: task.stepId,
    attempt: info.attempt,
    nominalTime: task.nominalTime,
    documentDir: task.documentDir,
    planRevision: task.planRevision,
    workDir: own.workDir,
    store: deps.store,
    artifacts: guardArtifacts(deps.artifacts),
    log: own.log,
    signal: cancellationSignal,
    progress: (update) => own.reporter.tell(update),
    secret: secretOf,
    trigger: task.trigger,
    ...(task.evaluations === undefined ? {} : { evaluations: task.evaluations }),
    ...(task.approvals === undefined ? {} : { approvals: task.approvals }),
  };
}

/** The step's promise; on cancellation it has a while to clean up, then it is left behind. */
async function abortable(running: Promise<StepResult>): Promise<StepResult> {
  const { cancellationSignal } = Context.current();
  let timer: NodeJS.Timeout | undefined;
  const left = new Promise<never>((_, reject) => {
    const later = (): void =>
      void (timer = setTimeout(
        () => reject(new PerennialError('CANCELLED', 'The step did not end in time after it was cancelled.')),
        ABORT_GRACE_MS,
      ));
    if (cancellationSignal.aborted) later();
    else cancellationSignal.addEventListener('abort', later, { once: true });
  });
  try {
    return await Promise.race([running, left]);
  } finally {
    clearTimeout(timer);
  }
}

/** How an attempt ends that was told to stop: cancelled with its run, or handed on because the worker stops. */
function stopped(): CancelledFailure | ApplicationFailure | undefined {
  const { cancellationSignal, cancellationDetails } = Context.current();
  if (!cancellationSignal.aborted) return undefined;
  if (cancellationDetails?.workerShutdown === true && !cancellationDetails.cancelRequested)
    return ApplicationFailure.create({
      message: 'The worker stopped; the step goes on with the next worker.',
      type: WORKER_STOPPED,
      nonRetryable: true,
    });
  return new CancelledFailure('The step was cancelled.');
}

function assertResult(definition: StepDefinition, task: StepTask, result: StepResult): void {
  const { outputs } = definition.ports?.(task.config) ?? definition;
  for (const [name, port] of Object.entries(outputs)) {
    const given: ArtifactRef | undefined = result.outputs[name];
    if (given === undefined && port.optional !== true)
      throw new PerennialError('STEP_FAILED', `The step type "${task.type}" gave no output "${name}" (a ${port.kind}).`);
    if (given !== undefined && given.kind !== port.kind)
      throw new PerennialError(
        'STEP_FAILED',
        `The step type "${task.type}" gave a ${given.kind} as "${name}", which has to be a ${port.kind}.`,
      );
  }
  const values = Buffer.byteLength(JSON.stringify(result.values ?? {}));
  if (values > limits.stepValuesBytesMax)
    throw new PerennialError(
      'LIMIT_EXCEEDED',
      `The values of the step "${task.stepId}" are ${values} bytes; at most ${limits.stepValuesBytesMax} travel.`,
      { hint: 'Give fewer values, and put data into an artifact.' },
    );
  const whole = Buffer.byteLength(JSON.stringify(result));
  if (whole > limits.stepResultBytesMax)
    throw new PerennialError(
      'LIMIT_EXCEEDED',
      `The result of the step "${task.stepId}" is ${whole} bytes; at most ${limits.stepResultBytesMax} travel.`,
      { hint: 'Shorten "details", and put data into an artifact.' },
    );
}
