import type { Look } from './look.ts';
import { ATTRIBUTES, BUILTINS, MODULES, doubtOf, isDoubted } from './python-allowed.ts';
import { dottedName, namesOf, rootOf } from './python-names.ts';
import type { Names } from './python-names.ts';
import { lookForPaths } from './python-paths.ts';
import { isNode, listOf, nodesOf, textOf } from './python-tree.ts';
import type { PythonNode } from './python-tree.ts';

export interface PythonText {
  readonly name: string;
  /** The source; for text of a command line a name in its folder. */
  readonly file: string;
  readonly tree: PythonNode;
  /** Modules that lie beside the program. */
  readonly own: ReadonlySet<string>;
  /** Names that some source of the program gives to members of its own. */
  readonly members: ReadonlySet<string>;
  /** Variables whose values count. */
  readonly variables: ReadonlySet<string>;
}

/** What of a source cannot be proven to be the same in the next run: all that is not known for certain. */
export function proveSame(source: PythonText, look: Look): void {
  const names = namesOf(source.tree, source.own);
  const doubt = (text: string): void => look.doubt(`${source.name} ${text}`);
  for (const node of nodesOf(source.tree)) {
    if (node.type === 'Import' || node.type === 'ImportFrom') proveImport(node, source.own, doubt);
    else if (node.type === 'Name' && node.store !== true) proveName(node, names, doubt);
    else if (node.type === 'Attribute') proveMember(node, source, names, doubt);
    else if (node.type === 'Call') proveCall(node, source, names, doubt);
    else if (node.type === 'ClassDef') proveClass(node, doubt);
    else if (node.type === 'FormattedValue' && isPlace(node.value, names)) doubt('writes where something lies in memory');
  }
  proveEnvironment(source, names, doubt);
  proveChance(source, names, doubt);
  lookForPaths({ names, file: source.file, variables: source.variables }, source.tree, source.name, look);
}

type Doubt = (text: string) => void;

function proveImport(node: PythonNode, own: ReadonlySet<string>, doubt: Doubt): void {
  for (const one of listOf(node.names)) {
    const from = node.type === 'ImportFrom';
    if (from && ((node.level as number) > 0 || node.module === null)) continue;
    const module = (from ? node.module : one.name) as string;
    const top = module.split('.')[0]!;
    if (own.has(top)) continue;
    if (!MODULES.has(module)) {
      const why = doubtOf(module);
      if (why.startsWith('uses ') && !MODULES.has(top)) doubt(`uses the package ${top}, whose version and files cannot be seen`);
      else doubt(why);
      continue;
    }
    if (!from) continue;
    const member = one.name as string;
    if (member === '*') doubt('takes every name of a module');
    else if (!isAllowed(`${module}.${member}`)) doubt(doubtOf(`${module}.${member}`));
  }
}

/** Whether a dotted name is a member of a module that may be used. */
function isAllowed(dotted: string): boolean {
  const parts = dotted.split('.');
  for (let length = parts.length - 1; length > 0; length -= 1) {
    const module = parts.slice(0, length).join('.');
    if (!MODULES.has(module)) continue;
    const allowed = MODULES.get(module);
    return allowed === undefined || allowed.has(parts[length]!);
  }
  return false;
}

function proveName(node: PythonNode, names: Names, doubt: Doubt): void {
  const name = node.id as string;
  const parent = names.parents.get(node);
  const called = parent?.type === 'Call' && parent.func === node;
  if (names.bound.has(name) && names.modules.get(name) === undefined && names.taken.get(name) === undefined) {
    if (name === 'open' || name === '__file__') doubt(`gives the name ${name} another meaning`);
    return;
  }
  if (names.modules.has(name)) {
    if (parent?.type !== 'Attribute') doubt('runs code or reaches names that are made at run time');
    return;
  }
  const taken = names.taken.get(name);
  if (taken !== undefined) {
    if (isDoubted(taken.split('.').at(-1)!)) doubt(doubtOf(taken));
    // A function that opens files is seen where it is called, not where it is handed on.
    if (
      !called &&
      parent?.type !== 'Attribute' &&
      /(?:^|\.)(?:open|glob|iglob|listdir|walk|scandir|copy\w*|move|ZipFile|parse|iterparse)$/.test(taken)
    )
      doubt('runs code or reaches names that are made at run time');
    return;
  }
  if (!BUILTINS.has(name)) {
    if (!names.starred || !doubtOf(name).startsWith('uses ')) doubt(doubtOf(name));
  } else if ((name === 'open' || name === 'getattr' || name === 'setattr') && !called)
    doubt('runs code or reaches names that are made at run time');
}

function proveMember(node: PythonNode, { members }: PythonText, names: Names, doubt: Doubt): void {
  const member = node.attr as string;
  const dotted = dottedName(node, names);
  const root = rootOf(node);
  if (dotted !== undefined && root !== undefined && names.modules.has(root)) {
    if (MODULES.has(dotted)) return;
    const front = dottedName(node.value, names)!;
    if (MODULES.has(front)) {
      if (!isAllowed(dotted)) doubt(doubtOf(dotted));
      const parent = names.parents.get(node);
      const called = parent?.type === 'Call' && parent.func === node;
      if (
        !called &&
        parent?.type !== 'Attribute' &&
        /\.(?:open|glob|iglob|listdir|walk|scandir|copy\w*|move|ZipFile|parse|iterparse)$/.test(dotted)
      )
        doubt('runs code or reaches names that are made at run time');
      return;
    }
  }
  if (isDoubted(member)) doubt(doubtOf(member));
  else if (!ATTRIBUTES.has(member) && !members.has(member)) doubt(doubtOf(`.${member}`).replace('uses .', 'uses a member '));
  else if (member.startsWith('__') && !ATTRIBUTES.has(member)) doubt('runs code or reaches names that are made at run time');
}

function proveCall(node: PythonNode, { members }: PythonText, names: Names, doubt: Doubt): void {
  const dotted = dottedName(node.func, names);
  const args = listOf(node.args);
  if (dotted === 'getattr' || dotted === 'setattr' || dotted === 'hasattr') {
    const member = textOf(args[1]);
    if (member === undefined || isDoubted(member) || (!ATTRIBUTES.has(member) && !members.has(member)))
      doubt('runs code or reaches names that are made at run time');
  }
  if (dotted === 'type' && args.length > 1) doubt('runs code or reaches names that are made at run time');
  if (dotted !== undefined && ['print', 'str', 'repr', 'format', 'ascii'].includes(dotted) && args.some((one) => isPlace(one, names)))
    doubt('writes where something lies in memory');
  const keywords = listOf(node.keywords);
  if (keywords.some(({ arg }) => arg === 'fromfile_prefix_chars')) doubt('reads files whose names a file holds');
  if (dotted === 'logging.basicConfig' || dotted === 'logging.Formatter')
    for (const { value } of keywords) if (/asctime|created|msecs|process|thread/i.test(textOf(value) ?? '')) doubt('asks the clock');
}

/** Objects that are written with their place in memory. */
function isPlace(node: unknown, names: Names): boolean {
  if (!isNode(node)) return false;
  if (node.type === 'Lambda' || node.type === 'GeneratorExp') return true;
  if (node.type === 'Name') return names.functions.has(node.id as string);
  return node.type === 'Call' && ['map', 'filter', 'zip', 'iter', 'reversed', 'enumerate'].includes(dottedName(node.func, names) ?? '');
}

const SHOWN =
  /Error$|Exception$|Warning$|^(?:NamedTuple|Enum|IntEnum|StrEnum|Flag|TypedDict|Protocol|ABC|str|int|float|dict|list|tuple|set|bytes|Counter|OrderedDict|defaultdict)$/;

function proveClass(node: PythonNode, doubt: Doubt): void {
  const last = (one: PythonNode): string =>
    String(one.type === 'Attribute' ? one.attr : one.type === 'Call' && isNode(one.func) ? last(one.func) : one.id);
  const shows = listOf(node.body).some(({ name }) => name === '__repr__' || name === '__str__');
  if (
    shows ||
    listOf(node.bases).some((base) => SHOWN.test(last(base))) ||
    listOf(node.decorator_list).some((one) => last(one) === 'dataclass')
  )
    return;
  doubt(`has objects of ${node.name as string}, which are written with their place in memory unless it has __repr__`);
}

function proveEnvironment({ tree, variables }: PythonText, names: Names, doubt: Doubt): void {
  for (const node of nodesOf(tree)) {
    const dotted = node.type === 'Name' || node.type === 'Attribute' ? dottedName(node, names) : undefined;
    if (dotted !== 'os.environ' && dotted !== 'os.getenv') continue;
    if (node.type === 'Name' && node.store === true) continue;
    const parent = names.parents.get(node);
    const call = parent?.type === 'Attribute' ? names.parents.get(parent) : parent;
    const asked =
      parent?.type === 'Subscript'
        ? textOf(parent.slice)
        : call?.type === 'Call' && (dotted === 'os.getenv' || ['get', 'setdefault', 'pop'].includes(parent?.attr as string))
          ? textOf(listOf(call.args)[0])
          : call?.type === 'Compare'
            ? textOf(call.left)
            : undefined;
    if (parent?.type === 'Subscript' && parent.store === true && !/^(?:PYTHON|LD_|PATH$)/.test(asked ?? 'PATH')) continue;
    if (asked === undefined || !variables.has(asked)) doubt(`reads its environment, of which ${asked ?? 'anything'} may decide the result`);
  }
}

/** Chance that begins with a number of the source gives the same in every run; what is drawn before it, or elsewhere, does not. */
function proveChance({ tree }: PythonText, names: Names, doubt: Doubt): void {
  const isCertain = (node: unknown): boolean =>
    isNode(node) &&
    ((node.type === 'Constant' && ['int', 'float', 'str'].includes(node.kind as string)) ||
      (node.type === 'BinOp' && isCertain(node.left) && isCertain(node.right)) ||
      (node.type === 'Name' &&
        (names.bound.get(node.id as string) ?? []).length > 0 &&
        names.bound
          .get(node.id as string)!
          .every(({ from, element, places }) => element !== true && places === undefined && isCertain(from))) ||
      (node.type === 'Call' && ['int', 'float'].includes(dottedName(node.func, names) ?? '')));
  const scopeOf = (node: PythonNode): { scope: PythonNode | undefined; certain: boolean } => {
    let certain = true;
    for (let at = names.parents.get(node); at !== undefined; at = names.parents.get(at)) {
      if (['FunctionDef', 'AsyncFunctionDef', 'Lambda', 'Module'].includes(at.type)) return { scope: at, certain };
      if (!['Expr', 'With'].includes(at.type)) certain = false;
    }
    return { scope: undefined, certain };
  };
  const seeds: { scope: PythonNode | undefined; line: number }[] = [];
  const draws: PythonNode[] = [];
  for (const node of nodesOf(tree)) {
    if (node.type !== 'Call') continue;
    const dotted = dottedName(node.func, names);
    if (dotted === 'random.seed' && isCertain(listOf(node.args)[0])) {
      const { scope, certain } = scopeOf(node);
      if (certain) seeds.push({ scope, line: node.line! });
    } else if (dotted === 'random.Random') {
      if (!isCertain(listOf(node.args)[0])) doubt('draws by chance');
    } else if (isNode(node.func) && node.func.type === 'Attribute' && node.func.attr === 'seed' && dotted === undefined) {
      if (!isCertain(listOf(node.args)[0])) doubt('draws by chance');
    } else if (dotted?.startsWith('random.') === true) draws.push(node);
  }
  const scopesAround = (node: PythonNode): PythonNode[] => {
    const scopes: PythonNode[] = [];
    for (let at = names.parents.get(node); at !== undefined; at = names.parents.get(at)) scopes.push(at);
    return scopes;
  };
  for (const draw of draws) {
    const around = scopesAround(draw);
    if (!seeds.some(({ scope, line }) => scope !== undefined && around.includes(scope) && line <= draw.line!)) doubt('draws by chance');
  }
  // Handed on as a value it is drawn elsewhere.
  for (const node of nodesOf(tree)) {
    const dotted = node.type === 'Name' || node.type === 'Attribute' ? dottedName(node, names) : undefined;
    const parent = names.parents.get(node);
    if (
      dotted?.startsWith('random.') === true &&
      dotted.split('.').length === 2 &&
      parent?.type !== 'Attribute' &&
      !(parent?.type === 'Call' && parent.func === node)
    )
      doubt('draws by chance');
  }
}
