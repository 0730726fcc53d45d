import { pathToFileURL } from 'node:url';
import type { runCommandLine } from '../../src/cli/command-line.ts';
import { entryPoint } from '../../src/platform/paths.ts';

interface Said {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Commands that go on, or start what a process is asked for: they are run as one. */
const PROCESSES = ['serve', 'worker', 'up', 'tensorboard'];

let turn: Promise<unknown> = Promise.resolve();

/**
 * Carries out a command of the built command line in the process of the test: its words are read, its environment is looked at, and what it
 * prints and its exit code are decided by the code of the real one. To start that takes longer than most commands have to do. One at a
 * time, since the environment is the process's.
 */
export function commandHere(words: readonly string[], env: Readonly<Record<string, string | undefined>>): Promise<Said> {
  if (PROCESSES.includes(words[0]!) && !words.includes('--help')) throw new Error(`${words[0]} needs a process of its own`);
  const ofProcesses = Object.keys(env).filter((name) => /^(NODE_|OTEL_|TZ$|LANG$)/.test(name));
  if (ofProcesses.length > 0) throw new Error(`${ofProcesses.join()} are looked at when a process begins`);
  const mine = turn.then(() => carryOut(words, env));
  turn = mine.catch(() => undefined);
  return mine;
}

async function carryOut(words: readonly string[], env: Readonly<Record<string, string | undefined>>): Promise<Said> {
  const said = { code: 0, stdout: '', stderr: '' };
  const built = (await import(/* @vite-ignore */ pathToFileURL(entryPoint('command-line')).href)) as {
    readonly runCommandLine: typeof runCommandLine;
  };
  const before = Object.fromEntries(Object.keys(env).map((name) => [name, process.env[name]]));
  setAll(env);
  try {
    await built.runCommandLine(words, {
      interactive: false,
      stdout: (text) => void (said.stdout += text),
      stderr: (text) => void (said.stderr += text),
      exit: (code) => void (said.code = code),
    });
  } finally {
    setAll(before);
  }
  return said;
}

function setAll(values: Readonly<Record<string, string | undefined>>): void {
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
}
