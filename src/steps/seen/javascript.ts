import { isBuiltin } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { lookForLiterals } from './literals.ts';
import { proveMoment, provePaths } from './javascript-proof.ts';
import { kindOf, realPath } from './look.ts';
import type { Look } from './look.ts';
import { lookForRun } from './nominal-time.ts';

/** Modules that reach what lies outside: the network, databases, other programs. */
const OUTSIDE = new Set(
  `child_process cluster dgram dns http http2 https net tls inspector sqlite axios got node-fetch undici superagent ky request pg pg-promise mysql mysql2 mssql oracledb mongodb mongoose redis ioredis
  kafkajs amqplib better-sqlite3 knex sequelize typeorm prisma minio aws-sdk execa zx shelljs cross-spawn puppeteer playwright playwright-core ws socket.io-client nodemailer`.split(
    /\s+/,
  ),
);
/** Modules of Node.js that read only what they are told, or whose ways of doing so are looked for; all others are doubted. */
const KNOWN = new Set(
  `fs fs/promises path path/posix url util assert assert/strict buffer crypto zlib stream stream/promises string_decoder querystring events readline readline/promises process`.split(
    /\s+/,
  ),
);
const OUTSIDE_SCOPES = /^@(?:aws-sdk|google-cloud|azure|prisma|temporalio|octokit|elastic)\//;
const ENDINGS = [
  '',
  '.ts',
  '.mts',
  '.cts',
  '.tsx',
  '.js',
  '.mjs',
  '.cjs',
  '.jsx',
  '.json',
  '.node',
  '/index.ts',
  '/index.js',
  '/index.mjs',
  '/index.cjs',
  '/index.json',
];

/** `node [options] (FILE | -e TEXT) …` */
export function lookAtNode(program: string, args: readonly string[], folders: readonly string[], look: Look): void {
  const words = /^(?:bun|deno)$/.test(program) && args[0] === 'run' ? args.slice(1) : args;
  for (let at = 0; at < words.length; at += 1) {
    const arg = words[at]!;
    const loads = /^(?:-r|--require|--import|--loader|--experimental-loader|--env-file)(?:=(.*))?$/.exec(arg);
    if (loads !== null) {
      const module = loads[1] ?? words[(at += 1)] ?? '';
      if (kindOf(resolve(look.cwd, module)) === 'file' && arg.startsWith('--env-file')) look.add(resolve(look.cwd, module));
      else importFrom(look.cwd, module, 'its options', look);
    } else if (/^(?:-[a-z]*[ep]|--eval|--print)$/.test(arg)) {
      lookAtJavaScript(words[at + 1] ?? '', 'its text', look.cwd, folders, look);
      return;
    } else if (/^(?:-C|--conditions|--input-type|--stack-size)$/.test(arg)) at += 1;
    else if (arg === '-') return look.doubt('Node.js reads its program from standard input');
    else if (!arg.startsWith('-')) {
      const file = folders
        .flatMap((folder) => ENDINGS.map((ending) => resolve(folder, arg) + ending))
        .find((path) => kindOf(path) === 'file');
      if (file === undefined) return look.doubt(`${arg} is not there`);
      return lookAtJavaScriptFile(file, folders, look);
    } else if (/^--(?:test|run|watch)\b/.test(arg)) return look.doubt(`what ${program} ${arg} runs cannot be seen`);
  }
  look.doubt('Node.js reads its program from standard input');
}

export function lookAtJavaScriptFile(path: string, folders: readonly string[], look: Look): void {
  if (/\.(?:json|node|wasm)$/.test(path)) return void look.add(path);
  const text = look.source(path);
  if (text !== undefined) lookAtJavaScript(text, look.nameOf(path), dirname(path), folders, look);
}

function lookAtJavaScript(text: string, name: string, folder: string, folders: readonly string[], look: Look): void {
  lookForRun(text, name, look);
  const { code, marked, literals } = readJavaScript(text);
  provePaths(marked, literals, name, look);
  for (const module of modulesOf(text)) importFrom(folder, module, name, look);
  if (/\b(?:import|require)\s*\(\s*(?!["'`])[^\s)]/.test(code)) look.doubt(`${name} loads modules by names made at run time`);
  lookForOutside(code, literals, name, [...new Set([folder, ...folders])], folder, look);
}

/** What a source reaches besides modules. Of a step of the user's the modules are looked for elsewhere. */
export function lookForOutside(
  code: string,
  literals: readonly string[],
  name: string,
  near: readonly string[],
  folder: string,
  look: Look,
): void {
  if (/(?<![.\w])fetch\s*\(|\bnew\s+(?:WebSocket|XMLHttpRequest|EventSource)\b/.test(code)) look.doubt(`${name} asks the network`);
  proveMoment(code, name, look);
  if (/\bhomedir\s*\(/.test(code)) look.doubt(`${name} reads below the home folder`);
  if (/\bimport\s*\.\s*meta\s*\.\s*(?:url|dirname|filename)\b|\b__dirname\b|\b__filename\b/.test(code))
    look.add(folder, 'reads beside its sources in');
  if (/\bcwd\s*\(\s*\)/.test(code) || literals.some((literal) => literal === '.' || literal === './')) look.add(look.cwd, 'reads');
  if (literals.some((literal) => /^\.\.(?:\/\.\.)*\/?$/.test(literal))) look.doubt(`${name} reads above its folder`);
  lookForLiterals(literals, near, look);
}

export function outsideModule(module: string): boolean {
  const bare = module.replace(/^node:/, '');
  const top = bare.startsWith('@') ? bare : bare.split('/')[0]!;
  return OUTSIDE.has(top) || OUTSIDE_SCOPES.test(top);
}

function modulesOf(text: string): string[] {
  const found = text.matchAll(
    /\bfrom\s*["']([^"'\n]+)["']|\bimport\s*["']([^"'\n]+)["']|\b(?:import|require)\s*\(\s*["'`]([^"'`$\n]+)["'`]/g,
  );
  return [...new Set([...found].map(([, from, plain, called]) => (from ?? plain ?? called)!))];
}

function importFrom(folder: string, module: string, name: string, look: Look): void {
  if (outsideModule(module)) return look.doubt(`${name} uses ${module}, which reaches outside`);
  if (isBuiltin(module)) {
    if (!KNOWN.has(module.replace(/^node:/, ''))) look.doubt(`${name} uses ${module}, which is not known to read only what it is told`);
    return;
  }
  if (module.startsWith('perennial/')) return;
  if (module.startsWith('#')) return look.doubt(`${name} uses ${module}, which package.json decides`);
  if (/^(?:\.{1,2}(?:\/|$)|\/|file:)/.test(module)) {
    const target = resolve(folder, module.replace(/^file:\/\//, ''));
    // TypeScript may write the name that its output will have.
    const candidates = [...ENDINGS.map((ending) => target + ending), target.replace(/\.([mc]?)js$/, '.$1ts')];
    const file = candidates.find((path) => kindOf(path) === 'file');
    if (file === undefined) look.doubt(`${module}, which ${name} imports, is not there`);
    else lookAtJavaScriptFile(file, [look.cwd], look);
    return;
  }
  lookAtPackage(folder, module, name, look);
}

/** A package counts by its version; one that is linked from elsewhere by its files. */
function lookAtPackage(folder: string, module: string, name: string, look: Look): void {
  const top = module
    .split('/')
    .slice(0, module.startsWith('@') ? 2 : 1)
    .join('/');
  for (let base = folder; ; base = dirname(base)) {
    const found = join(base, 'node_modules', top);
    if (kindOf(join(found, 'package.json')) === 'file') {
      const real = realPath(found);
      if (real.includes('/node_modules/')) look.add(join(found, 'package.json'));
      else look.add(real, `imports ${top} from`);
      return;
    }
    if (base === dirname(base)) return look.doubt(`the package ${module}, which ${name} imports, is not there`);
  }
}

/**
 * JavaScript without comments and with empty strings, and its string literals; what is made at run time stands as "*".
 *
 * @returns marked: the same with what templates compute beside them, and short words as they are
 */
export function readJavaScript(text: string): { readonly code: string; readonly marked: string; readonly literals: readonly string[] } {
  const literals: string[] = [];
  const token = /\/\/[^\n]*|\/\*[\s\S]*?\*\/|(["'])((?:\\[\s\S]|(?!\1)[^\\\n])*)\1|`((?:\\[\s\S]|\$\{(?:[^{}]|\{[^{}]*\})*\}|[^\\`])*)`/g;
  let marked = '';
  let from = 0;
  const keep = (at: number, length: number, said: string): void => {
    marked += text.slice(from, at) + said;
    from = at + length;
  };
  const code = text.replace(
    token,
    (whole, quote: string | undefined, plain: string | undefined, template: string | undefined, at: number) => {
      if (quote !== undefined) {
        literals.push(decoded(plain!));
        keep(at, whole.length, /^[A-Za-z_][\w+]{0,39}$/.test(plain!) ? `"${plain!}"` : '""');
        return '""';
      }
      if (template !== undefined) {
        literals.push(decoded(template.replace(/\$\{(?:[^{}]|\{[^{}]*\})*\}/g, '*')).replace(/\*{2,}(?!\/)/g, '*'));
        const computed = `""${[...template.matchAll(/\$\{((?:[^{}]|\{[^{}]*\})*)\}/g)].map(([, inside]) => ` ${inside!} `).join('')}`;
        keep(at, whole.length, computed);
        return computed;
      }
      // An address in a comment of one line is no comment only inside a string, which is found first.
      const said = whole.startsWith('/*') ? ' ' : '';
      keep(at, whole.length, said);
      return said;
    },
  );
  return { code, marked: marked + text.slice(from), literals };
}

const CONTROL: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', b: '\b', f: '\f', v: '\v', '0': '\0' };

/** A literal as the language reads it. */
function decoded(text: string): string {
  return text.replace(
    /\\(?:u\{([0-9a-fA-F]{1,6})\}|u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|([0-3]?[0-7]{2}|[0-7])|(\r\n|[\s\S]))/g,
    (_, braces?: string, four?: string, two?: string, octal?: string, other?: string) => {
      const hex = braces ?? four ?? two;
      if (hex !== undefined) return String.fromCodePoint(Math.min(parseInt(hex, 16), 0x10ffff));
      if (octal !== undefined) return String.fromCharCode(parseInt(octal, 8));
      return /^[\r\n\u2028\u2029]/.test(other!) ? '' : (CONTROL[other!] ?? other!);
    },
  );
}
