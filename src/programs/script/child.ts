import { readSync, writeSync } from 'node:fs';
import { Ajv } from 'ajv';
import { PerennialError, isPerennialError, messageOf } from '../../core/errors.ts';
import type { ErrorCode } from '../../core/errors.ts';
import type { JsonSchema } from '../../core/json.ts';
import type { Port, StepContext, StepResult } from '../../core/step.ts';
import { ANSWER_FD } from '../../steps/child-process.ts';
import { guardProgram } from '../../steps/guarded-artifacts.ts';
import { rememberSecret } from '../../steps/secrets.ts';
import { credentialsIn } from '../../platform/environment.ts';
import { createArtifactStore } from '../../storage/artifact-store.ts';
import { openStore } from '../../storage/open-store.ts';
import type { ScriptMessage, ScriptTask, SecretAnswer, SecretQuestion } from './messages.ts';

/** What a local step exports as its default. `inputs` and `outputs`, where given, have to be those of the document. */
interface ScriptDefinition {
  readonly inputs?: Readonly<Record<string, Port>>;
  readonly outputs?: Readonly<Record<string, Port>>;
  readonly configSchema?: JsonSchema;
  readonly run?: (ctx: StepContext, config: unknown, inputs: ScriptTask['inputs']) => Promise<StepResult>;
}

/** The child's side of a local step: one task over IPC, then its result. Never returns. */
export async function serve(module: { readonly default?: unknown }, path: string): Promise<never> {
  const stop = new AbortController();
  process.once('SIGTERM', () => stop.abort());
  process.once('disconnect', () => stop.abort());
  const task = new Promise<ScriptTask>((resolve) => process.once('message', (message) => resolve(message as ScriptTask)));
  await say({ kind: 'hello' });
  try {
    await say({ kind: 'done', result: await perform(await task, module.default, path, stop.signal) });
  } catch (error) {
    const known = isPerennialError(error) ? { code: error.code, hint: error.hint } : {};
    await say({
      kind: 'failed',
      message: messageOf(error),
      ...known,
      ...(error instanceof Error && error.stack !== undefined ? { stack: error.stack } : {}),
    });
  }
  process.exit(0);
}

async function perform(task: ScriptTask, given: unknown, path: string, signal: AbortSignal): Promise<StepResult> {
  const definition = given as ScriptDefinition | undefined;
  if (typeof definition?.run !== 'function')
    throw new PerennialError('CONFIG_INVALID', `The local step ${path} has no default export with a function "run".`, {
      hint: 'export default { async run(ctx, config, inputs) { … return { outputs: { … } } } }',
    });
  checkPorts(path, 'gives', definition.outputs, Object.keys(task.gives));
  checkPorts(path, 'takes', definition.inputs, Object.keys(task.inputs));
  if (definition.configSchema !== undefined) checkConfig(path, definition.configSchema, task.config);
  const store = await openStore(task.store.uri, task.store.environment);
  for (const credential of credentialsIn(task.store.environment)) rememberSecret(credential);
  const ctx: StepContext = {
    ...task.run,
    store,
    artifacts: guardProgram(createArtifactStore(store)),
    signal,
    log: { info: log('info'), warn: log('warn'), error: log('error') },
    progress: (update) => void say({ kind: 'progress', update }),
    secret: askSecret,
  };
  const result = await definition.run(ctx, task.config, task.inputs);
  if (typeof result !== 'object' || result === null || typeof result.outputs !== 'object')
    throw new PerennialError(
      'STEP_FAILED',
      `"run" of the local step ${path} returned ${JSON.stringify(result) ?? 'nothing'}; expected { outputs: { … } }.`,
    );
  return result;
}

/** Asks the worker and waits: the worker hides what it has told, so it has to be first. @throws SECRET_MISSING */
function askSecret(name: string): string {
  writeSync(ANSWER_FD, `${JSON.stringify({ secret: name } satisfies SecretQuestion)}\n`);
  const pieces: Buffer[] = [];
  const piece = Buffer.alloc(64 * 1024);
  while (pieces.at(-1)?.at(-1) !== 0x0a) {
    const read = readOrWait(piece);
    if (read === 0) throw new PerennialError('CANCELLED', 'The worker is gone.');
    pieces.push(Buffer.from(piece.subarray(0, read)));
  }
  const answer = JSON.parse(Buffer.concat(pieces).toString('utf8')) as SecretAnswer;
  if (!('value' in answer)) throw new PerennialError(answer.code as ErrorCode, answer.message, { hint: answer.hint });
  rememberSecret(answer.value);
  return answer.value;
}

function readOrWait(piece: Buffer): number {
  for (;;) {
    try {
      return readSync(ANSWER_FD, piece, 0, piece.length, null);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2);
    }
  }
}

function checkPorts(
  path: string,
  key: 'takes' | 'gives',
  ports: Readonly<Record<string, Port>> | undefined,
  declared: readonly string[],
): void {
  const needed = Object.keys(ports ?? {}).filter((name) => ports![name]!.optional !== true && !declared.includes(name));
  if (needed.length > 0)
    throw new PerennialError(
      'CONFIG_INVALID',
      `The local step ${path} ${key} ${needed.join(', ')}, which the document does not declare in "${key}".`,
      {
        hint: `Add to "with" of the step: "${key}": ${JSON.stringify(Object.fromEntries(needed.map((name) => [name, ports![name]!.kind])))}`,
      },
    );
}

function checkConfig(path: string, schema: JsonSchema, config: unknown): void {
  const ajv = new Ajv({ allErrors: true, useDefaults: true, strict: false });
  if (ajv.validate(schema, config)) return;
  throw new PerennialError(
    'CONFIG_INVALID',
    `The configuration of the local step ${path} does not fit its "configSchema": ${ajv.errorsText(ajv.errors, { dataVar: 'with', separator: '; ' })}.`,
  );
}

function log(level: 'info' | 'warn' | 'error') {
  return (message: string, fields?: Record<string, unknown>): void =>
    void say({ kind: 'log', level, message, ...(fields === undefined ? {} : { fields }) });
}

function say(message: ScriptMessage): Promise<void> {
  return new Promise((resolve) => {
    if (process.send === undefined || !process.connected) resolve();
    else process.send(message, () => resolve());
  });
}
