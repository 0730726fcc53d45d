import { basename, resolve } from 'node:path';
import { lookAtNode, lookAtJavaScriptFile } from './javascript.ts';
import { isAbove, kindOf, locate, realPath } from './look.ts';
import type { Look } from './look.ts';
import { NODES, PYTHONS, SHELLS, TOOLS, WRAPPERS, WRAPPER_OPTIONS } from './programs.ts';
import { lookAtPython, lookAtPythonFile } from './python.ts';
import { lookAtShell, lookAtShellFile } from './shell.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Looks at a command line: the program, its arguments, the sources behind them and what these import and name.
 *
 * @param folders where relative names are looked for
 * @param environment of the program
 */
export function lookAtProgram(words: readonly string[], folders: readonly string[], environment: Environment, look: Look): void {
  const [program, ...args] = words;
  if (program === undefined) return;
  const again = (rest: readonly string[], from: readonly string[]): void => lookAtProgram(rest, from, environment, look);
  lookAtWords(args, folders, look);
  const name = basename(program);
  // A file of the document that is called like a tool is itself, not the tool.
  const path = program.includes('/')
    ? folders.map((folder) => resolve(folder, program)).find((one) => kindOf(one) === 'file')
    : locate(program, look.cwd, environment.PATH);
  const own = path !== undefined && program.includes('/') && folders.some((folder) => path.startsWith(`${folder}/`));
  if (path !== undefined && !own) look.programs.add(realPath(path));
  if (!own && name === 'xargs') look.doubt('xargs takes the names of files from its standard input');
  if (!own && name in WRAPPERS) {
    const rest = wrapped(args, WRAPPERS[name]!);
    if (name === 'env' && (rest.length === 0 || args.some((arg) => /^(?:-i?|--ignore-environment)$/.test(arg))))
      look.doubt('env writes its environment, or takes it away');
    if (args.some((arg) => /^(?:PYTHON\w*|NODE_\w*|LD_\w*|PATH|BASH_ENV)=|^--unset=PYTHON|^PYTHON\w*$/.test(arg)))
      look.doubt(`${name} changes what programs run or load`);
    return again(rest, folders);
  }
  if (own && lookAtScript(path, folders, environment, look, again)) return;
  if (SHELLS.test(name)) return lookAtShell(args, folders, look, again);
  if (PYTHONS.test(name)) return lookAtPython(args, folders, environment, look);
  if (NODES.test(name)) return lookAtNode(name, args, folders, look);
  if (TOOLS.has(name) && !own) return lookAtTool(name, args, folders, look);
  if (/^(?:date|uptime)$/.test(name)) return look.doubt(`${name} asks the clock`);
  look.doubt(`what ${program.includes('*') ? 'a program whose name is made at run time' : `the program ${program}`} reads cannot be seen`);
}

/** Arguments that name files: as they are, behind "--flag=", "key=", "@", ":" and in lists. */
function lookAtWords(args: readonly string[], folders: readonly string[], look: Look): void {
  for (const arg of args) {
    // Text for an interpreter is looked at as a source.
    if (/[\n;]/.test(arg)) continue;
    if (arg.split(/[=,@]/).some(isAbove)) look.doubt(`it is told to look above its folder (${arg.slice(0, 80)})`);
    if (look.word(arg.replace(/^@/, ''), folders) && !arg.startsWith('-')) continue;
    const option = /^-[A-Za-z](.+)$/.exec(arg)?.[1];
    if (option !== undefined && !arg.startsWith('--')) look.word(option, folders);
    for (const part of arg.split(/[=,@]|:(?!\/\/)/)) if (part !== arg && part !== '') look.word(part, folders);
  }
}

function wrapped(args: readonly string[], before: number): string[] {
  const rest = [...args];
  while (rest.length > 0 && (rest[0]!.startsWith('-') || /^[A-Za-z_]\w*=/.test(rest[0]!)))
    if (WRAPPER_OPTIONS.test(rest.shift()!)) rest.shift();
  return rest.slice(before);
}

/** A file of the document that is a program itself. @returns false where it is no script */
function lookAtScript(
  path: string,
  folders: readonly string[],
  environment: Environment,
  look: Look,
  again: (words: readonly string[], folders: readonly string[]) => void,
): boolean {
  const [interpreter, ...options] = shebangOf(path, look);
  if (interpreter === undefined) return false;
  const name = basename(interpreter);
  const program = locate(interpreter, look.cwd, environment.PATH);
  if (program !== undefined) look.programs.add(realPath(program));
  if (SHELLS.test(name)) lookAtShellFile(path, folders, look, again);
  else if (PYTHONS.test(name)) lookAtPythonFile(path, folders, look);
  else if (NODES.test(name)) lookAtJavaScriptFile(path, folders, look);
  else {
    look.add(path);
    again([interpreter, ...options, path], folders);
  }
  return true;
}

/** The interpreter that a script names in its first line, "env" left out; a script without one is read by the shell. */
function shebangOf(path: string, look: Look): string[] {
  look.files.add(path);
  const head = look.head(path);
  if (head === undefined) return [];
  const line = /^#!\s*([^\n\r]*)/.exec(head)?.[1];
  if (line === undefined) return /\.(?:sh|bash)$/.test(path) || !/\.\w+$/.test(path) ? ['sh'] : [];
  const words = line.split(/\s+/).filter((word) => word !== '');
  return basename(words[0] ?? '') === 'env' ? words.slice(1).filter((word) => !word.startsWith('-') && !word.includes('=')) : words;
}

/** Arguments by which a tool reads what a file names, what its own program says, or what chance and the clock give. */
const NAMES_FROM_A_FILE: Readonly<Record<string, RegExp>> = {
  tar: /(?:^| )(?:-[a-zA-Z]*T|--files-from)/,
  wc: /--files0-from/,
  sort: /--files0-from|(?:^| )(?:-[a-zA-Z]*R\b|--random-sort|--sort=random)/,
  awk: /(?:^| )(?:-f|--file)|\b(?:ENVIRON|rand\s*\(|strftime)/,
  gawk: /(?:^| )(?:-f|--file|-i|--include|-l|--load)|\b(?:PROCINFO|ENVIRON|rand\s*\(|strftime)/,
  mawk: /(?:^| )(?:-f|--file)|\b(?:ENVIRON|rand\s*\()/,
  sed: /(?:^| )(?:-f|--file)|(?:^|[;}\d/$ ])[rR] +\S/,
  jq: /(?:^| )(?:-f|--from-file|-L)|\bnow\b|\$ENV\b|\benv\b|\b(?:import|include)\b|\$__prog|\blocaltime\b|\bmktime\b/,
  du: /./,
};

/** Tools read the files that they name; a program inside their arguments is looked at where it is one of ours. */
function lookAtTool(name: string, args: readonly string[], folders: readonly string[], look: Look): void {
  const scripts =
    name === 'awk' || name === 'gawk' || name === 'mawk'
      ? args.filter((arg) => /\bsystem\s*\(|\bgetline\b|\||\bsystime\b/.test(arg))
      : name === 'sed'
        ? args.filter((arg) => /(?:^|[;}\d/])e(?:\s|$)/.test(arg))
        : [];
  if (NAMES_FROM_A_FILE[name]?.test(args.join(' ')) === true) look.doubt(`what ${name} reads is named in a file, or made at run time`);
  if (scripts.length > 0) look.doubt(`what ${name} runs cannot be seen`);
  if (name === 'mktemp') look.doubt('mktemp makes a name by chance');
  if (['export', 'declare', 'typeset', 'readonly', 'set'].includes(name) && args.every((arg) => arg === '-p'))
    look.doubt(`${name} writes its environment`);
  if (name === 'zip' || (name === 'tar' && /^-{0,2}[a-zA-Z]*[cru]|^--(?:create|append|update)/.test(args[0] ?? '')))
    look.doubt(`${name} writes the times of files`);
  if (name === 'gzip' && !args.some((arg) => /^-\w*[dntl]|^--(?:no-name|decompress|test|list)/.test(arg)))
    look.doubt('gzip writes the time of its file');
  if (name === 'diff' && args.some((arg) => /^-\w*[uc]|^-[UC]|^--(?:unified|context)/.test(arg)))
    look.doubt('diff writes the times of files');
  if (/^(?:test|\[\[?)$/.test(name) && args.some((arg) => /^-(?:nt|ot|N)$/.test(arg))) look.doubt(`${name} asks the times of files`);
  if (/grep$/.test(name) && args.some((arg) => /^-\w*[rR]|^--(?:dereference-)?recursive/.test(arg))) look.add(look.cwd, 'reads');
  // Of a name without its ending these read the file that has it.
  if (/^(?:gzip|gunzip|zcat|zgrep|unzip)$/.test(name))
    for (const arg of args) for (const ending of ['.gz', '.z', '.Z', '.tgz', '.zip', '.ZIP']) look.word(arg + ending, folders);
  if (name === 'shuf' && !args.some((arg) => arg.startsWith('--random-source'))) look.doubt('shuf draws by chance');
  if (name === 'tar' && args.some((arg) => /^--(?:to-command|checkpoint-action|use-compress-program)/.test(arg)))
    look.doubt('what tar runs cannot be seen');
  // Of a folder every file counts; a tool that is let loose on a folder names it.
  for (const arg of args) if (arg === '.' || arg === './') look.add(folders[0]!, 'names');
}
