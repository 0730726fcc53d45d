import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PerennialError, isPerennialError, messageOf } from '../core/errors.ts';
import type { ArtifactStore, OpenArtifact } from '../core/ports.ts';
import { entryPoint } from '../platform/paths.ts';
import { createRegistry } from '../registry/registry.ts';
import { judgedQuestions } from '../serving/registration-check.ts';
import type { JudgedQuestion } from '../serving/registration-check.ts';
import { createArtifactStore } from '../storage/artifact-store.ts';
import { FileStore } from '../storage/file-store.ts';
import { ServerClient } from './server-client.ts';

/** What a server process makes of a model. */
export interface ServedMeasure {
  /** Of the answers, those that are as they were judged: 0 to 1. */
  readonly share: number;
  /** That 95 % of single answers take at most; {@link ANSWER_MS_MAX} where there are none. */
  readonly latencyMs: number;
  /** How it was measured, or what went wrong. */
  readonly note: string;
}

/** Answers that are asked for, each by itself. */
const ANSWERS_MAX = 100;
/** Of these the first: a server that was just started is slower. */
const WARM_UP = 10;
/** Until a server has loaded the model, and until it has answered. */
export const ANSWER_MS_MAX = 30_000;
/** Until the process is there, which says nothing about the model: a busy machine takes its time. */
const START_MS_MAX = 180_000;
/** Up to which numbers of answers may differ, as in the check before a registration. */
const BOUND = 1e-4;
const STOP_MS = 5_000;

/**
 * Starts a server process of its own over a store that holds nothing but this model, and sends it test rows over HTTP, as a client does.
 *
 * @throws CONFIG_INVALID for a model that does not answer rows; SERVER_UNAVAILABLE where no process starts, no word about the model
 */
export async function measureServed(artifacts: ArtifactStore, model: OpenArtifact, signal?: AbortSignal): Promise<ServedMeasure> {
  const questions = await judgedQuestions(artifacts, model, NAME, ANSWERS_MAX);
  if ('notChecked' in questions)
    throw new PerennialError('CONFIG_INVALID', `The model cannot be asked as a client would: ${questions.notChecked}.`, {
      hint: 'Leave the gates on "servedShare" and "latencyMs" out.',
    });
  const folder = await mkdtemp(join(tmpdir(), 'perennial-served-'));
  try {
    await storeAlone(folder, model);
    return await ask(folder, questions, signal);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const NAME = 'candidate';
/** What the server that is asked here has of its own, or goes without. */
const OF_OTHERS = [
  'PERENNIAL_API_TOKEN',
  'PERENNIAL_GRPC_PORT',
  'PERENNIAL_TLS_CERT',
  'PERENNIAL_TLS_KEY',
  'PERENNIAL_TLS_CLIENT_CA',
  'PERENNIAL_SERVER_URL',
];

/** The very bytes of the model, as the champion of a registry of its own. */
async function storeAlone(folder: string, model: OpenArtifact): Promise<void> {
  const store = new FileStore(join(folder, 'store'), { sync: false });
  const artifacts = createArtifactStore(store, join(folder, 'cache'));
  const { kind, summary, meta } = model.manifest;
  const files = Object.fromEntries(
    await Promise.all(
      Object.keys(model.manifest.files).map(async (name): Promise<[string, Uint8Array]> => [name, await model.bytes(name)]),
    ),
  );
  const modelRef = await artifacts.write({ kind, summary, files, meta });
  const registry = createRegistry(store, artifacts);
  const { version } = await registry.register({ model: NAME, modelRef, pipeline: NAME, runId: NAME, stepId: NAME });
  await registry.promote(NAME, version, { who: 'evaluation', why: 'To be asked as a client would.' });
}

/** @param startMsMax how long the process may take to be there */
export async function ask(
  folder: string,
  questions: readonly JudgedQuestion[],
  signal: AbortSignal | undefined,
  startMsMax = START_MS_MAX,
): Promise<ServedMeasure> {
  const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !OF_OTHERS.includes(name)));
  const child = fork(entryPoint('server'), ['--port', '0'], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    env: {
      ...environment,
      PERENNIAL_SUPERVISED: '1',
      PERENNIAL_HOME: join(folder, 'home'),
      PERENNIAL_STORE: `file:${join(folder, 'store')}`,
      PERENNIAL_PREDICTION_LOG: '0',
      OTEL_SDK_DISABLED: 'true',
    },
  });
  let log = '';
  child.stderr!.on('data', (bytes: Buffer) => (log = (log + bytes.toString()).slice(-2_000)));
  const ended = once(child, 'exit') as Promise<[number | null]>;
  const limit = new AbortController();
  let isThere = false;
  try {
    const url = await Promise.race([
      (once(child, 'message') as Promise<[{ readonly url: string }]>).then(([{ url: address }]) => address),
      ended.then(([code]) => Promise.reject(new Error(`the server process ended with ${code}: ${log.trim().split('\n').at(-1) ?? ''}`))),
      sleep(startMsMax, undefined, { ref: false, signal: AbortSignal.any([limit.signal, ...(signal === undefined ? [] : [signal])]) }).then(
        () =>
          Promise.reject(
            new PerennialError('SERVER_UNAVAILABLE', `No server process to ask the model in was there within ${startMsMax / 1000} s.`, {
              hint: 'The machine is busy; the step is tried again.',
            }),
          ),
      ),
    ]);
    isThere = true;
    const client = new ServerClient(url, '');
    const started = performance.now();
    await untilLoaded(client, started);
    const loadedMs = performance.now() - started;
    return await askAll(client, questions, loadedMs, signal);
  } catch (error) {
    signal?.throwIfAborted();
    if (!isThere && isPerennialError(error)) throw error;
    return { share: 0, latencyMs: ANSWER_MS_MAX, note: `the model cannot be served: ${messageOf(error)}` };
  } finally {
    limit.abort();
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    await ended;
    clearTimeout(timer);
  }
}

async function untilLoaded(client: ServerClient, started: number): Promise<void> {
  for (;;) {
    try {
      return void (await client.describe(NAME));
    } catch (error) {
      if (performance.now() - started > ANSWER_MS_MAX) throw error;
      await sleep(50);
    }
  }
}

async function askAll(
  client: ServerClient,
  questions: readonly JudgedQuestion[],
  loadedMs: number,
  signal: AbortSignal | undefined,
): Promise<ServedMeasure> {
  const took: number[] = [];
  let right = 0;
  let wrong: string | undefined;
  for (const [at, { rows, answer }] of questions.entries()) {
    signal?.throwIfAborted();
    const begun = performance.now();
    try {
      const { predictions } = await client.predict(NAME, rows, undefined, { logged: false });
      if (at >= WARM_UP || questions.length <= WARM_UP) took.push(performance.now() - begun);
      const [given] = predictions.slice(-1);
      if (given !== undefined && isSame(answer, given)) right++;
      else wrong ??= `test row ${at} is answered ${JSON.stringify(given ?? null)}, judged was ${JSON.stringify(answer)}`;
    } catch (error) {
      wrong ??= `test row ${at} is refused: ${messageOf(error)}`;
    }
  }
  const sorted = took.sort((a, b) => a - b);
  const how = `${questions.length} answers, one by one, of a server process that had the model within ${(loadedMs / 1000).toFixed(1)} s`;
  return {
    share: right / questions.length,
    latencyMs: sorted.length === 0 ? ANSWER_MS_MAX : sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * 0.95) - 1)]!,
    note: wrong === undefined ? how : `${how}; ${wrong.length > 300 ? `${wrong.slice(0, 300)}…` : wrong}`,
  };
}

/** What was judged stands in the answer, which may say more (the place of a window). */
function isSame(judged: unknown, given: unknown): boolean {
  if (typeof judged === 'number' && typeof given === 'number') return Math.abs(judged - given) <= BOUND * Math.max(1, Math.abs(judged));
  if (Array.isArray(judged))
    return Array.isArray(given) && judged.length === given.length && judged.every((one, at) => isSame(one, given[at]));
  if (typeof judged === 'object' && judged !== null)
    return (
      typeof given === 'object' &&
      given !== null &&
      Object.entries(judged).every(([key, value]) => value === undefined || isSame(value, (given as Record<string, unknown>)[key]))
    );
  return Object.is(judged, given);
}
