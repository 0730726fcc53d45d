import { mkdir, rm, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { ArtifactRef } from '../core/artifact.ts';
import { PerennialError, messageOf } from '../core/errors.ts';
import type { Json } from '../core/json.ts';
import type { FingerprintContext, StepContext, StepResult, Unseen } from '../core/step.ts';
import { gather, layOutInputs, readValues } from '../steps/artifact-files.ts';
import { runChild } from '../steps/child-process.ts';
import type { ChildEnd } from '../steps/child-process.ts';
import { guardProgram } from '../steps/guarded-artifacts.ts';
import { mask } from '../steps/secrets.ts';
import { fingerprintOfCommand } from '../steps/seen/command.ts';
import { programEnvironment } from '../platform/environment.ts';
import { traceEnvironment } from '../telemetry/telemetry.ts';
import type { ProgramConfig } from './program-config.ts';

/** What decides the result of a command besides its configuration and inputs, as far as it can be seen. */
export async function fingerprintProgram(ctx: FingerprintContext, config: ProgramConfig): Promise<Json | Unseen> {
  // Secrets stand by name here; they count by their digests.
  const declared = Object.fromEntries(
    Object.entries(config.env ?? {}).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
  return fingerprintOfCommand(config, ctx, programEnvironment(declared));
}

/** Runs the program: its inputs laid out in folders, its outputs gathered from folders. @throws COMMAND_FAILED, STEP_FAILED */
export async function runProgram(
  ctx: StepContext,
  config: ProgramConfig,
  inputs: Readonly<Record<string, ArtifactRef>>,
): Promise<StepResult> {
  const cwd = resolve(ctx.documentDir, config.cwd ?? '.');
  const outputs: Record<string, string> = {};
  const outputRoot = join(ctx.workDir, 'outputs');
  await rm(outputRoot, { recursive: true, force: true });
  for (const name of Object.keys(config.gives ?? {})) {
    outputs[name] = join(outputRoot, name);
    await mkdir(outputs[name], { recursive: true });
  }
  const values = join(ctx.workDir, 'values.json');
  await rm(values, { force: true });
  const scratch = join(ctx.workDir, 'scratch');
  await mkdir(scratch, { recursive: true });
  const stdin = JSON.stringify({
    config: config.with ?? {},
    inputs: await layOutInputs(ctx, inputs),
    outputs,
    values,
    scratch,
    run: {
      id: ctx.runId,
      pipeline: ctx.pipeline,
      step: ctx.stepId,
      attempt: ctx.attempt,
      nominalTime: ctx.nominalTime,
      trigger: ctx.trigger,
    },
  });
  const shown = mask(config.command.join(' '));
  ctx.progress({ message: shown.slice(0, 120) });
  try {
    const end = await start(ctx, config, { cwd, stdin, shown });
    if (end.code !== 0) throw failed(shown, end);
    const refs: Record<string, ArtifactRef> = {};
    for (const [name, kind] of Object.entries(config.gives ?? {}))
      refs[name] = await gather(guardProgram(ctx.artifacts), kind, name, outputs[name]!);
    const given = await readValues(values);
    return { outputs: refs, ...(given === undefined ? {} : { values: given }) };
  } finally {
    // A failed program leaves nothing of its outputs, which may hold what was refused; what it wants to find again lies in "scratch".
    await rm(outputRoot, { recursive: true, force: true });
    await rm(values, { force: true });
  }
}

async function start(
  ctx: StepContext,
  config: ProgramConfig,
  { cwd, stdin, shown }: { cwd: string; stdin: string; shown: string },
): Promise<ChildEnd> {
  const [program, ...args] = config.command;
  const command = program!.includes('/') ? resolve(cwd, program!) : program!;
  try {
    return await runChild(ctx, {
      command,
      args,
      cwd,
      stdin,
      env: programEnvironment({ ...traceEnvironment(), ...config.env }),
      onLine: (line) => ctx.progress({ message: line.slice(0, 200) }),
    });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT' && code !== 'EACCES' && code !== 'ENOTDIR') throw error;
    const where = (await isFolder(cwd)) ? '' : ` The folder ${cwd} does not exist.`;
    throw new PerennialError('COMMAND_FAILED', `${shown} could not be started: ${messageOf(error)}.${where}`, {
      hint: 'Check that the program is installed on the worker, is executable, and that "cwd" exists.',
      cause: error,
    });
  }
}

function failed(shown: string, end: ChildEnd): PerennialError {
  const how = end.signal === null ? `ended with exit code ${end.code}` : `was killed by ${end.signal}`;
  const output = end.lastLines.length === 0 ? 'It wrote nothing.' : `Its last lines:\n${end.lastLines.join('\n')}`;
  return new PerennialError('COMMAND_FAILED', `${shown} ${how}. ${output}\n`, { details: { exitCode: end.code, signal: end.signal } });
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (stats) => stats.isDirectory(),
    () => false,
  );
}
