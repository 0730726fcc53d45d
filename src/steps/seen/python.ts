import { readdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { lookForLiterals } from './literals.ts';
import type { Look } from './look.ts';
import { kindOf } from './look.ts';
import { lookForRun } from './nominal-time.ts';
import { proveSame } from './python-proof.ts';
import { isNode, listOf, literalsOf, nodesOf, pythonTree, textOf } from './python-tree.ts';
import type { PythonNode } from './python-tree.ts';

/** Modules that reach what lies outside: the network, databases, other programs. */
const OUTSIDE = new Set(
  `requests urllib urllib2 urllib3 http httpx aiohttp socket socketserver ssl ftplib smtplib imaplib poplib paramiko fabric subprocess pexpect pty sh plumbum
  boto3 botocore aioboto3 s3fs gcsfs adlfs google azure minio psycopg psycopg2 asyncpg pymysql MySQLdb mysql mysqlclient sqlalchemy pymongo motor redis kafka confluent_kafka pika snowflake
  pyodbc cx_Oracle oracledb clickhouse_driver clickhouse_connect cassandra elasticsearch trino prestodb pyhive websocket websockets grpc mlflow wandb huggingface_hub kaggle git`.split(
    /\s+/,
  ),
);

/** Modules of Python that others of its modules import, and those that it runs by itself. */
const STANDARD = new Set(
  `sitecustomize usercustomize site abc argparse array ast base64 binascii bisect bz2 calendar codecs collections configparser contextlib copy copyreg csv dataclasses datetime decimal difflib dis enum errno
  fnmatch fractions functools genericpath gettext glob graphlib gzip hashlib heapq hmac html inspect io itertools json keyword linecache locale logging lzma math numbers opcode operator optparse os
  pathlib pickle posixpath pprint quopri random re reprlib select selectors shlex shutil signal socket ssl stat statistics string stringprep struct subprocess sysconfig tarfile tempfile textwrap threading time
  token tokenize tomllib traceback types typing unicodedata urllib uuid warnings wave weakref xml zipfile zlib zoneinfo encodings`.split(
    /\s+/,
  ),
);

interface Source {
  readonly text: string;
  readonly name: string;
  /** Absent for text of a command line. */
  readonly file?: string;
  /** Where the source lies; for text of a command line where it runs. */
  readonly folder: string;
  /** Folders that modules are looked for in. */
  readonly modules: readonly string[];
}

/** `python [options] (FILE | -m MODULE | -c TEXT | -) …` */
export function lookAtPython(
  args: readonly string[],
  folders: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
  look: Look,
): void {
  const paths = (environment.PYTHONPATH ?? '')
    .split(':')
    .filter((path) => path !== '')
    .map((path) => resolve(look.cwd, path));
  for (const variable of Object.keys(environment))
    if (/^PYTHON(?!PATH$|HASHSEED$|UNBUFFERED$|DONTWRITEBYTECODE$|IOENCODING$|UTF8$)/.test(variable))
      look.doubt(`${variable} decides what Python runs`);
  if (!/^\d+$/.test(environment.PYTHONHASHSEED ?? '0')) look.doubt('Python draws the order of its sets by chance');
  lookForShadows(paths, look);
  for (let at = 0; at < args.length; at += 1) {
    const arg = args[at]!;
    const short = /^-[bBdEhiIOPqsSuvVx?]*([cm])(.*)$/s.exec(arg);
    if (/^-[bBdhiOPqsSuvVx?]*[EI]/.test(arg)) look.doubt(`Python draws the order of its sets by chance with ${arg}`);
    if (short !== null) {
      const given = short[2] === '' ? (args[at + 1] ?? '') : short[2]!;
      if (short[1] === 'm') lookAtModule(given, [...folders, ...paths], look);
      else lookAtText({ text: given, name: 'its text', folder: folders[0]!, modules: [...folders, ...paths] }, folders, look);
      return;
    }
    if (/^-[WX]$|^--check-hash-based-pycs$/.test(arg)) at += 1;
    else if (arg === '-') return look.doubt('Python reads its program from standard input');
    else if (!arg.startsWith('-')) {
      const file = folders.map((folder) => resolve(folder, arg)).find((path) => kindOf(path) !== undefined);
      if (file === undefined) return look.doubt(`${arg} is not there`);
      return lookAtFile(kindOf(file) === 'folder' ? join(file, '__main__.py') : file, paths, folders, look);
    }
  }
  look.doubt('Python reads its program from standard input');
}

export function lookAtPythonFile(path: string, folders: readonly string[], look: Look): void {
  lookAtFile(path, [], folders, look);
}

function lookAtFile(path: string, paths: readonly string[], folders: readonly string[], look: Look): void {
  const text = look.source(path);
  if (text !== undefined)
    lookAtText({ text, name: look.nameOf(path), file: path, folder: dirname(path), modules: [dirname(path), ...paths] }, folders, look);
}

function lookAtModule(name: string, modules: readonly string[], look: Look): void {
  if (!importModule(name, modules, modules, look) && !importModule(`${name}.__main__`, modules, modules, look))
    return look.doubt(`the module ${name} is not below its folder`);
  importModule(`${name}.__main__`, modules, modules, look);
}

function lookAtText(source: Source, folders: readonly string[], look: Look): void {
  const { name } = source;
  const tree = look.python === undefined ? 'there is no python3 that reads it' : pythonTree(source.text, look.python);
  if (typeof tree === 'string') return look.doubt(`what ${name} reads cannot be seen: ${tree}`);
  const code = source.text;
  const literals = literalsOf(tree);
  lookForMembers(tree, look);
  const own = new Set<string>();
  lookForRun(source.text, name, look);
  const near = [...new Set([source.folder, ...folders])];
  let modules = [...source.modules];
  lookForShadows(source.modules, look);
  if (/\bsys\s*\.\s*path\b|\baddsitedir\b/.test(code)) {
    const more = literals
      .flatMap((literal) => near.flatMap((folder) => [resolve(folder, literal), resolve(folder, '..', literal)]))
      .filter((path) => kindOf(path) === 'folder');
    if (more.length === 0 && !/__file__|getcwd/.test(code)) look.doubt(`${name} changes where its modules come from`);
    modules = [...modules, ...more, ...near, ...near.map((folder) => dirname(folder))];
  }
  for (const module of importsOf(tree)) {
    const top = module.name.split('.')[0]!;
    const found =
      module.level > 0
        ? importRelative(module, source.folder, source.modules, look)
        : importWithNames(module, modules, source.modules, look);
    if (found) own.add(top);
    if (!found && module.level === 0 && OUTSIDE.has(top) && !harmless(module)) look.doubt(`${name} uses ${top}, which reaches outside`);
  }
  if (importsOf(tree).some((one) => /^(?:importlib|runpy|pkgutil)\b/.test(one.name)) || /\b__import__\b/.test(code)) {
    const loaded = literals
      .filter((literal) => /^\.?[A-Za-z_][\w.]*$/.test(literal))
      .filter((literal) => importModule(literal.replace(/^\./, ''), [...modules, source.folder], source.modules, look));
    if (loaded.length === 0) look.doubt(`${name} loads modules by names made at run time`);
  }
  if (/\bexpanduser\b|\.home\s*\(\s*\)/.test(code)) look.doubt(`${name} reads below the home folder`);
  proveSame(
    { name, file: source.file ?? join(source.folder, '<text>'), tree, own, members: look.members, variables: look.variables },
    look,
  );
  if (/\bos\s*\.\s*(?:system|popen|exec\w*|spawn\w*|posix_spawn\w*)\s*\(/.test(code)) look.doubt(`${name} runs other programs`);
  // Names made at run time beside the source: everything there counts.
  if (/__file__|\bimportlib\s*\.\s*resources\b/.test(code)) look.add(source.folder, 'reads beside its sources in');
  if (
    /\bos\s*\.\s*(?:listdir|walk|scandir)\s*\(\s*\)|\bgetcwd\b|\.cwd\s*\(/.test(code) ||
    literals.some((literal) => literal === '.' || literal === './')
  )
    look.add(look.cwd, 'reads');
  if (literals.some((literal) => /^\.\.?\/?\.\.\/?$|^\.\.\/?$/.test(literal))) look.doubt(`${name} reads above its folder`);
  lookForLiterals(literals, near, look);
}

interface Import {
  /** Dots in front. */
  readonly level: number;
  readonly name: string;
  /** What `from … import` takes: names or modules. */
  readonly names: readonly string[];
}

/** Parts of packages that reach outside only by name. */
function harmless({ name, names }: Import): boolean {
  return (
    name === 'urllib.parse' ||
    (name === 'urllib' && names.length > 0 && names.every((one) => one === 'parse')) ||
    (name === 'http' && names.length > 0 && names.every((one) => one === 'HTTPStatus'))
  );
}

function importsOf(tree: PythonNode): Import[] {
  const imports: Import[] = [];
  for (const node of nodesOf(tree)) {
    const names = listOf(node.names).map(({ name }) => name as string);
    if (node.type === 'ImportFrom') imports.push({ level: node.level as number, name: (node.module as string | null) ?? '', names });
    if (node.type === 'Import') imports.push(...names.map((name) => ({ level: 0, name, names: [] })));
  }
  return imports;
}

/** Names that a source gives to what it makes: members, parameters, options of the command line. */
function lookForMembers(tree: PythonNode, look: Look): void {
  for (const node of nodesOf(tree)) {
    if (node.type === 'Attribute' && node.store === true && isNode(node.value) && node.value.type === 'Name' && node.value.id === 'self')
      look.members.add(node.attr as string);
    if ((node.type === 'Name' && node.store === true) || node.type === 'keyword')
      look.members.add(((node.id ?? node.arg) as string | null) ?? '');
    if (/^(?:Async)?FunctionDef$|^ClassDef$/.test(node.type)) look.members.add(node.name as string);
    const text = textOf(node);
    if (text !== undefined && /^-{0,2}[A-Za-z_][\w-]*$/.test(text)) look.members.add(text.replace(/^--?/, '').replaceAll('-', '_'));
    if (text !== undefined && /^\w+(?:[ ,]+\w+)+$/.test(text)) for (const word of text.split(/[ ,]+/)) look.members.add(word);
  }
}

/** Files that Python takes in place of its own modules, which import each other, or runs before anything else. */
function lookForShadows(folders: readonly string[], look: Look): void {
  for (const folder of folders) {
    if (kindOf(folder) !== 'folder' || look.shadows.has(folder)) continue;
    look.shadows.add(folder);
    for (const entry of readdirSync(folder)) {
      const module = entry.replace(/\.(?:py|so)$/, '');
      if (STANDARD.has(module) && (module !== entry || kindOf(join(folder, entry)) === 'folder'))
        importModule(module, [folder], folders, look);
    }
  }
}

function importWithNames(module: Import, modules: readonly string[], search: readonly string[], look: Look): boolean {
  const found = importModule(module.name, modules, search, look);
  for (const name of module.names) if (name !== '*') importModule(`${module.name}.${name}`, modules, search, look);
  return found;
}

function importRelative(module: Import, folder: string, search: readonly string[], look: Look): boolean {
  let base = folder;
  for (let level = 1; level < module.level; level += 1) base = dirname(base);
  const whole = (name: string): string => (module.name === '' ? name : `${module.name}.${name}`);
  look.add(join(base, '__init__.py'));
  if (module.name !== '') importModule(module.name, [base], search, look);
  for (const name of module.names) if (name !== '*') importModule(whole(name), [base], search, look);
  return true;
}

/** A module below one of the folders, with the packages around it, and what it imports itself. @returns whether it is there */
function importModule(name: string, folders: readonly string[], search: readonly string[], look: Look): boolean {
  const parts = name.split('.').filter((part) => part !== '');
  if (parts.length === 0) return false;
  for (const folder of folders) {
    const target = join(folder, ...parts);
    const files = [`${target}.py`, join(target, '__init__.py'), `${target}.pyi`, `${target}.so`].filter((path) => kindOf(path) === 'file');
    // A folder without sources is found by Python only where nothing else has the name.
    if (files.length === 0) continue;
    for (let depth = 1; depth < parts.length; depth += 1)
      follow(join(folder, ...parts.slice(0, depth), '__init__.py'), folder, search, look);
    for (const file of files) follow(file, folder, search, look);
    return true;
  }
  return false;
}

function follow(path: string, folder: string, search: readonly string[], look: Look): void {
  const text = look.source(path);
  if (text === undefined) return;
  const modules = [...new Set([folder, ...search])];
  lookAtText({ text, name: look.nameOf(path), file: path, folder: dirname(path), modules }, [look.cwd], look);
}
