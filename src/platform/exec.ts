import { spawn } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

export interface ExecResult {
  /** null where the process was ended by a signal or never started. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ExecOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly timeoutMs?: number;
  /** Hears every line of stdout and stderr as it comes. */
  readonly onLine?: (line: string) => void;
}

/** Output kept per stream; the start is dropped, since errors stand at the end. */
const OUTPUT_CHARACTERS_MAX = 200_000;

/** Runs a program without a shell and collects what it prints. Never throws: a program that cannot start is a result, too. */
export function exec(program: string, args: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { cwd: options.cwd, env: { ...process.env, ...options.env }, stdio: ['ignore', 'pipe', 'pipe'] });
    const texts = { stdout: '', stderr: '' };
    let expired = false;
    const timer =
      options.timeoutMs === undefined
        ? undefined
        : setTimeout(() => {
            expired = true;
            child.kill('SIGKILL');
          }, options.timeoutMs);
    for (const name of ['stdout', 'stderr'] as const) {
      let rest = '';
      child[name].setEncoding('utf8').on('data', (text: string) => {
        texts[name] = (texts[name] + text).slice(-OUTPUT_CHARACTERS_MAX);
        const lines = (rest + text).split(/\r?\n|\r/);
        rest = lines.pop() ?? '';
        if (options.onLine !== undefined) for (const line of lines) if (line.trim() !== '') options.onLine(line);
      });
    }
    child.on('error', (error) => {
      clearTimeout(timer);
      resolve({ code: null, stdout: texts.stdout, stderr: `${texts.stderr}${error.message}` });
    });
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      const why = expired ? `\nended after ${options.timeoutMs} ms` : signal === null ? '' : `\nended by ${signal}`;
      resolve({ code, stdout: texts.stdout, stderr: texts.stderr + why });
    });
  });
}

/** What a program complained about, as one line for a message: the lines that speak of an error, else the last ones. */
export function complaint(result: ExecResult, count = 3): string {
  const lines = `${result.stdout}\n${result.stderr}`
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const errors = lines.filter((line) => /\berror\b\s*:|^\w*Error\b/i.test(line) && !line.startsWith('throw '));
  return (errors.length > 0 ? errors : lines).slice(-count).join(' | ') || `no output, exit code ${result.code}`;
}

/** Full path of a program on PATH, or undefined. */
export function which(program: string): string | undefined {
  const endings = process.platform === 'win32' ? ['.exe', '.cmd'] : [''];
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    for (const ending of endings) {
      const path = join(folder, program + ending);
      try {
        accessSync(path, constants.X_OK);
        if (folder !== '' && statSync(path).isFile()) return path;
      } catch {
        continue; // not in this folder
      }
    }
  }
  return undefined;
}
