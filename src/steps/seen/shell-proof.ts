import type { Look } from './look.ts';
import { isAbove } from './look.ts';
import { shellValues } from './shell-values.ts';
import type { ShellCommand } from './shell-words.ts';

/** Commands to which the values of variables name no file that they read. */
const NAMES_NOTHING = new Set(
  `echo printf test [ [[ export local return exit shift true false : read mkdir rm rmdir sleep unset trap wait let expr basename dirname declare typeset readonly mapfile readarray getopts tee touch chmod break continue kill seq`.split(
    /\s+/,
  ),
);
/** Variables of the shell that are others in every run. */
const OF_THE_MOMENT = /\$\{?(?:RANDOM|SRANDOM|SECONDS|EPOCHSECONDS|EPOCHREALTIME|BASHPID|PPID|HOSTNAME|UID|EUID)\b|\$\$/;
/** Variables that decide what programs run, and what they load. */
const DECIDING = /^(?:PYTHON\w*|NODE_\w*|LD_\w*|BASH_ENV|ENV|PATH|CDPATH|GLOBIGNORE|SHELLOPTS|BASHOPTS|AWKPATH|RUBY\w*|PERL\w*)\+?=/;
const LEADING = ['if', 'then', 'else', 'elif', 'while', 'until', 'do', '!', '{', 'time'];
/** Tests that ask a file. */
const FILE_TEST = /^-(?:[abcdefghkprstuwxGLNOS]|nt|ot|ef)$/;

/** What of a shell text cannot be proven to be the same in the next run: variables that may name any file. */
export function proveShell(text: string, name: string, commands: readonly ShellCommand[], look: Look): void {
  if (OF_THE_MOMENT.test(text) || /%\([^)]*\)T/.test(text)) look.doubt(`${name} asks the shell for what is another one in every run`);
  const valueOf = shellValues(commands, look.variables);
  for (const { words, raw, rawReads } of commands) {
    for (const word of raw) {
      const above = /^[A-Za-z_]\w*\+?=(.*)$/s.exec(word)?.[1];
      if (above !== undefined && isAbove(above)) look.doubt(`it looks above its folder (${word})`);
      if (DECIDING.test(word)) look.doubt(`${name} changes what programs run or load (${word.replace(/=.*$/s, '')})`);
    }
    const at = words.findIndex((word) => !/^[A-Za-z_]\w*\+?=/.test(word) && !LEADING.includes(word));
    const command = words[at];
    if (raw.some((word) => /^IFS\+?=/.test(word)) && !(command === 'read' && raw.includes('IFS=')))
      look.doubt(`${name} changes how words are split`);
    if (command === undefined) {
      for (const read of rawReads) count(read);
      continue;
    }
    if (['for', 'case', 'select', 'function', 'in', 'esac'].includes(command)) continue;
    const tests = /^(?:test|\[\[?)$/.test(command) && words.some((word) => FILE_TEST.test(word));
    const own = raw.slice(at + 1);
    if (NAMES_NOTHING.has(command) && !tests) for (const read of rawReads) count(read);
    else for (const word of [...own, ...rawReads]) count(word);
    if (!NAMES_NOTHING.has(command)) lookForMade(command, own);
  }

  function count(word: string): void {
    const value = valueOf(word);
    if (value.kind === 'unknown') look.doubt(`${name} reads files whose names only a run makes (${value.what})`);
    if (value.kind !== 'texts' || !word.includes('\ue000')) return;
    // Without quotes a value falls into words, and may be a pattern.
    for (const one of value.texts.flatMap((text) => [text, ...text.split(/\s+/), ...text.split(/[=,@:]/)]))
      for (const pattern of new Set([one, one.replace(/\[[^\]]+\]/g, '?')])) {
        if (isAbove(pattern)) look.doubt(`it looks above its folder (${pattern})`);
        else look.word(pattern, [look.cwd]);
      }
  }

  /** Programs inside of a command, parts of which only a run knows. */
  function lookForMade(command: string, own: readonly string[]): void {
    own.forEach((word, at) => {
      if (!word.includes('\ue000')) return;
      if (
        /^-\w*[ceEp]$|^--(?:eval|print|expression)$/.test(own[at - 1] ?? '') &&
        !/^(?:grep|egrep|fgrep|zgrep|head|tail|cut)$/.test(command)
      )
        look.doubt(`${name} runs programs that are made at run time`);
      if (/^(?:g|m)?awk$|^sed$|^jq$/.test(command) && /[\s{}();|]/.test(word))
        look.doubt(`${name} runs programs that are made at run time`);
    });
  }
}
