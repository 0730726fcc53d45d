import { dirname, join, resolve } from 'node:path';
import { lookForLiterals } from './literals.ts';
import type { Look } from './look.ts';
import { kindOf } from './look.ts';
import { lookForRun } from './nominal-time.ts';
import { proveSame, pythonImports } from './python-proof.ts';

/** Modules that reach what lies outside: the network, databases, other programs. */
const OUTSIDE = new Set(
  `requests urllib urllib2 urllib3 http httpx aiohttp socket socketserver ssl ftplib smtplib imaplib poplib paramiko fabric subprocess pexpect pty sh plumbum
  boto3 botocore aioboto3 s3fs gcsfs adlfs google azure minio psycopg psycopg2 asyncpg pymysql MySQLdb mysql mysqlclient sqlalchemy pymongo motor redis kafka confluent_kafka pika snowflake
  pyodbc cx_Oracle oracledb clickhouse_driver clickhouse_connect cassandra elasticsearch trino prestodb pyhive websocket websockets grpc mlflow wandb huggingface_hub kaggle git`.split(
    /\s+/,
  ),
);

interface Source {
  readonly text: string;
  readonly name: string;
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
  if (environment.PYTHONSTARTUP !== undefined || environment.PYTHONHOME !== undefined)
    look.doubt('PYTHONHOME or PYTHONSTARTUP decides what Python runs');
  for (let at = 0; at < args.length; at += 1) {
    const arg = args[at]!;
    const short = /^-[bBdEhiIOPqsSuvVx?]*([cm])(.*)$/s.exec(arg);
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
    lookAtText({ text, name: look.nameOf(path), folder: dirname(path), modules: [dirname(path), ...paths] }, folders, look);
}

function lookAtModule(name: string, modules: readonly string[], look: Look): void {
  if (!importModule(name, modules, modules, look) && !importModule(`${name}.__main__`, modules, modules, look))
    return look.doubt(`the module ${name} is not below its folder`);
  importModule(`${name}.__main__`, modules, modules, look);
}

function lookAtText(source: Source, folders: readonly string[], look: Look): void {
  const { code, marked, literals } = readPython(source.text);
  const { name } = source;
  const own = new Set<string>();
  lookForRun(source.text, name, look);
  const near = [...new Set([source.folder, ...folders])];
  let modules = [...source.modules];
  if (/\bsys\s*\.\s*path\b|\baddsitedir\b/.test(code)) {
    const more = literals
      .flatMap((literal) => near.flatMap((folder) => [resolve(folder, literal), resolve(folder, '..', literal)]))
      .filter((path) => kindOf(path) === 'folder');
    if (more.length === 0 && !/__file__|getcwd/.test(code)) look.doubt(`${name} changes where its modules come from`);
    modules = [...modules, ...more, ...near, ...near.map((folder) => dirname(folder))];
  }
  for (const module of importsOf(code)) {
    const top = module.name.split('.')[0]!;
    const found =
      module.level > 0
        ? importRelative(module, source.folder, source.modules, look)
        : importWithNames(module, modules, source.modules, look);
    if (found) own.add(top);
    if (!found && module.level === 0 && OUTSIDE.has(top) && !harmless(module)) look.doubt(`${name} uses ${top}, which reaches outside`);
  }
  if (/\b(?:importlib|__import__|runpy|pkgutil)\b/.test(code)) {
    const loaded = literals
      .filter((literal) => /^\.?[A-Za-z_][\w.]*$/.test(literal))
      .filter((literal) => importModule(literal.replace(/^\./, ''), [...modules, source.folder], source.modules, look));
    if (loaded.length === 0) look.doubt(`${name} loads modules by names made at run time`);
  }
  proveSame({ name, code: marked, imports: pythonImports(marked), own, variables: look.variables }, look);
  if (/\bos\s*\.\s*(?:system|popen|exec\w*|spawn\w*|posix_spawn\w*)\s*\(/.test(code)) look.doubt(`${name} runs other programs`);
  if (/\bexpanduser\b|\.home\s*\(\s*\)/.test(code)) look.doubt(`${name} reads below the home folder`);
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

function importsOf(code: string): Import[] {
  const joined = code
    .replace(/\\\r?\n/g, ' ')
    .replace(/\(([^()]*)\)/g, (whole, inside: string) => (inside.includes('\n') ? `(${inside.replace(/\s*\n\s*/g, ' ')})` : whole));
  const imports: Import[] = [];
  for (const statement of joined.split(/[\n;]|:(?=\s*(?:import|from)\b)/)) {
    const from = /^\s*from\s+(\.*)\s*([\w.]*)\s+import\s+\(?\s*([^)]*)/.exec(statement);
    if (from !== null) imports.push({ level: from[1]!.length, name: from[2]!, names: namesOf(from[3]!) });
    const plain = /^\s*import\s+([\w.\s,]+)$/.exec(statement);
    if (plain !== null) imports.push(...namesOf(plain[1]!).map((name) => ({ level: 0, name, names: [] })));
  }
  return imports;
}

function namesOf(list: string): string[] {
  return list
    .split(',')
    .map((name) =>
      name
        .trim()
        .split(/\s+as\s+/)[0]!
        .trim(),
    )
    .filter((name) => /^[\w.]+$|^\*$/.test(name));
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
  lookAtText({ text, name: look.nameOf(path), folder: dirname(path), modules }, [look.cwd], look);
}

/**
 * Python without comments and with empty strings, and its string literals; what is made at run time stands as "*".
 *
 * @returns marked: the same with strings of one short word as they are
 */
export function readPython(text: string): { readonly code: string; readonly marked: string; readonly literals: readonly string[] } {
  const literals: string[] = [];
  const token = /#[^\n]*|([rRbBuUfF]{0,2})("""|'''|"|')/g;
  let code = '';
  let marked = '';
  let from = 0;
  for (let match = token.exec(text); match !== null; match = token.exec(text)) {
    code += text.slice(from, match.index);
    marked += text.slice(from, match.index);
    from = token.lastIndex;
    const [, prefix, quote] = match;
    if (quote === undefined) continue;
    let end = from;
    while (end < text.length && !text.startsWith(quote, end) && (quote.length === 3 || text[end] !== '\n'))
      end += text[end] === '\\' ? 2 : 1;
    const raw = text.slice(from, end);
    literals.push(literalOf(raw, prefix!));
    // What an f-string computes is code.
    const computed = /f/i.test(prefix!) ? [...raw.matchAll(/\{([^{}]*)\}/g)].map(([, inside]) => ` ${inside!} `).join('') : '';
    code += `""${computed}`;
    marked += computed === '' && /^[A-Za-z_][\w+]{0,39}$/.test(raw) ? `"${raw}"` : `""${computed}`;
    from = Math.min(text.length, end + quote.length);
    token.lastIndex = from;
  }
  return { code: code + text.slice(from), marked: marked + text.slice(from), literals };
}

function literalOf(raw: string, prefix: string): string {
  const plain = /r/i.test(prefix) ? raw : raw.replace(/\\([\\'"])/g, '$1');
  return plain
    .replace(/\{[^{}]*\}/g, '*')
    .replace(/%(?:\(\w+\))?[-+ 0#]*\d*(?:\.\d+)?[sdifrx]/g, '*')
    .replace(/%[YmdHMSj]/g, '*')
    .replace(/\*{2,}(?!\/)/g, '*');
}
