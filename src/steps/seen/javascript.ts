import { isBuiltin } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { lookForLiterals } from './literals.ts';
import { MODULES } from './javascript-allowed.ts';
import { dottedName, moduleName, namesOf } from './javascript-names.ts';
import type { Names } from './javascript-names.ts';
import { proveScript } from './javascript-proof.ts';
import { literalsOf, nodesOf, scriptTree } from './javascript-tree.ts';
import type { ScriptTree } from './javascript-tree.ts';
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
      lookAtJavaScript(words[at + 1] ?? '', 'its text', join(look.cwd, '[eval]'), folders, look);
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
  if (text !== undefined) lookAtJavaScript(text, look.nameOf(path), path, folders, look);
}

function lookAtJavaScript(text: string, name: string, file: string, folders: readonly string[], look: Look): void {
  lookForRun(text, name, look);
  const folder = dirname(file);
  const tree = scriptTree(text, file);
  if (typeof tree === 'string') return look.doubt(`${name} cannot be read as JavaScript (${tree})`);
  const names = namesOf(tree.root, isBuiltin);
  for (const module of new Set(names.imports)) {
    if (module === undefined) look.doubt(`${name} loads modules by names made at run time`);
    else importFrom(folder, module, name, look);
  }
  lookForAll(tree, names, { name, file, near: [...new Set([folder, ...folders])] }, look);
}

/** A source that is looked at. */
export interface LookedAt {
  readonly name: string;
  readonly file: string;
  /** Where files that it names are looked for. */
  readonly near: readonly string[];
  /** Of a step of a document: the folder of the document. */
  readonly documentDir?: string;
}

/** What a source reaches besides modules. Of a step of the user's the modules are looked for elsewhere. */
export function lookForAll(tree: ScriptTree, names: Names, { name, file, near, documentDir }: LookedAt, look: Look): void {
  const given = { names, file, variables: look.variables, ...(documentDir === undefined ? {} : { documentDir }) };
  proveScript(tree, name, given, look);
  const literals = literalsOf(tree.root);
  const nodes = nodesOf(tree.root);
  const isBeside = nodes.some(
    (node) => node.type === 'MetaProperty' || (node.type === 'Identifier' && (node.name === '__dirname' || node.name === '__filename')),
  );
  if (isBeside) look.add(dirname(file), 'reads beside its sources in');
  const isHere = nodes.some((node) => node.type === 'CallExpression' && dottedName(node.callee, names) === 'process.cwd');
  if (isHere || literals.some((literal) => literal === '.' || literal === './')) look.add(look.cwd, 'reads');
  if (literals.some((literal) => /^\.\.(?:\/\.\.)*\/?$/.test(literal))) look.doubt(`${name} reads above its folder`);
  lookForLiterals(literals, near, look);
}

export function outsideModule(module: string): boolean {
  const bare = module.replace(/^node:/, '');
  const top = bare.startsWith('@') ? bare : bare.split('/')[0]!;
  return OUTSIDE.has(top) || OUTSIDE_SCOPES.test(top);
}

function importFrom(folder: string, module: string, name: string, look: Look): void {
  if (outsideModule(module)) return look.doubt(`${name} uses ${module}, which reaches outside`);
  if (isBuiltin(module)) {
    if (!MODULES.has(moduleName(module))) look.doubt(`${name} uses ${module}, which is not known to read only what it is told`);
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

/** A package that is linked from the folder of the program counts by its files; of others the code is not looked at. */
function lookAtPackage(folder: string, module: string, name: string, look: Look): void {
  const top = module
    .split('/')
    .slice(0, module.startsWith('@') ? 2 : 1)
    .join('/');
  for (let base = folder; ; base = dirname(base)) {
    const found = join(base, 'node_modules', top);
    if (kindOf(join(found, 'package.json')) === 'file') {
      const real = realPath(found);
      look.add(join(found, 'package.json'));
      if (!real.includes('/node_modules/')) look.add(real, `imports ${top} from`);
      return look.doubt(`${name} uses the package ${top}, whose code is not looked at`);
    }
    if (base === dirname(base)) return look.doubt(`the package ${module}, which ${name} imports, is not there`);
  }
}
