import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join, resolve, sep } from 'node:path';
import type { ArtifactRef } from '../src/core/artifact.ts';
import { PerennialError, messageOf } from '../src/core/errors.ts';
import type { Json } from '../src/core/json.ts';
import type { StepContext, StepResult } from '../src/core/step.ts';
import { gather, layOutInputs, readValues } from '../src/orchestration/artifact-files.ts';
import { runChild } from '../src/orchestration/child-process.ts';
import type { ChildEnd } from '../src/orchestration/child-process.ts';
import { sha256File } from '../src/storage/digest.ts';
import { traceEnvironment } from '../src/telemetry/telemetry.ts';
import type { CommandConfig } from './steps/command.step.ts';

/** Files of a folder that count at most: a folder of data belongs into an ingest step. */
const FILES_MAX = 2_000;

/** Digests of the files that decide what a command does. */
export async function fingerprintCommand(documentDir: string, config: CommandConfig): Promise<Json> {
  const cwd = resolve(documentDir, config.cwd ?? '.');
  const digests: Record<string, string> = {};
  for (const word of config.command) {
    const path = resolve(cwd, word);
    // Interpreters and tools of the machine are large and change on every machine: only what belongs to the document counts.
    const own = path.startsWith(documentDir + sep) || path.startsWith(cwd + sep);
    if (own && !word.startsWith('-') && (await isFile(path))) digests[word] = await sha256File(path);
  }
  for (const name of config.files ?? []) await addFiles(resolve(documentDir, name), name, digests);
  return digests;
}

/** Runs the program: its inputs laid out in folders, its outputs gathered from folders. @throws COMMAND_FAILED, STEP_FAILED */
export async function runCommand(ctx: StepContext, config: CommandConfig, inputs: Readonly<Record<string, ArtifactRef>>): Promise<StepResult> {
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
    run: { id: ctx.runId, pipeline: ctx.pipeline, step: ctx.stepId, attempt: ctx.attempt, nominalTime: ctx.nominalTime, trigger: ctx.trigger },
  });
  const shown = config.command.join(' ');
  ctx.progress({ message: shown.slice(0, 120) });
  const end = await start(ctx, config, { cwd, stdin, shown });
  if (end.code !== 0) throw failed(shown, end);
  const refs: Record<string, ArtifactRef> = {};
  for (const [name, kind] of Object.entries(config.gives ?? {})) refs[name] = await gather(ctx.artifacts, kind, name, outputs[name]!);
  const given = await readValues(values);
  return { outputs: refs, ...(given === undefined ? {} : { values: given }) };
}

async function start(ctx: StepContext, config: CommandConfig, { cwd, stdin, shown }: { cwd: string; stdin: string; shown: string }): Promise<ChildEnd> {
  const [program, ...args] = config.command;
  const command = program!.includes('/') ? resolve(cwd, program!) : program!;
  try {
    return await runChild(ctx, { command, args, cwd, stdin, env: { ...process.env, ...traceEnvironment(), ...config.env }, onLine: (line) => ctx.progress({ message: line.slice(0, 200) }) });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT' && code !== 'EACCES' && code !== 'ENOTDIR') throw error;
    const where = (await isFolder(cwd)) ? '' : ` The folder ${cwd} does not exist.`;
    throw new PerennialError('COMMAND_FAILED', `${shown} could not be started: ${messageOf(error)}.${where}`, { hint: 'Check that the program is installed on the worker, is executable, and that "cwd" exists.', cause: error });
  }
}

function failed(shown: string, end: ChildEnd): PerennialError {
  const how = end.signal === null ? `ended with exit code ${end.code}` : `was killed by ${end.signal}`;
  const output = end.lastLines.length === 0 ? 'It wrote nothing.' : `Its last lines:\n${end.lastLines.join('\n')}`;
  return new PerennialError('COMMAND_FAILED', `${shown} ${how}. ${output}\n`, { details: { exitCode: end.code, signal: end.signal } });
}

async function addFiles(path: string, name: string, digests: Record<string, string>): Promise<void> {
  if (await isFile(path)) {
    digests[name] = await sha256File(path);
    return;
  }
  if (!(await isFolder(path))) throw new PerennialError('SOURCE_NOT_FOUND', `"files" names ${name}, which does not exist (${path}).`);
  const entries = (await readdir(path, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
  if (entries.length > FILES_MAX) throw new PerennialError('LIMIT_EXCEEDED', `"files" names ${name} with ${entries.length} files; at most ${FILES_MAX} count.`, { hint: 'Name the files that matter, or read data with an "ingest" step.' });
  for (const entry of entries.sort((a, b) => (join(a.parentPath, a.name) < join(b.parentPath, b.name) ? -1 : 1))) {
    const full = join(entry.parentPath, entry.name);
    digests[join(name, full.slice(path.length))] = await sha256File(full);
  }
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then((stats) => stats.isFile(), () => false);
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then((stats) => stats.isDirectory(), () => false);
}
