import { spawn } from 'node:child_process';
import { PerennialError } from '../../core/errors.ts';
import { exec, which } from '../../platform/exec.ts';
import type { CliIo } from '../commands/command.ts';

export interface TensorboardProgram {
  readonly command: string;
  readonly args: readonly string[];
}

/** TensorBoard of the PATH, or of its Python; undefined where there is none. */
export async function findTensorboard(): Promise<TensorboardProgram | undefined> {
  const own = which('tensorboard');
  if (own !== undefined) return { command: own, args: [] };
  const python = which('python3');
  if (python === undefined) return undefined;
  const { code } = await exec(python, ['-c', 'import tensorboard.main'], { timeoutMs: 30_000 });
  return code === 0 ? { command: python, args: ['-m', 'tensorboard.main'] } : undefined;
}

const URL_LINE = /at (http:\/\/\S+)/;
const LINES_KEPT = 20;

/**
 * Runs TensorBoard on this machine alone until it ends or somebody asks for it by Ctrl-C.
 *
 * @param onReady told its address; gives what ends that which goes on beside it
 * @throws COMMAND_FAILED where it ends by itself
 */
export async function runTensorboard(
  { command, args }: TensorboardProgram,
  { folder, port }: { readonly folder: string; readonly port: number },
  io: CliIo,
  onReady: (url: string) => () => void,
): Promise<void> {
  const child = spawn(command, [...args, '--logdir', folder, '--host', '127.0.0.1', '--port', String(port), '--reload_interval', '5'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let asked = false;
  let end: (() => void) | undefined;
  const lines: string[] = [];
  const stop = (): void => {
    asked = true;
    child.kill('SIGTERM');
  };
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  const hear = (chunk: Buffer): void => {
    for (const line of chunk
      .toString('utf8')
      .split('\n')
      .filter((one) => one.trim() !== '')) {
      lines.push(line);
      if (lines.length > LINES_KEPT) lines.shift();
      const url = URL_LINE.exec(line)?.[1];
      if (url !== undefined && end === undefined) end = onReady(url);
      else if (end !== undefined) io.note(line);
    }
  };
  child.stdout.on('data', hear);
  child.stderr.on('data', hear);
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    if (!asked)
      throw new PerennialError('COMMAND_FAILED', `TensorBoard ended with the code ${code}:\n${lines.join('\n')}`, {
        hint: 'Where its port is taken, choose another one: `--port 0` takes a free one.',
      });
  } finally {
    end?.();
    process.off('SIGINT', stop);
    process.off('SIGTERM', stop);
  }
}
