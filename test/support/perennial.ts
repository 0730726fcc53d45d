import { join } from 'node:path';
import { packageRoot } from '../../src/platform/paths.ts';
import { commandHere } from './command-here.ts';
import { run, start, type Started, type StartOptions } from './processes.ts';
import { tempDir } from './temp-dir.ts';

export interface Answer {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** stdout as JSON. */
  json<T = any>(): T;
}

/** The command line with a home of its own: nothing is shared with other tests or with the user's stack but the tools. */
export class Perennial {
  readonly home: string;
  readonly env: Readonly<Record<string, string | undefined>>;

  constructor(env: Readonly<Record<string, string | undefined>> = {}, home = tempDir('home')) {
    this.home = home;
    this.env = {
      PERENNIAL_HOME: home,
      PERENNIAL_STORE: undefined,
      TEMPORAL_ADDRESS: undefined,
      TEMPORAL_UI_URL: undefined,
      NO_COLOR: '1',
      ...env,
    };
    opened.push(this);
  }

  /** Runs a command to its end. */
  async run(args: readonly string[], options: StartOptions & { readonly timeoutMs?: number } = {}): Promise<Answer> {
    const answer = await run(process.execPath, [join(packageRoot(), 'bin/perennial.js'), ...args], {
      ...options,
      env: { ...this.env, ...options.env },
    });
    return answerOf(answer);
  }

  /**
   * The same, carried out in the process of the test: for commands of which no process is asked, where there are many of them. See
   * {@link commandHere}; that both say the same is a law of `test/integration/cli/command-here.test.ts`.
   */
  async here(args: readonly string[], { env }: Pick<StartOptions, 'env'> = {}): Promise<Answer> {
    return answerOf(await commandHere(args, { ...this.env, ...env }));
  }

  /** Starts a command that goes on. */
  start(args: readonly string[], options: StartOptions = {}): Started {
    return start(process.execPath, [join(packageRoot(), 'bin/perennial.js'), ...args], {
      ...options,
      env: { ...this.env, ...options.env },
    });
  }

  /** `up --detach` on free ports. @throws Error with its output where it fails. */
  async up(args: readonly string[] = []): Promise<any> {
    const answer = await this.run(['up', '--detach', ...FREE_PORTS, ...args, '--json']);
    if (answer.code !== 0) throw new Error(`up ended with ${answer.code}:\n${answer.stderr}`);
    return answer.json();
  }
}

function answerOf(said: Omit<Answer, 'json'>): Answer {
  return {
    ...said,
    json() {
      try {
        return JSON.parse(said.stdout);
      } catch (error) {
        throw new Error(`No JSON on stdout, but ${JSON.stringify(said.stdout.slice(0, 500))}; stderr ends: ${said.stderr.slice(-3_000)}`, {
          cause: error,
        });
      }
    },
  };
}

export const FREE_PORTS = ['--port', '0', '--temporal-port', '0', '--ui-port', '0'] as const;

const opened: Perennial[] = [];

/** Detached stacks are no children of the test: `down` ends them, whatever the test left running. */
export async function endStacks(): Promise<void> {
  for (const one of opened.splice(0)) await one.run(['down']);
}
