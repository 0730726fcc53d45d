import { Ajv } from 'ajv';
import { PerennialError, isPerennialError, messageOf } from '../../src/core/errors.ts';
import type { JsonSchema } from '../../src/core/json.ts';
import type { Port, StepContext, StepResult } from '../../src/core/step.ts';
import { secretOf } from '../../src/orchestration/secrets.ts';
import { createArtifactStore } from '../../src/storage/artifact-store.ts';
import { openStore } from '../../src/storage/open-store.ts';
import type { ScriptMessage, ScriptTask } from './messages.ts';

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
    await say({ kind: 'failed', message: messageOf(error), ...known, ...(error instanceof Error && error.stack !== undefined ? { stack: error.stack } : {}) });
  }
  process.exit(0);
}

async function perform(task: ScriptTask, given: unknown, path: string, signal: AbortSignal): Promise<StepResult> {
  const definition = given as ScriptDefinition | undefined;
  if (typeof definition?.run !== 'function')
    throw new PerennialError('CONFIG_INVALID', `The local step ${path} has no default export with a function "run".`, { hint: 'export default { async run(ctx, config, inputs) { … return { outputs: { … } } } }' });
  checkPorts(path, 'gives', definition.outputs, Object.keys(task.gives));
  checkPorts(path, 'takes', definition.inputs, Object.keys(task.inputs));
  if (definition.configSchema !== undefined) checkConfig(path, definition.configSchema, task.config);
  const store = await openStore();
  const ctx: StepContext = {
    ...task.run,
    store,
    artifacts: createArtifactStore(store),
    signal,
    log: { info: log('info'), warn: log('warn'), error: log('error') },
    progress: (update) => void say({ kind: 'progress', update }),
    secret(name) {
      const value = secretOf(name);
      void say({ kind: 'secret', name });
      return value;
    },
  };
  const result = await definition.run(ctx, task.config, task.inputs);
  if (typeof result !== 'object' || result === null || typeof result.outputs !== 'object') throw new PerennialError('STEP_FAILED', `"run" of the local step ${path} returned ${JSON.stringify(result) ?? 'nothing'}; expected { outputs: { … } }.`);
  return result;
}

function checkPorts(path: string, key: 'takes' | 'gives', ports: Readonly<Record<string, Port>> | undefined, declared: readonly string[]): void {
  const needed = Object.keys(ports ?? {}).filter((name) => ports![name]!.optional !== true && !declared.includes(name));
  if (needed.length > 0) throw new PerennialError('CONFIG_INVALID', `The local step ${path} ${key} ${needed.join(', ')}, which the document does not declare in "${key}".`, { hint: `Add to "with" of the step: "${key}": ${JSON.stringify(Object.fromEntries(needed.map((name) => [name, ports![name]!.kind])))}` });
}

function checkConfig(path: string, schema: JsonSchema, config: unknown): void {
  const ajv = new Ajv({ allErrors: true, useDefaults: true, strict: false });
  if (ajv.validate(schema, config)) return;
  throw new PerennialError('CONFIG_INVALID', `The configuration of the local step ${path} does not fit its "configSchema": ${ajv.errorsText(ajv.errors, { dataVar: 'with', separator: '; ' })}.`);
}

function log(level: 'info' | 'warn' | 'error') {
  return (message: string, fields?: Record<string, unknown>): void => void say({ kind: 'log', level, message, ...(fields === undefined ? {} : { fields }) });
}

function say(message: ScriptMessage): Promise<void> {
  return new Promise((resolve) => {
    if (process.send === undefined || !process.connected) resolve();
    else process.send(message, () => resolve());
  });
}
