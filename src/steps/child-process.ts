import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import type { StepContext } from '../core/step.ts';
import { signal, signalGroup, startTicksOf } from '../platform/process-info.ts';
import type { ProcessIdentity } from '../platform/process-info.ts';
import { mask } from './secrets.ts';

export interface ChildRun {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** Text for stdin, which is then closed. */
  readonly stdin?: string;
  readonly ipc?: boolean;
  /** Answers a line that the program writes to its file descriptor 4 with a line there; the program waits for it. */
  readonly answer?: (line: string) => string;
  readonly onMessage?: (message: unknown, child: ChildProcess) => void;
  /** Called for every line of stdout and stderr. */
  readonly onLine?: (line: string, stream: 'stdout' | 'stderr') => void;
}

export interface ChildEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The last lines of both streams, in the order of their arrival, without secrets. */
  readonly lastLines: readonly string[];
}

const LAST_LINES = 30;
const LINE_CHARS_MAX = 4_000;
/** Characters without a line break after which no more of the line is kept. */
const PENDING_CHARS_MAX = LINE_CHARS_MAX * 16;
/** Where a program asks and is answered. */
export const ANSWER_FD = 4;
/** Milliseconds that a process group gets between SIGTERM and SIGKILL. */
const KILL_GRACE_MS = 3_000;

/**
 * Runs a program in a process group of its own and logs its output line by line. When the step is aborted the whole group is ended.
 *
 * @throws the error of `spawn` where the program cannot be started; otherwise the end is told, whatever it is.
 */
export async function runChild(ctx: Pick<StepContext, 'signal' | 'log' | 'workDir'>, run: ChildRun): Promise<ChildEnd> {
  const note = join(ctx.workDir, 'process.json');
  await endPredecessor(note, ctx.log);
  const stdio: ('pipe' | 'ipc')[] = ['pipe', 'pipe', 'pipe'];
  if (run.ipc === true) stdio.push('ipc');
  if (run.answer !== undefined) stdio[ANSWER_FD] = 'pipe';
  const child = spawn(run.command, [...run.args], { cwd: run.cwd, env: run.env, stdio, detached: true });
  const noted = remember(child, note);
  const lastLines: string[] = [];
  const follow = (stream: 'stdout' | 'stderr'): void => {
    let rest = '';
    let skipping = false;
    const tell = (line: string): void => {
      // Before anything is cut off: half a secret would not be found any more.
      const masked = mask(line);
      const text = masked.length > LINE_CHARS_MAX ? `${masked.slice(0, LINE_CHARS_MAX)}…` : masked;
      lastLines.push(text);
      if (lastLines.length > LAST_LINES) lastLines.shift();
      ctx.log[stream === 'stdout' ? 'info' : 'warn'](text);
      run.onLine?.(text, stream);
    };
    child[stream]!.setEncoding('utf8')
      .on('data', (chunk: string) => {
        const lines = (rest + chunk).split('\n');
        rest = lines.pop()!;
        for (const line of lines) {
          if (!skipping) tell(line.replace(/\r$/, ''));
          skipping = false;
        }
        // The beginning of a line without end is told once; its remainder would begin anywhere, in a secret even.
        if (rest.length > PENDING_CHARS_MAX) {
          if (!skipping) tell(rest);
          skipping = true;
        }
        if (skipping) rest = '';
      })
      .on('end', () => {
        if (rest !== '') tell(rest);
      });
  };
  follow('stdout');
  follow('stderr');
  if (run.onMessage !== undefined) child.on('message', (message) => run.onMessage!(message, child));
  if (run.answer !== undefined) answerLines(child.stdio[ANSWER_FD] as Duplex, run.answer);
  // A program that does not read its input closes the pipe; its exit code says whether that was right.
  child.stdin!.on('error', () => undefined);
  child.stdin!.end(run.stdin ?? '');
  const end = new Promise<ChildEnd>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, signal, lastLines }));
  });
  let killer: NodeJS.Timeout | undefined;
  const abort = (): void => {
    signalGroup(child.pid, 'SIGTERM');
    killer = setTimeout(() => signalGroup(child.pid, 'SIGKILL'), KILL_GRACE_MS);
  };
  if (ctx.signal.aborted) abort();
  else ctx.signal.addEventListener('abort', abort, { once: true });
  try {
    return await end;
  } finally {
    await noted;
    await rm(note, { force: true });
    clearTimeout(killer);
    ctx.signal.removeEventListener('abort', abort);
    // What the program left running in its group ends with the step.
    if (ctx.signal.aborted) signalGroup(child.pid, 'SIGKILL');
  }
}

function answerLines(channel: Duplex, answer: (line: string) => string): void {
  let rest = '';
  // A program that ends while it is answered does not hear it.
  channel.on('error', () => undefined);
  channel.setEncoding('utf8').on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop()!;
    for (const line of lines) channel.write(`${answer(line)}\n`);
  });
}

/** A worker that was killed leaves its programs running; the next attempt must not share the work folder with them. */
async function endPredecessor(note: string, log: StepContext['log']): Promise<void> {
  let identity: ProcessIdentity;
  try {
    identity = JSON.parse(await readFile(note, 'utf8')) as ProcessIdentity;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' || error instanceof SyntaxError) return;
    throw error;
  }
  // Nobody waits for its result any more, so there is nothing to end gracefully.
  if (signal(identity, 'SIGKILL', 'group')) log.warn(`ended the program of the attempt before, process ${identity.pid}`);
}

async function remember(child: ChildProcess, note: string): Promise<void> {
  const startTicks = child.pid === undefined ? undefined : startTicksOf(child.pid);
  if (child.pid === undefined || startTicks === undefined) return;
  await mkdir(join(note, '..'), { recursive: true });
  await writeFile(note, JSON.stringify({ pid: child.pid, startTicks } satisfies ProcessIdentity));
}
