import { argumentsAt, originOf, outerIndex, receiverBefore, statementsOf } from './flow.ts';
import type { Language } from './flow.ts';
import type { Look } from './look.ts';

/** Parts of Python that reach no file, clock, chance or network by themselves, or whose ways of doing so are looked for here. */
const HARMLESS = new Set(
  `__future__ abc argparse array ast base64 binascii bisect bz2 calendar cmath codecs collections colorsys concurrent configparser contextlib copy copyreg csv dataclasses datetime decimal difflib enum errno
  fileinput fnmatch fractions functools gc getopt gettext glob graphlib gzip hashlib heapq hmac html importlib io itertools json keyword linecache locale logging lzma marshal math mimetypes numbers operator os
  optparse pathlib pickle pickletools pprint queue quopri random re reprlib sched shelve shlex shutil signal sqlite3 stat statistics string stringprep struct symtable sys tarfile tempfile textwrap threading time
  timeit token tokenize tomllib traceback types typing unicodedata unittest urllib uuid warnings wave weakref xml zipfile zlib zoneinfo http multiprocessing atexit dis inspect runpy pkgutil`.split(
    /\s+/,
  ),
);
/** What of the clock may be asked for: nothing that tells the time. */
const CLOCK_FREE = new Set(['sleep', 'strptime', 'struct_time', 'mktime', 'timezone', 'tzset', 'altzone', 'daylight']);

/** Module → names that it goes by here. */
export interface PythonImport {
  readonly module: string;
  readonly alias: string;
  /** What was taken of it: name → alias. Absent: the module itself. */
  readonly names?: readonly (readonly [name: string, alias: string])[];
}

export interface PythonText {
  readonly name: string;
  /** Without comments; literals are `""` but for short words, which stand as they are. */
  readonly code: string;
  readonly imports: readonly PythonImport[];
  /** Modules that lie beside the program. */
  readonly own: ReadonlySet<string>;
  /** Variables whose values count. */
  readonly variables: ReadonlySet<string>;
}

/** What of a source cannot be proven to be the same in the next run. */
export function proveSame(given: PythonText, look: Look): void {
  const source = { ...given, code: withOwnNames(given) };
  lookForModules(source, look);
  lookForClock(source, look);
  lookForChance(source, look);
  lookForEnvironment(source, look);
  lookForHidden(source, look);
  lookForPaths(source, look);
}

/** The text with functions of modules under the names that the modules give them. */
function withOwnNames({ code, imports }: PythonText): string {
  let text = code;
  for (const { names } of imports)
    for (const [taken, alias] of names ?? [])
      if (alias !== taken && /^\w+$/.test(taken)) text = text.replace(new RegExp(`(?<![\\w.])${alias}\\b`, 'g'), taken);
  for (const { module, alias, names } of imports)
    if (names === undefined && alias !== module.split('.')[0] && module !== 'time')
      text = text.replace(new RegExp(`(?<![\\w.])${alias}\\b(?=\\s*\\.)`, 'g'), module.split('.').at(-1)!);
  return text;
}

function lookForModules({ name, imports, own }: PythonText, look: Look): void {
  for (const { module } of imports) {
    const top = module.split('.')[0]!;
    if (top !== '' && !own.has(top) && !HARMLESS.has(top))
      look.doubt(`${name} uses the package ${top}, whose version and files cannot be seen`);
  }
}

function aliasesOf({ imports }: PythonText, module: string): string[] {
  return imports.filter((one) => one.module === module && one.names === undefined).map(({ alias }) => alias);
}

function takenOf({ imports }: PythonText, module: string): (readonly [string, string])[] {
  return imports.filter((one) => one.module === module).flatMap(({ names }) => [...(names ?? [])]);
}

function lookForClock(source: PythonText, look: Look): void {
  const { name, code } = source;
  const body = withoutImports(code);
  const asks = [
    /\.\s*(?:now|today|utcnow|now_utc)\b/.test(body),
    takenOf(source, 'time').some(([taken]) => !CLOCK_FREE.has(taken)),
    aliasesOf(source, 'time').some((alias) =>
      [...body.matchAll(new RegExp(`(?<![\\w.])${alias}\\b\\s*(?:\\.\\s*(\\w+))?`, 'g'))].some(
        ([, used]) => used === undefined || !CLOCK_FREE.has(used),
      ),
    ),
    takenOf(source, 'datetime').some(([taken]) => taken === '*'),
    source.imports.some(({ module }) => ['timeit', 'sched'].includes(module)),
    /\b(?:getmtime|getctime|getatime|st_[amc]time(?:_ns)?|st_ino)\b/.test(body),
  ];
  if (asks.includes(true)) look.doubt(`${name} asks the clock`);
}

function lookForChance(source: PythonText, look: Look): void {
  const { name, code, imports } = source;
  const body = withoutImports(code);
  const draws =
    /\b(?:uuid1|uuid4|getnode|urandom|getrandom|SystemRandom)\b/.test(code) ||
    takenOf(source, 'uuid').some(([taken]) => taken === '*') ||
    (imports.some(({ module }) => module === 'random') && !/\bseed\s*\(\s*[^)\s]|\bRandom\s*\(\s*[^)\s]/.test(body)) ||
    /(?<![.\w])hash\s*\(/.test(body);
  if (draws) look.doubt(`${name} draws by chance`);
}

function lookForEnvironment(source: PythonText, look: Look): void {
  const { name, code, variables } = source;
  const body = withoutImports(code);
  const uses = [
    ...body.matchAll(/\benviron(?:b?)\b\s*(?:\[\s*("[^"]*")\s*\]|\.\s*(?:get|setdefault|pop)\s*\(\s*("[^"]*"))?/g),
    ...body.matchAll(/\bgetenvb?\b\s*\(\s*("[^"]*")?()/g),
  ];
  // What is only written into a variable is not read.
  const asked = uses
    .filter((use) => !/^\s*=[^=]/.test(body.slice(use.index + use[0].length)))
    .map(([, first, second]) => (first ?? second ?? '').replaceAll('"', ''));
  if (asked.some((variable) => !variables.has(variable)))
    look.doubt(
      `${name} reads its environment, of which ${[...new Set(asked.filter((one) => one !== ''))].join(', ') || 'anything'} may decide the result`,
    );
  if (
    /\b(?:getpid|getppid|getlogin|getuser|uname|gethostname|cpu_count|getloadavg|sysconf|executable|base_prefix|exec_prefix)\b|\bsys\s*\.\s*prefix\b/.test(
      body,
    )
  )
    look.doubt(`${name} asks what machine or process it runs in`);
}

/** Ways to reach something under a name that is made at run time. */
function lookForHidden({ name, code, imports }: PythonText, look: Look): void {
  const body = withoutImports(code);
  if (/(?<![.\w])(?:eval|exec|compile|__import__|globals|locals|vars|breakpoint)\s*\(|__dict__|__builtins__|__loader__|__spec__/.test(body))
    look.doubt(`${name} runs code or reaches names that are made at run time`);
  const modules = new Set(imports.filter(({ names }) => names === undefined).map(({ alias }) => alias));
  if ([...body.matchAll(/(?<![.\w])getattr\s*\(\s*([\w.]+)/g)].some(([, of]) => modules.has(of!.split('.')[0]!)))
    look.doubt(`${name} runs code or reaches names that are made at run time`);
  if (
    imports.some(
      ({ module, names }) => ['os', 'pathlib', 'shutil', 'io', 'random'].includes(module) && names?.some(([taken]) => taken === '*'),
    )
  )
    look.doubt(`${name} takes every name of a module`);
  const asked = (body.match(/\b__file__\b/g) ?? []).length;
  const up = (body.match(/\.\s*parent\b|\bdirname\s*\(/g) ?? []).length;
  if (asked > 0 && (up > asked || /\.\s*parents\b/.test(body))) look.doubt(`${name} reads above its folder`);
  if (/\bpardir\b/.test(code)) look.doubt(`${name} reads above its folder`);
}

const PURE = new Set(
  `Path PurePath PosixPath pathlib os path str sorted list tuple set reversed enumerate zip range len min max int iter next map filter glob iglob listdir scandir walk open_text abspath realpath normpath join dirname basename splitext
  fspath ZipFile TarFile zipfile tarfile gzip bz2 lzma io None True False if else and or not in for is cwd getcwd tempfile mkdtemp mkstemp gettempdir TemporaryDirectory NamedTemporaryFile sep __file__
  .join .parent .name .stem .suffix .suffixes .with_suffix .with_name .with_stem .joinpath .resolve .absolute .as_posix .iterdir .glob .rglob .format .replace .strip .rstrip .lstrip .lower .upper .split .endswith .startswith
  .path .abspath .realpath .normpath .dirname .basename .splitext .fspath .listdir .scandir .walk .iglob .sep .cwd .getcwd .Path .PurePath .open .ZipFile .namelist .infolist .getmembers .getnames .is_file .is_dir .exists .items .keys .relative_to .parts
  .mkdtemp .mkstemp .gettempdir .TemporaryDirectory .NamedTemporaryFile .zfill`.split(/\s+/),
);

/** Calls whose first argument is a file or a folder. Those with a module in front count where it is that module's. */
const SINKS =
  /(?<![\w])((?:[A-Za-z_]\w*\s*\.\s*)*)(open|Path|PurePath|PosixPath|glob|iglob|listdir|scandir|walk|fwalk|copy|copy2|copyfile|copytree|move|ZipFile|is_zipfile|is_tarfile|iterparse|parse|getlines?|connect|exists|isfile|isdir|getsize|readlink|FileInput|input|read_text|read_bytes|iterdir|rglob|read|stat|lstat)\s*\(/g;
/** Methods of a path, which read what stands in front of them. */
const OF_PATHS = new Set(['read_text', 'read_bytes', 'iterdir', 'glob', 'rglob', 'open', 'exists', 'stat', 'lstat', 'walk', 'readlink']);
/** Modules that have functions of these names. */
const MODULES: Readonly<Record<string, RegExp>> = {
  open: /^(?:gzip|bz2|lzma|io|codecs|tarfile|os|shelve|tokenize|wave|dbm)$/,
  glob: /^glob$/,
  iglob: /^glob$/,
  walk: /^os$/,
  fwalk: /^os$/,
  copy: /^shutil$/,
  parse: /^(?:ET|ElementTree|etree|minidom|sax|pulldom|cElementTree)$/,
  iterparse: /./,
  exists: /^path$/,
  stat: /^os$/,
  lstat: /^os$/,
  readlink: /^os$/,
  input: /^fileinput$/,
  connect: /^sqlite3$/,
};

function lookForPaths(source: PythonText, look: Look): void {
  const { name, imports } = source;
  const text = withoutImports(source.code);
  const language = languageOf(source, text);
  for (const match of text.matchAll(SINKS)) {
    const [whole, front, called] = match;
    if (/\bdef\s+$/.test(text.slice(0, match.index))) continue;
    const args = argumentsAt(text, match.index + whole.length);
    if (called === 'open' && args.slice(1).some((one) => /^(?:mode\s*=\s*)?"[wxa][bt+]*"$/.test(one) && !one.includes('+'))) continue;
    const before = receiverBefore(text, match.index + front!.length)
      .replace(/\.$/, '')
      .trim();
    const owner = /(?:^|\.)\s*(\w+)$/.exec(before)?.[1] ?? '';
    const isModule = MODULES[called!]?.test(owner) === true;
    const method = before !== '' && !isModule && OF_PATHS.has(called!);
    if (
      before !== '' &&
      !isModule &&
      !method &&
      ['copy', 'parse', 'input', 'connect', 'read', 'move'].includes(called!) &&
      !/^(?:os|shutil|sqlite3|fileinput)$/.test(owner)
    ) {
      // `parser.read(path)` of configparser; a handle is read by a number, or whole.
      if (
        called !== 'read' ||
        args.length === 0 ||
        /^[\d\s*+()_-]+$/.test(args[0]!) ||
        !imports.some(({ module }) => module === 'configparser')
      )
        continue;
    }
    if (
      before === '' &&
      ['copy', 'input', 'read', 'stat', 'parse', 'connect', 'move'].includes(called!) &&
      !imports.some(({ names }) => names?.some(([taken]) => taken === called))
    )
      continue;
    const asked = method ? before : (args[0] ?? '""');
    // A method of a path may take a pattern, which is a text of the source or not.
    const further = method && ['glob', 'rglob'].includes(called!) ? [args[0] ?? '""'] : [];
    for (const one of [asked, ...further])
      if (originOf(one, language) === 'unknown')
        look.doubt(`${name} reads files whose names only a run makes (${called}(${one.slice(0, 40)}))`);
  }
}

function languageOf({ variables }: PythonText, code: string): Language {
  const bindings = bindingsOf(code);
  const TASK = /\b(?:json\s*\.\s*)?loads?\s*\(\s*(?:sys\s*\.\s*)?stdin\b(?:[^()]|\([^()]*\))*\)/g;
  const arguments_ = new Set(
    [...bindings].filter(([, bound]) => bound.every((one) => one !== null && /\bparse_args\s*\(/.test(one))).map(([name]) => name),
  );
  const told = (expression: string): string => {
    let text = expression.replace(TASK, 'TASK');
    // Names that stand for the task, or a part of it, alone.
    for (let depth = 0; depth < 4; depth += 1) {
      text = text.replace(/(?<![\w.])[A-Za-z_]\w*\b(?!\s*\()/g, (word) => {
        const bound = bindings.get(word);
        const only = bound?.length === 1 && bound[0] !== null ? bound[0]!.replace(TASK, 'TASK') : undefined;
        return only !== undefined && isPartOfTask(only, bindings) ? only : word;
      });
    }
    const key = String.raw`\s*(?:\[\s*"NAME"\s*\]|\.\s*get\s*\(\s*"NAME"\s*\))`;
    const any = String.raw`\s*\[[^\[\]]*\]`;
    const of = (word: string): string => key.replaceAll('NAME', word);
    return (
      text
        .replace(new RegExp(`\\bTASK${of('inputs')}${any}${of('path')}`, 'g'), '0')
        .replace(new RegExp(`\\bTASK${of('outputs')}(?:${any})?`, 'g'), '0')
        .replace(new RegExp(`\\bTASK(?:${of('values')}|${of('scratch')})`, 'g'), '0')
        .replace(new RegExp(`\\bTASK${of('config')}(?:${any}|\\s*\\.\\s*get\\s*\\((?:[^()]|\\([^()]*\\))*\\))+`, 'g'), 'W')
        // A word is looked at in its parts, too.
        .replace(/(?:\bsys\s*\.\s*)?\bargv\b\s*(?:\[[^[\]]*\](?:\s*\.\s*split\s*\(\s*"[^"]*"\s*\)\s*\[[^[\]]*\])?)?/g, 'W')
        .replace(/(?<![\w.])([A-Za-z_]\w*)\s*\.\s*\w+/g, (whole, name: string) => (arguments_.has(name) ? 'W' : whole))
        .replace(/(?:\bos\s*\.\s*)?\benviron\b\s*\[\s*"(\w+)"\s*\]/g, (whole, name: string) => (variables.has(name) ? 'W' : whole))
    );
  };
  return { bindings, told, pure: PURE, wrappers: /^(?:pathlib\s*\.\s*)?(?:Path|str|PurePath|os\.fspath)\s*\(([\s\S]*)\)$/ };
}

function isPartOfTask(expression: string, bindings: ReadonlyMap<string, readonly (string | null)[]>): boolean {
  const match = /^([A-Za-z_]\w*)(?:\s*\[[^[\]]*\]|\s*\.\s*get\s*\(\s*"\w*"\s*\))*$/.exec(expression.trim());
  if (match === null) return false;
  return match[1] === 'TASK' || bindings.has(match[1]!);
}

/** Python's names with all that is assigned to them, wherever in the text. */
function bindingsOf(code: string): Map<string, (string | null)[]> {
  const found = new Map<string, (string | null)[]>();
  const bind = (target: string, value: string | null): void => {
    const several = target.includes(',');
    const pairs = several && value !== null ? pairwise(target, value) : undefined;
    if (pairs !== undefined) return pairs.forEach(([name, part]) => bind(name, part));
    for (const part of target.split(',')) {
      const name = /^[\s(*[]*([A-Za-z_]\w*)[\s)\]]*$/.exec(part)?.[1];
      if (name !== undefined) found.set(name, [...(found.get(name) ?? []), several && value !== null ? `(${value})` : value]);
    }
  };
  for (const [, target, value] of code.matchAll(
    /\bfor\s+([\w\s,()*]+?)\s+in\s+((?:[^\n()[\]{}:]|\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)|\[(?:[^[\]]|\[[^[\]]*\])*\])+)/g,
  ))
    bind(target!, value!.replace(/\b(?:if|for|else)\b[\s\S]*$/, ''));
  for (const [, parameters] of code.matchAll(/\bdef\s+\w+\s*\(((?:[^()]|\((?:[^()]|\([^()]*\))*\))*)\)/g))
    for (const parameter of argumentsAt(`${parameters!})`, 0)) bind(parameter.replace(/[:=][\s\S]*$/, ''), null);
  for (const [, parameters] of code.matchAll(/\blambda\b([^:]*):/g))
    for (const parameter of parameters!.split(',')) bind(parameter.replace(/=[\s\S]*$/, ''), null);
  for (const [, name] of code.matchAll(/\bexcept\b[^:\n]*\bas\s+(\w+)/g)) bind(name!, null);
  for (const [, name, value] of code.matchAll(/\(\s*([A-Za-z_]\w*)\s*:=([^()]*(?:\([^()]*\)[^()]*)*)\)/g)) bind(name!, value!);
  for (const statement of statementsOf(code, '\n;')) {
    const head = /^(?:async\s+)?(def|class|if|elif|else|for|while|with|try|except|finally)\b/.exec(statement);
    if (head?.[1] === 'with')
      for (const [, value, name] of statement.matchAll(
        /(?:\bwith\s+|,\s*)((?:[^,()]|\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\))+?)\s+as\s+(\w+)/g,
      ))
        bind(name!, value!);
    const colon = head === null ? -1 : outerIndex(statement, /^:/);
    for (const simple of head === null ? [statement] : colon === -1 ? [] : statementsOf(statement.slice(colon + 1), ';'))
      assign(simple, bind);
  }
  return found;
}

/** `a, b = x, y` binds part by part where both sides have as many, and none stands for several. */
function pairwise(target: string, value: string): (readonly [string, string])[] | undefined {
  const sides = [target, value].map((side) => argumentsAt(`${side.trim().replace(/^\(([^()]*)\)$/, '$1')})`, 0));
  const [names, parts] = sides as [string[], string[]];
  if (names.length < 2 || names.length !== parts.length || [...names, ...parts].some((part) => part.startsWith('*'))) return undefined;
  return names.map((name, index) => [name, parts[index]!] as const);
}

function assign(statement: string, bind: (target: string, value: string | null) => void): void {
  const at = outerIndex(statement, /^(?:[+|/*%-]|\/\/)?=(?!=)/);
  if (at <= 0 || /[=!<>]/.test(statement[at - 1]!)) return;
  const target = statement.slice(0, at).replace(/:[\s\S]*$/, '');
  const value = statement.slice(at).replace(/^[^=]*=/, '');
  bind(target, value);
  assign(value.trim(), bind);
  // `a = b = value`: the last value is everybody's.
  const inner = outerIndex(value, /^=(?!=)/);
  if (inner > 0 && !/[=!<>]/.test(value[inner - 1]!)) bind(target, value.slice(inner + 1));
}

/** What a source imports, with the names that it goes by. */
export function pythonImports(code: string): PythonImport[] {
  const imports: PythonImport[] = [];
  const pairsOf = (list: string): (readonly [string, string])[] =>
    list
      .replace(/[()]/g, '')
      .split(',')
      .map((one) => one.trim().split(/\s+as\s+/))
      .filter(([name]) => name !== '')
      .map(([name, alias]) => [name!.trim(), (alias ?? name!).trim()] as const);
  for (const statement of statementsOf(code.replace(/\\\r?\n/g, ' '), '\n;:')) {
    const from = /^from\s+([\w.]+)\s+import\s+([\s\S]+)$/.exec(statement);
    if (from !== null) imports.push({ module: from[1]!.startsWith('.') ? '' : from[1]!, alias: '', names: pairsOf(from[2]!) });
    const plain = /^import\s+([\s\S]+)$/.exec(statement);
    for (const [module, alias] of plain === null ? [] : pairsOf(plain[1]!)) {
      imports.push({ module, alias: alias === module ? module.split('.')[0]! : alias });
    }
  }
  return imports;
}

function withoutImports(code: string): string {
  return code
    .replace(/^[ \t]*from\s+[\w.]+\s+import\s+(?:\([^)]*\)|[^\n;]*)/gm, '')
    .replace(/(^|;)[ \t]*import\s+[\w., \t]+(?=\n|;|$)/gm, '$1');
}
