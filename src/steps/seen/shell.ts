import { dirname, resolve } from 'node:path';
import { kindOf } from './look.ts';
import type { Look } from './look.ts';
import { lookForRun } from './nominal-time.ts';
import { KEYWORDS } from './programs.ts';
import { proveShell } from './shell-proof.ts';
import { shellValues } from './shell-values.ts';
import { shellCommands } from './shell-words.ts';

/** Looks at one program with its arguments, from these folders. */
export type LookAtProgram = (words: readonly string[], folders: readonly string[]) => void;

/** `sh [options] (FILE | -c TEXT [NAME [ARGUMENT…]])` */
export function lookAtShell(args: readonly string[], folders: readonly string[], look: Look, program: LookAtProgram): void {
  for (let at = 0; at < args.length; at += 1) {
    const arg = args[at]!;
    if (/^-[a-zA-Z]*c[a-zA-Z]*$/.test(arg)) {
      const text = args.slice(at + 1).find((word) => !word.startsWith('-')) ?? '';
      for (const word of args.slice(at + 2)) look.word(word, folders);
      return lookAtText(text, 'its text', folders, look, program);
    }
    if (arg === '-s' || arg === '-') return look.doubt('the shell reads its program from standard input');
    if (/^[-+]o$|^--(?:rcfile|init-file)$/.test(arg)) at += 1;
    else if (!arg.startsWith('-')) {
      const file = folders.map((folder) => resolve(folder, arg)).find((path) => kindOf(path) === 'file');
      if (file === undefined) return look.doubt(`${arg} is not there`);
      return lookAtShellFile(file, folders, look, program, args.slice(at + 1));
    }
  }
  look.doubt('the shell reads its program from standard input');
}

export function lookAtShellFile(
  path: string,
  folders: readonly string[],
  look: Look,
  program: LookAtProgram,
  args: readonly string[] = [],
): void {
  for (const arg of args) look.word(arg, folders);
  const text = look.source(path);
  if (text !== undefined) lookAtText(text, look.nameOf(path), [...new Set([...folders, dirname(path)])], look, program);
}

function lookAtText(text: string, name: string, given: readonly string[], look: Look, program: LookAtProgram): void {
  lookForRun(text, name, look);
  const commands = shellCommands(text);
  proveShell(text, name, commands, look);
  const functions = new Set(
    commands.filter(({ words }) => words[0] === 'function' && words[1] !== undefined).map(({ words }) => words[1]!),
  );
  let folders = [...given];
  const valueOf = shellValues(commands, look.variables);
  for (const { words, reads, raw } of commands) {
    for (const file of reads) look.word(file, folders);
    const rest = stripped(words, folders, look);
    const [command, ...own] = rest;
    if (
      command === undefined ||
      command.startsWith('-') ||
      functions.has(command) ||
      ['function', 'for', 'case', 'select'].includes(command)
    ) {
      for (const word of own) look.word(word, folders);
    } else if (command === '.' || command === 'source') {
      const file = folders.map((folder) => resolve(folder, own[0] ?? '')).find((path) => kindOf(path) === 'file');
      if (file === undefined) look.doubt(`${name} reads ${own[0] ?? 'a file'}, which cannot be found without running it`);
      else lookAtShellFile(file, folders, look, program, own.slice(1));
    } else if (command === 'trap' && own[0] !== undefined && !/^-?\w*$/.test(own[0])) {
      if (raw[words.indexOf(command) + 1]!.includes('\ue000')) look.doubt(`${name} makes commands at run time`);
      else lookAtText(own[0], name, folders, look, program);
    } else if (command === 'alias' && own.length > 0) look.doubt(`${name} gives commands other names`);
    else if (command === 'eval') look.doubt(`${name} makes commands at run time`);
    else if (command === '$0') look.doubt(`${name} runs itself again`);
    else if (command.includes('*')) look.doubt(`${name} runs a program whose name is made at run time`);
    else {
      if ((command === 'cd' || command === 'pushd') && own[0] !== undefined) {
        const value = valueOf(raw[words.indexOf(command) + 1]!);
        // The folder of the script is among the folders already.
        if (value.kind === 'texts')
          folders = [...new Set([...folders, ...folders.flatMap((folder) => value.texts.map((text) => resolve(folder, text)))])];
        else if (value.kind !== 'beside') look.doubt(`${name} goes to a folder whose name is made at run time`);
        continue;
      }
      program(rest, folders);
    }
  }
  // Names made at run time beside the script: everything there counts.
  if (/\$\{?0\b|BASH_SOURCE/.test(text)) for (const folder of given.slice(-1)) look.add(folder, 'reads beside its sources in');
}

/** A command without keywords and assignments; what is assigned may name files. */
function stripped(words: readonly string[], folders: readonly string[], look: Look): string[] {
  const rest = [...words];
  for (;;) {
    const word = rest[0];
    if (word === undefined) return rest;
    const assigned = /^[A-Za-z_]\w*\+?=(.*)$/s.exec(word);
    if (assigned !== null) look.word(assigned[1]!, folders);
    if (assigned === null && !KEYWORDS.has(word)) return rest;
    rest.shift();
  }
}
