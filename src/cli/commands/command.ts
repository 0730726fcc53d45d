import type { Command } from 'commander';
import { writeJson } from '../../data/reading/json-numbers.ts';
import { PerennialError, exitCodeOf, isPerennialError, messageOf } from '../../core/errors.ts';
import { fileTrouble } from '../../core/file-trouble.ts';

/**
 * One file `commands/<name>.command.ts` per command (or group) with one default export. `register` only declares: heavy modules
 * are imported inside the action, so that `perennial --help` stays quick.
 */
export interface CommandModule {
  register(program: Command, io: CliIo): void;
}

export function defineCommand(module: CommandModule): CommandModule {
  return module;
}

/** Where a command writes. Results go to stdout; progress, notes and errors go to stderr. */
export interface CliIo {
  /** True where `--json` was given: print exactly one JSON document with `result`, and nothing else on stdout. */
  readonly json: () => boolean;
  /** True where stderr is a terminal: live progress may redraw. */
  readonly interactive: boolean;
  /** Text for people on stdout; nothing under `--json`. */
  print(text?: string): void;
  /** The one JSON document under `--json`; nothing otherwise. */
  result(value: unknown): void;
  /** A note or a line of progress on stderr. */
  note(text: string): void;
  /** Ask for this exit code once everything is written. */
  exit(code: number): void;
}

/** Where the texts of a command end up, and what becomes of its exit code. */
export interface Outlet {
  /** Whether progress may be redrawn on stderr. */
  readonly interactive: boolean;
  stdout(text: string): void;
  stderr(text: string): void;
  exit(code: number): void;
}

export function createIo({ interactive, stdout, stderr, exit }: Outlet, json: () => boolean): CliIo {
  return {
    json,
    interactive,
    print(text = '') {
      if (!json()) stdout(`${printable(text)}\n`);
    },
    result(value) {
      if (json()) stdout(`${printable(writeJson(value, 2))}\n`);
    },
    note: (text) => stderr(`${printable(text)}\n`),
    exit,
  };
}

/** Control characters but tabs and line ends, and those that turn the direction of text around. */
const UNPRINTABLE = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]|\r(?!\n)/g;

/**
 * A text as a terminal may show it: names, values and messages of others could move its cursor, hide what stands there, or type for the
 * user.
 */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** Columns padded to their widest cell; the first row is the head. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) row.forEach((cell, column) => (widths[column] = Math.max(widths[column] ?? 0, cell.length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** Prints what went wrong (a stack trace only for defects) and sets the exit code of the error's category. */
export function reportError(thrown: unknown, io: CliIo): void {
  const error = isPerennialError(thrown) ? thrown : (fileTrouble(thrown) ?? thrown);
  if (isPerennialError(error)) {
    io.result({ error: { code: error.code, category: error.category, message: error.message, hint: error.hint, details: error.details } });
    io.note(`error ${error.code}: ${error.message}`);
    if (error.hint !== '' && !error.message.includes(error.hint)) io.note(`  fix: ${error.hint}`);
    io.exit(exitCodeOf(error.code));
    return;
  }
  const defect = new PerennialError('INTERNAL', messageOf(error), { cause: error });
  io.result({ error: { code: defect.code, category: defect.category, message: defect.message, hint: defect.hint } });
  io.note(`error INTERNAL: ${defect.message}\n  ${defect.hint}`);
  if (error instanceof Error && error.stack !== undefined) io.note(error.stack);
  io.exit(1);
}
