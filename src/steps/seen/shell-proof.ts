import type { Look } from './look.ts';
import { isAbove } from './look.ts';
import type { ShellCommand } from './shell-words.ts';

/** Commands to which the values of variables name no file that they read. */
const NAMES_NOTHING = new Set(
  `echo printf test [ [[ export local return exit set shift true false : read mkdir rm rmdir sleep unset trap wait let expr basename dirname declare typeset readonly mapfile readarray getopts tee touch chmod break continue kill seq`.split(
    /\s+/,
  ),
);
/** Variables of the shell that are others in every run. */
const OF_THE_MOMENT = /\$\{?(?:RANDOM|SRANDOM|SECONDS|EPOCHSECONDS|EPOCHREALTIME|BASHPID|PPID|HOSTNAME|UID|EUID)\b|\$\$/;
/** What a text of a shell is told of its inputs and outputs. */
const OF_ITS_TASK = /["'.]?\b(?:outputs|inputs|scratch|values)\b/;

/** `proven`: what it names is known; `given`: a word of the command line, known as long as it stands alone. */
type Origin = 'proven' | 'given' | 'unknown';

/** What of a shell text cannot be proven to be the same in the next run: variables that may name any file. */
export function proveShell(text: string, name: string, commands: readonly ShellCommand[], look: Look): void {
  if (OF_THE_MOMENT.test(text) || /%\([^)]*\)T/.test(text)) look.doubt(`${name} asks the shell for what is another one in every run`);
  const origins = originsIn(text, look);
  for (const { words, reads, variables } of commands) {
    const at = words.findIndex(
      (word) => !/^[A-Za-z_]\w*\+?=/.test(word) && !['if', 'then', 'else', 'elif', 'while', 'until', 'do', '!', '{', 'time'].includes(word),
    );
    const command = words[at];
    if (command === undefined || ['for', 'case', 'select', 'function', 'in', 'esac'].includes(command)) continue;
    if (NAMES_NOTHING.has(command) && reads.length === 0) continue;
    const parts = [...words.slice(at + 1), ...reads].some((word) => word.includes('*') && word !== '*');
    for (const variable of variables) {
      const origin = origins(variable);
      if (origin === 'unknown' || (origin === 'given' && parts))
        look.doubt(`${name} reads files whose names only a run makes ($${variable})`);
    }
  }
}

function originsIn(text: string, look: Look): (variable: string) => Origin {
  const bound = new Map<string, Origin[]>();
  const bind = (variable: string, origin: Origin): void => void bound.set(variable, [...(bound.get(variable) ?? []), origin]);
  const pending: [string, readonly string[]][] = [];
  for (const [, variable, value] of text.matchAll(
    /(?:^|[\s;&|({])(?:(?:export|local|declare|typeset|readonly)\s+(?:-\w+\s+)*)?([A-Za-z_]\w*)\+?=((?:"(?:\\.|\$\((?:[^()]|\([^()]*\))*\)|[^"\\])*"|'[^']*'|\$\((?:'[^']*'|[^()']|\((?:'[^']*'|[^()']|\([^()]*\))*\))*\)|`[^`]*`|[^\s;&|)])*)/g,
  )) {
    const plain = value!.replace(/["']/g, '');
    if (isAbove(plain)) look.doubt(`it looks above its folder (${variable!}=${plain})`);
    if (/\$\(|`/.test(value!)) bind(variable!, fromCommand(value!));
    else pending.push([variable!, [...value!.matchAll(/\$\{?([A-Za-z_]\w*|[0-9@*])/g)].map(([, used]) => used!)]);
  }
  for (const [, variable, list] of text.matchAll(/\bfor\s+([A-Za-z_]\w*)\s+in\b([^;\n]*)/g)) {
    if (/\$\(|`/.test(list!)) bind(variable!, 'unknown');
    else pending.push([variable!, [...list!.matchAll(/\$\{?([A-Za-z_]\w*|[0-9@*])/g)].map(([, used]) => used!)]);
  }
  for (const [, variable] of text.matchAll(/\bfor\s+([A-Za-z_]\w*)\s*(?:;|\n|\bdo\b)/g)) bind(variable!, 'given');
  for (const [, variables] of text.matchAll(/(?:^|[\s;&|({])(?:read|mapfile|readarray|getopts|select)\b([^;|&\n]*)/g))
    for (const [variable] of variables!.matchAll(/(?<![\w$"'-])[A-Za-z_]\w*/g)) bind(variable, 'unknown');
  const origins = (variable: string, seen: readonly string[] = []): Origin => {
    if (/^[0-9@*]$/.test(variable)) return 'given';
    const direct = bound.get(variable) ?? [];
    const through = pending.filter(([name]) => name === variable);
    if (direct.length + through.length === 0) return look.variables.has(variable) ? 'given' : 'unknown';
    const all = [
      ...direct,
      ...through.flatMap(([, used]) =>
        used.filter((one) => one !== variable && !seen.includes(one)).map((one) => origins(one, [...seen, variable])),
      ),
    ];
    if (all.includes('unknown')) return 'unknown';
    return all.includes('given') ? 'given' : 'proven';
  };
  return origins;
}

/** What a command gives: a folder of the task, or that of the script, names what is known. */
function fromCommand(value: string): Origin {
  if (OF_ITS_TASK.test(value)) return 'proven';
  return /\bdirname\b/.test(value) && !/\.\./.test(value) && /\$\{?0|BASH_SOURCE/.test(value) ? 'proven' : 'unknown';
}
