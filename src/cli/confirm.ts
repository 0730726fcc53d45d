import { createInterface } from 'node:readline/promises';
import { PerennialError } from '../core/errors.ts';
import type { CliIo } from './commands/command.ts';

/**
 * Asks whether to do what was just named. Where nobody can be asked, it has to be said beforehand.
 *
 * @throws USAGE where there is no terminal
 */
export async function confirm(io: CliIo, question: string, option: string): Promise<boolean> {
  if (!process.stdin.isTTY || io.json())
    throw new PerennialError('USAGE', `${question} There is no terminal to ask at, so nothing was changed.`, {
      hint: `Say so beforehand with ${option}.`,
    });
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await terminal.question(`${question} [y/N] `)).trim());
  } finally {
    terminal.close();
  }
}
