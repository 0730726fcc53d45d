import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CancelledFailure, ApplicationFailure } from '@temporalio/common';
import { Context } from '@temporalio/activity';
import type { ArtifactRef } from '../src/core/artifact.ts';
import { PerennialError, messageOf } from '../src/core/errors.ts';
import { limits } from '../src/core/limits.ts';
import { WORKER_STOPPED } from '../src/core/run.ts';
import type { StepOutcome, StepTask } from '../src/core/run.ts';
import type { StepContext, StepDefinition, StepResult } from '../src/core/step.ts';
import { StepCache, cacheKey, keyParts, missReason } from '../src/orchestration/cache.ts';
import type { KeyParts } from '../src/orchestration/cache.ts';
import { hitReason } from '../src/orchestration/explain-cache.ts';
import { redact, resolveSecrets, secretOf } from '../src/orchestration/secrets.ts';
import { toFailure } from './failures.ts';
import type { ActivityDeps } from './index.ts';
import { linksOf } from './links.ts';
import { ProgressReporter } from './progress.ts';
import { StepLog } from './step-log.ts';
import { tellCache, tellStep } from './step-telemetry.ts';

/** Time that a cancelled step gets to end its child processes, in milliseconds. */
const ABORT_GRACE_MS = 10_000;

/** The activity of a step type: cache, heartbeats, cancellation, secrets, errors and limits around `definition.run`. */
export function stepActivity(definition: StepDefinition, deps: ActivityDeps): (task: StepTask) => Promise<StepOutcome> {
  return (task) => tellStep(task, async () => {
    const started = performance.now();
    const secrets: string[] = [];
    const log = new StepLog(deps.store, task, Context.current().info.attempt, secrets);
    const reporter = new ProgressReporter(task.stepId, secrets, log);
    reporter.start();
    try {
      const outcome = await execute(definition, deps, task, secrets, log, reporter);
      const links = await linksOf(deps.store, task, outcome.result).catch((error: unknown) => log.warn(`no links to the servers: ${messageOf(error)}`));
      return { ...outcome, durationMs: Math.round(performance.now() - started), ...(links ? { links } : {}) };
    } catch (error) {
      const failure = stopped() ?? toFailure(error, secrets);
      if (!(failure instanceof CancelledFailure)) log.error(`${String(failure.type)}: ${failure.message}`);
      throw failure;
    } finally {
      reporter.stop();
      await log.flush();
    }
  });
}

async function execute(definition: StepDefinition, deps: ActivityDeps, task: StepTask, secrets: string[], log: StepLog, reporter: ProgressReporter): Promise<Omit<StepOutcome, 'durationMs'>> {
  const cache = new StepCache(deps.store, deps.artifacts);
  const secret = (name: string): string => {
    const value = secretOf(name);
    secrets.push(value);
    return value;
  };
  const cached = definition.cacheable && task.cache !== false;
  const parts = await partsOf(definition, deps, task, secret, cached);
  const key = cacheKey(parts);
  let reason = 'always runs';
  if (definition.cacheable) {
    const found = await lookUp(cache, task, key, parts);
    tellCache(task, typeof found !== 'string' ? 'hit' : task.cache === true ? 'miss' : 'off');
    if (typeof found !== 'string') return found;
    reason = found;
  }
  const resolved = resolveSecrets(task.config, secret);
  const workDir = join(deps.workRoot, encodeURIComponent(task.pipeline), encodeURIComponent(task.runId), encodeURIComponent(task.stepId));
  await mkdir(workDir, { recursive: true });
  const result = redact(await abortable(definition.run(contextOf(task, deps, { workDir, secret, log, reporter }), resolved.config, task.inputs)), secrets);
  assertResult(definition, task, result);
  if (cached) {
    // Entry before hint: a hint without an entry would only make the next reason wrong.
    await cache.write(key, { formatVersion: 1, result, createdAt: new Date().toISOString(), runId: task.runId });
    await cache.writeLast(task.pipeline, task.stepId, parts);
  }
  await rm(workDir, { recursive: true, force: true });
  return { result, cached: false, reason };
}

/** A hit, or the reason why the step has to run. */
async function lookUp(cache: StepCache, task: StepTask, key: string, parts: KeyParts): Promise<Omit<StepOutcome, 'durationMs'> | string> {
  if (task.cache === false) return 'its cache is switched off';
  if (task.cache === 'write') return 'the run does not read the cache';
  // A second attempt comes after a failure: it runs, whoever may have written the entry meanwhile.
  if (Context.current().info.attempt > 1) return `attempt ${Context.current().info.attempt}`;
  const entry = await cache.look(key);
  if (entry === undefined) return missReason(parts, await cache.last(task.pipeline, task.stepId));
  return 'gone' in entry ? entry.gone : { result: entry.result, cached: true, reason: hitReason(entry.runId) };
}

async function partsOf(definition: StepDefinition, deps: ActivityDeps, task: StepTask, secret: (name: string) => string, wanted: boolean): Promise<KeyParts> {
  const context = { pipeline: task.pipeline, runId: task.runId, documentDir: task.documentDir, nominalTime: task.nominalTime, secret, store: deps.store };
  const fingerprint = wanted ? ((await definition.fingerprint?.(context, task.config, task.inputs)) ?? null) : null;
  return keyParts(task, task.inputs, deps.codeDigest(task.type), fingerprint);
}

function contextOf(task: StepTask, deps: ActivityDeps, own: { workDir: string; secret: (name: string) => string; log: StepLog; reporter: ProgressReporter }): StepContext {
  const { info, cancellationSignal } = Context.current();
  return {
    runId: task.runId, pipeline: task.pipeline, stepId: task.stepId, attempt: info.attempt, nominalTime: task.nominalTime, documentDir: task.documentDir, planRevision: task.planRevision,
    workDir: own.workDir, store: deps.store, artifacts: deps.artifacts, log: own.log, signal: cancellationSignal,
    progress: (update) => own.reporter.tell(update), secret: own.secret, trigger: task.trigger,
  };
}

/** The step's promise; on cancellation it has a while to clean up, then it is left behind. */
async function abortable(running: Promise<StepResult>): Promise<StepResult> {
  const { cancellationSignal } = Context.current();
  let timer: NodeJS.Timeout | undefined;
  const left = new Promise<never>((_, reject) => {
    const later = (): void => void (timer = setTimeout(() => reject(new PerennialError('CANCELLED', 'The step did not end in time after it was cancelled.')), ABORT_GRACE_MS));
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
    return ApplicationFailure.create({ message: 'The worker stopped; the step goes on with the next worker.', type: WORKER_STOPPED, nonRetryable: true });
  return new CancelledFailure('The step was cancelled.');
}

function assertResult(definition: StepDefinition, task: StepTask, result: StepResult): void {
  const { outputs } = definition.ports?.(task.config) ?? definition;
  for (const [name, port] of Object.entries(outputs)) {
    const given: ArtifactRef | undefined = result.outputs[name];
    if (given === undefined && port.optional !== true) throw new PerennialError('STEP_FAILED', `The step type "${task.type}" gave no output "${name}" (a ${port.kind}).`);
    if (given !== undefined && given.kind !== port.kind) throw new PerennialError('STEP_FAILED', `The step type "${task.type}" gave a ${given.kind} as "${name}", which has to be a ${port.kind}.`);
  }
  const values = Buffer.byteLength(JSON.stringify(result.values ?? {}));
  if (values > limits.stepValuesBytesMax)
    throw new PerennialError('LIMIT_EXCEEDED', `The values of the step "${task.stepId}" are ${values} bytes; at most ${limits.stepValuesBytesMax} travel.`, { hint: 'Give fewer values, and put data into an artifact.' });
  const whole = Buffer.byteLength(JSON.stringify(result));
  if (whole > limits.stepResultBytesMax)
    throw new PerennialError('LIMIT_EXCEEDED', `The result of the step "${task.stepId}" is ${whole} bytes; at most ${limits.stepResultBytesMax} travel.`, { hint: 'Shorten "details", and put data into an artifact.' });
}
