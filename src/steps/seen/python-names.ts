import { childrenOf, isNode, listOf, nodesOf } from './python-tree.ts';
import type { PythonNode } from './python-tree.ts';

/** What a name is bound to: an expression, an element of one, a part of an element, or what only a run knows. */
export interface Bound {
  readonly from: PythonNode | undefined;
  readonly element?: boolean;
  /** Places in what is taken apart. */
  readonly places?: readonly number[];
}

export interface Names {
  readonly bound: ReadonlyMap<string, readonly Bound[]>;
  /** Alias → module, of modules that do not lie beside the program. */
  readonly modules: ReadonlyMap<string, string>;
  /** Alias → dotted name of what was taken of a module. */
  readonly taken: ReadonlyMap<string, string>;
  readonly functions: ReadonlySet<string>;
  readonly parents: ReadonlyMap<PythonNode, PythonNode>;
  /** Whether names come from a module of its own by "*". */
  readonly starred: boolean;
}

/** Uses of a list under which it stays what it is. */
const READS = new Set([
  'len',
  'sorted',
  'list',
  'tuple',
  'set',
  'enumerate',
  'zip',
  'print',
  'sum',
  'reversed',
  'str',
  'iter',
  'min',
  'max',
]);
const READING_METHODS = new Set(['items', 'keys', 'values', 'get', 'index', 'count', 'join']);
const MUTABLE = new Set(['List', 'Dict', 'Set', 'ListComp', 'DictComp', 'SetComp', 'Call']);

export function namesOf(tree: PythonNode, own: ReadonlySet<string>): Names {
  const bound = new Map<string, Bound[]>();
  const modules = new Map<string, string>();
  const taken = new Map<string, string>();
  const functions = new Set<string>();
  const parents = new Map<PythonNode, PythonNode>();
  let starred = false;
  const add = (name: unknown, one: Bound): void => {
    if (typeof name === 'string') bound.set(name, [...(bound.get(name) ?? []), one]);
  };
  const target = (node: unknown, one: Bound): void => {
    if (!isNode(node)) return;
    if (node.type === 'Name') add(node.id, one);
    else if (node.type === 'Starred') target(node.value, { from: undefined });
    else if (node.type === 'Tuple' || node.type === 'List') {
      const parts = listOf(node.elts);
      const star = parts.some((part) => part.type === 'Starred');
      parts.forEach((part, at) => target(part, star ? { from: undefined } : { ...one, places: [...(one.places ?? []), at] }));
    } else if (node.type === 'Subscript' || node.type === 'Attribute') {
      // What is put into a list or an object makes it another one.
      const root = rootOf(node);
      if (root !== undefined) add(root, { from: undefined });
    }
  };
  for (const node of nodesOf(tree)) {
    for (const child of childrenOf(node)) parents.set(child, node);
    const value = isNode(node.value) ? node.value : undefined;
    if (node.type === 'Assign') for (const one of listOf(node.targets)) target(one, { from: value });
    else if (node.type === 'AnnAssign' && value !== undefined) target(node.target, { from: value });
    else if (node.type === 'NamedExpr') target(node.target, { from: value });
    else if (node.type === 'AugAssign') target(node.target, { from: undefined });
    else if (node.type === 'For' || node.type === 'AsyncFor' || node.type === 'comprehension')
      target(node.target, { from: node.iter as PythonNode, element: true });
    else if (node.type === 'withitem') target(node.optional_vars, { from: node.context_expr as PythonNode });
    else if (node.type === 'arg') add(node.arg, { from: undefined });
    else if (node.type === 'FunctionDef' || node.type === 'AsyncFunctionDef' || node.type === 'ClassDef') {
      add(node.name, { from: undefined });
      functions.add(node.name as string);
    } else if (['ExceptHandler', 'MatchAs', 'MatchStar', 'TypeVar'].includes(node.type)) add(node.name, { from: undefined });
    else if (node.type === 'MatchMapping') add(node.rest, { from: undefined });
    else if (node.type === 'Import')
      for (const one of listOf(node.names)) {
        const module = one.name as string;
        const alias = (one.asname as string | null) ?? module.split('.')[0]!;
        if (own.has(module.split('.')[0]!)) add(alias, { from: undefined });
        else modules.set(alias, one.asname === null ? module.split('.')[0]! : module);
      }
    else if (node.type === 'ImportFrom')
      for (const one of listOf(node.names)) {
        const alias = (one.asname as string | null) ?? (one.name as string);
        const module = node.module as string | null;
        const isOwn = (node.level as number) > 0 || module === null || own.has(module.split('.')[0]!);
        if (one.name === '*') starred ||= isOwn;
        else if (isOwn) add(alias, { from: undefined });
        else taken.set(alias, `${module}.${one.name as string}`);
      }
  }
  for (const node of nodesOf(tree)) {
    if (node.type !== 'Name' || node.store === true || !(bound.get(node.id as string) ?? []).some(isMutable)) continue;
    if (!isOnlyRead(node, parents)) add(node.id, { from: undefined });
  }
  return { bound, modules, taken, functions, parents, starred };
}

function isMutable({ from, element }: Bound): boolean {
  return (
    from !== undefined &&
    element !== true &&
    MUTABLE.has(from.type) &&
    (from.type !== 'Call' || calledName(from) === 'list' || calledName(from) === 'dict')
  );
}

function calledName(call: PythonNode): unknown {
  return isNode(call.func) && call.func.type === 'Name' ? call.func.id : undefined;
}

function isOnlyRead(node: PythonNode, parents: ReadonlyMap<PythonNode, PythonNode>): boolean {
  const parent = parents.get(node);
  if (parent === undefined) return false;
  if (parent.type === 'Compare' || parent.type === 'FormattedValue') return true;
  if (['For', 'AsyncFor', 'comprehension'].includes(parent.type)) return parent.iter === node;
  if (parent.type === 'Subscript') return parent.store !== true && parent.value === node;
  if (parent.type === 'Attribute') return READING_METHODS.has(parent.attr as string);
  return parent.type === 'Call' && READS.has(calledName(parent) as string);
}

/** The name that a chain of members begins with. */
export function rootOf(node: PythonNode): string | undefined {
  let at: unknown = node;
  while (isNode(at) && (at.type === 'Attribute' || at.type === 'Subscript')) at = at.value;
  return isNode(at) && at.type === 'Name' ? (at.id as string) : undefined;
}

/** The dotted name of a member of a module, or of a name of the language; undefined for all else. */
export function dottedName(node: unknown, names: Names): string | undefined {
  if (!isNode(node)) return undefined;
  if (node.type === 'Attribute') {
    const front = dottedName(node.value, names);
    return front === undefined ? undefined : `${front}.${node.attr as string}`;
  }
  if (node.type !== 'Name') return undefined;
  const name = node.id as string;
  if (names.bound.has(name)) return undefined;
  return names.modules.get(name) ?? names.taken.get(name) ?? name;
}
