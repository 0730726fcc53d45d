import type { ArtifactRef } from '../../src/core/artifact.ts';
import { ERRORS, PerennialError } from '../../src/core/errors.ts';
import type { ErrorCode } from '../../src/core/errors.ts';
import type { StepContext, StepResult } from '../../src/core/step.ts';
import { runChild } from '../../src/orchestration/child-process.ts';
import { traceEnvironment } from '../../src/telemetry/telemetry.ts';
import type { ScriptConfig } from '../steps/script.step.ts';
import { bundleScript } from './bundle.ts';
import type { ScriptMessage, ScriptTask } from './messages.ts';

/** Runs a local step in a child process. @throws STEP_FAILED, or what the step throws */
export async function runScript(ctx: StepContext, config: ScriptConfig, inputs: Readonly<Record<string, ArtifactRef>>): Promise<StepResult> {
  const module = await bundleScript(ctx.documentDir, config.path);
  const { runId, pipeline, stepId, attempt, nominalTime, documentDir, planRevision, workDir, trigger } = ctx;
  const task: ScriptTask = { kind: 'task', run: { runId, pipeline, stepId, attempt, nominalTime, documentDir, planRevision, workDir, trigger }, config: config.with ?? {}, inputs, gives: config.gives ?? {} };
  let last: Extract<ScriptMessage, { kind: 'done' | 'failed' }> | undefined;
  const end = await runChild(ctx, {
    command: process.execPath,
    args: ['--enable-source-maps', module],
    cwd: ctx.documentDir,
    // The child opens the store that the worker has open, whatever its own environment would say.
    env: { ...process.env, PERENNIAL_STORE: ctx.store.location, PERENNIAL_SUPERVISED: undefined, ...traceEnvironment() },
    ipc: true,
    onMessage(raw, child) {
      const message = raw as ScriptMessage;
      if (message.kind === 'hello') child.send(task);
      else if (message.kind === 'progress') ctx.progress(message.update);
      else if (message.kind === 'log') ctx.log[message.level](message.message, message.fields);
      // Known to the worker from now on, so that it is hidden in what travels.
      else if (message.kind === 'secret') ctx.secret(message.name);
      else last = message;
    },
  });
  if (last?.kind === 'done') return last.result;
  if (last === undefined) {
    const how = end.signal === null ? `ended with exit code ${end.code}` : `was killed by ${end.signal}`;
    throw new PerennialError('STEP_FAILED', `The process of the local step ${config.path} ${how} without a result. ${end.lastLines.join('\n')}`, { hint: 'Its output above says why; "run" has to return, and must not end the process.' });
  }
  if (last.stack !== undefined) ctx.log.error(last.stack);
  const code = last.code !== undefined && Object.hasOwn(ERRORS, last.code) ? (last.code as ErrorCode) : 'STEP_FAILED';
  throw new PerennialError(code, code === 'STEP_FAILED' ? `The local step ${config.path} failed: ${last.message}` : last.message, last.hint === undefined ? {} : { hint: last.hint });
}
