import type { ArtifactRef } from '../../core/artifact.ts';
import { ERRORS, PerennialError, isPerennialError, messageOf } from '../../core/errors.ts';
import type { ErrorCode } from '../../core/errors.ts';
import type { StepContext, StepResult } from '../../core/step.ts';
import { runChild } from '../../steps/child-process.ts';
import { programEnvironment } from '../../platform/environment.ts';
import { perennialHome } from '../../platform/paths.ts';
import { storeEnvironment } from '../../storage/open-store.ts';
import { traceEnvironment } from '../../telemetry/telemetry.ts';
import type { ScriptConfig } from './config.ts';
import { bundleScript } from './bundle.ts';
import type { ScriptMessage, ScriptTask, SecretAnswer, SecretQuestion } from './messages.ts';

/** Runs a local step in a child process. @throws STEP_FAILED, or what the step throws */
export async function runScript(
  ctx: StepContext,
  config: ScriptConfig,
  inputs: Readonly<Record<string, ArtifactRef>>,
): Promise<StepResult> {
  const module = await bundleScript(ctx.documentDir, config.path);
  const { runId, pipeline, stepId, attempt, nominalTime, documentDir, planRevision, workDir, trigger } = ctx;
  const task: ScriptTask = {
    kind: 'task',
    run: { runId, pipeline, stepId, attempt, nominalTime, documentDir, planRevision, workDir, trigger },
    store: { uri: ctx.store.location, environment: storeEnvironment() },
    config: config.with ?? {},
    inputs,
    gives: config.gives ?? {},
  };
  let last: Extract<ScriptMessage, { kind: 'done' | 'failed' }> | undefined;
  const end = await runChild(ctx, {
    command: process.execPath,
    args: ['--enable-source-maps', module],
    cwd: ctx.documentDir,
    env: programEnvironment({
      PERENNIAL_HOME: perennialHome(),
      PERENNIAL_STORE: ctx.store.location,
      NODE_EXTRA_CA_CERTS: process.env.NODE_EXTRA_CA_CERTS,
      ...traceEnvironment(),
    }),
    ipc: true,
    // From here on the secret is hidden in what travels, before the child has it.
    answer: (line) => JSON.stringify(answer(ctx, line)),
    onMessage(raw, child) {
      const message = raw as ScriptMessage;
      if (message.kind === 'hello') child.send(task);
      else if (message.kind === 'progress') ctx.progress(message.update);
      else if (message.kind === 'log') ctx.log[message.level](message.message, message.fields);
      else last = message;
    },
  });
  if (last?.kind === 'done') return last.result;
  if (last === undefined) {
    const how = end.signal === null ? `ended with exit code ${end.code}` : `was killed by ${end.signal}`;
    throw new PerennialError(
      'STEP_FAILED',
      `The process of the local step ${config.path} ${how} without a result. ${end.lastLines.join('\n')}`,
      { hint: 'Its output above says why; "run" has to return, and must not end the process.' },
    );
  }
  if (last.stack !== undefined) ctx.log.error(last.stack);
  const code = last.code !== undefined && Object.hasOwn(ERRORS, last.code) ? (last.code as ErrorCode) : 'STEP_FAILED';
  throw new PerennialError(
    code,
    code === 'STEP_FAILED' ? `The local step ${config.path} failed: ${last.message}` : last.message,
    last.hint === undefined ? {} : { hint: last.hint },
  );
}

function answer(ctx: StepContext, line: string): SecretAnswer {
  try {
    return { value: ctx.secret((JSON.parse(line) as SecretQuestion).secret) };
  } catch (error) {
    if (isPerennialError(error)) return { code: error.code, message: error.message, hint: error.hint };
    return { code: 'INTERNAL', message: messageOf(error), hint: '' };
  }
}
