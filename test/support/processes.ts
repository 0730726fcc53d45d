import { spawn, type ChildProcess } from 'node:child_process';
import { identify, isRunning, signal, stopProcess, type ProcessIdentity } from '../../src/platform/process-info.ts';

export interface Started {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly identity: ProcessIdentity;
  /** All of stdout and stderr so far. */
  output(): string;
  stdout(): string;
  stderr(): string;
  readonly exited: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
  /** Resolves with the match once the output matches. @throws Error with the output when it ends or the time is up. */
  waitFor(pattern: RegExp, timeoutMs?: number): Promise<RegExpExecArray>;
  signal(name: NodeJS.Signals): boolean;
  /** SIGTERM, then SIGKILL. */
  stop(graceMs?: number): Promise<void>;
}

export interface StartOptions {
  readonly cwd?: string;
  /** Added to the environment; `undefined` removes a variable. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly input?: string;
  /** Opens an IPC channel (`child.on('message')`). */
  readonly ipc?: boolean;
}

const started: Started[] = [];

/** Starts a program that is ended, by its id, when the test file ends at the latest. */
export function start(program: string, args: readonly string[], options: StartOptions = {}): Started {
  const child = spawn(program, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: options.ipc === true ? ['pipe', 'pipe', 'pipe', 'ipc'] : ['pipe', 'pipe', 'pipe'],
  });
  const texts = { stdout: '', stderr: '', all: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]!.setEncoding('utf8').on('data', (text: string) => {
      texts[name] += text;
      texts.all += text;
    });
  }
  child.stdin!.on('error', () => {}); // the program may end before it reads
  child.stdin!.end(options.input ?? '');
  let ended = false;
  const exited = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, name) => {
      ended = true;
      resolve({ code, signal: name });
    });
  });
  exited.catch(() => {}); // seen by whoever awaits it
  if (child.pid === undefined) throw new Error(`${program} could not be started`);
  const identity = identify(child.pid);
  const one: Started = {
    child,
    pid: child.pid,
    identity,
    exited,
    output: () => texts.all,
    stdout: () => texts.stdout,
    stderr: () => texts.stderr,
    async waitFor(pattern, timeoutMs = 120_000) {
      const deadline = Date.now() + timeoutMs;
      for (;;) {
        const match = pattern.exec(texts.all);
        if (match !== null) return match;
        if (ended || Date.now() > deadline)
          throw new Error(
            `${program} ${args.join(' ')}: no ${pattern} ${ended ? 'before it ended' : `within ${timeoutMs} ms`}. Output:\n${texts.all}`,
          );
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
    signal: (name) => signal(identity, name),
    async stop(graceMs = 10_000) {
      await stopProcess(identity, graceMs);
      if (!ended) await exited;
    },
  };
  started.push(one);
  return one;
}

/** Runs a program to its end. @throws Error with its output when that takes longer than `timeoutMs` */
export async function run(
  program: string,
  args: readonly string[],
  options: StartOptions & { readonly timeoutMs?: number } = {},
): Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }> {
  const one = start(program, args, options);
  const timeoutMs = options.timeoutMs ?? 240_000;
  let late = false;
  const timer = setTimeout(() => {
    late = one.signal('SIGKILL');
  }, timeoutMs);
  const { code } = await one.exited;
  clearTimeout(timer);
  if (late) throw new Error(`${program} ${args.join(' ')} did not end within ${timeoutMs} ms. Output:\n${one.output()}`);
  return { code, stdout: one.stdout(), stderr: one.stderr() };
}

export async function endPrograms(): Promise<void> {
  await Promise.all(
    started
      .splice(0)
      .filter((one) => isRunning(one.identity))
      .map((one) => one.stop(2_000)),
  );
}
