import { basename } from 'node:path';
import { dottedName } from './python-names.ts';
import type { Bound, Names } from './python-names.ts';
import { isNode, listOf, textOf } from './python-tree.ts';
import type { PythonNode } from './python-tree.ts';
import { TOLD, UNKNOWN, elementOf, joined, parentOf, partOfTask, patterns, union } from './values.ts';
import type { Value } from './values.ts';

const SAME = new Set(['pathlib.Path', 'pathlib.PurePath', 'pathlib.PosixPath', 'pathlib.PurePosixPath', 'os.path.join']);
const IDENTITY = new Set(['str', 'os.fspath', 'os.path.abspath', 'os.path.normpath', 'os.path.realpath']);
const COLLECTIONS = new Set(['sorted', 'list', 'tuple', 'set', 'reversed', 'iter']);
const HANDLES = new Set(['zipfile.ZipFile', 'tarfile.open']);

export interface Evaluation {
  readonly names: Names;
  /** The source itself. */
  readonly file: string;
  readonly variables: ReadonlySet<string>;
}

export function valueOf(node: unknown, given: Evaluation, seen: ReadonlySet<string> = new Set()): Value {
  if (!isNode(node)) return UNKNOWN;
  const again = (one: unknown): Value => valueOf(one, given, seen);
  switch (node.type) {
    case 'Constant':
      return node.kind === 'str' ? { kind: 'texts', texts: [node.value as string] } : UNKNOWN;
    case 'JoinedStr':
      return listOf(node.values)
        .map((part) =>
          part.type === 'FormattedValue'
            ? part.conversion === -1 && part.format_spec === null
              ? again(part.value)
              : UNKNOWN
            : again(part),
        )
        .reduce<Value>((left, right) => joined(left, right, ''), { kind: 'texts', texts: [''] });
    case 'Name':
      return ofName(node.id as string, given, seen);
    case 'BinOp': {
      const operator = (node.op as PythonNode).type;
      if (operator === 'Add') return joined(again(node.left), again(node.right), '');
      return operator === 'Div' ? joined(again(node.left), again(node.right), '/') : UNKNOWN;
    }
    case 'IfExp':
      return union([again(node.body), again(node.orelse)]);
    case 'BoolOp':
      return union(listOf(node.values).map(again));
    case 'NamedExpr':
      return again(node.value);
    case 'List':
    case 'Set':
      return { kind: 'list', of: union(listOf(node.elts).map(again)) };
    case 'Tuple':
      return { kind: 'tuple', items: listOf(node.elts).map(again) };
    case 'Dict':
      return { kind: 'dict', of: union(listOf(node.values).map(again)) };
    case 'ListComp':
    case 'GeneratorExp':
    case 'SetComp':
      return { kind: 'list', of: again(node.elt) };
    case 'Attribute':
      return ofAttribute(node, given, again);
    case 'Subscript':
      return ofSubscript(node, given, again);
    case 'Call':
      return ofCall(node, given, again);
    default:
      return UNKNOWN;
  }
}

function ofName(name: string, given: Evaluation, seen: ReadonlySet<string>): Value {
  if (name === '__file__' && !given.names.bound.has(name)) return { kind: 'texts', texts: [given.file] };
  const bound = given.names.bound.get(name);
  if (bound === undefined || seen.has(name)) return UNKNOWN;
  return union(bound.map((one) => ofBound(one, given, new Set([...seen, name]))));
}

function ofBound({ from, element, places }: Bound, given: Evaluation, seen: ReadonlySet<string>): Value {
  if (from === undefined) return UNKNOWN;
  let value = valueOf(from, given, seen);
  if (element === true) value = elementOf(value);
  for (const place of places ?? [])
    value = value.kind === 'tuple' ? (value.items[place] ?? UNKNOWN) : value.kind === 'given' ? value : UNKNOWN;
  return value;
}

function ofAttribute(node: PythonNode, given: Evaluation, again: (one: unknown) => Value): Value {
  const dotted = dottedName(node, given.names);
  if (dotted === 'sys.argv') return { kind: 'given' };
  if (dotted === 'os.sep' || dotted === 'os.path.sep') return { kind: 'texts', texts: ['/'] };
  if (dotted === 'os.curdir') return { kind: 'texts', texts: ['.'] };
  if (dotted === 'os.pardir') return { kind: 'unknown', above: true };
  const value = again(node.value);
  if (node.attr === 'parent') return parentOf(value, given.file);
  if (node.attr === 'parents') return value.kind === 'texts' ? { kind: 'unknown', above: true } : UNKNOWN;
  if (node.attr === 'name' && value.kind === 'texts') return { kind: 'texts', texts: value.texts.map((text) => basename(text)) };
  // A member of what argparse made of the command line.
  return isArguments(node.value, given) ? { kind: 'given' } : UNKNOWN;
}

function isArguments(node: unknown, given: Evaluation): boolean {
  if (!isNode(node)) return false;
  if (node.type === 'Name') {
    const bound = given.names.bound.get(node.id as string);
    return (
      bound !== undefined &&
      bound.every(
        ({ from, element, places }) => element !== true && places === undefined && from?.type === 'Call' && isArguments(from, given),
      )
    );
  }
  return (
    node.type === 'Call' &&
    isNode(node.func) &&
    node.func.type === 'Attribute' &&
    node.func.attr === 'parse_args' &&
    listOf(node.args).length === 0
  );
}

function ofSubscript(node: PythonNode, given: Evaluation, again: (one: unknown) => Value): Value {
  if (dottedName(node.value, given.names) === 'os.environ')
    return given.variables.has(textOf(node.slice) ?? '') ? { kind: 'given' } : UNKNOWN;
  const value = again(node.value);
  if (value.kind === 'task') return partOfTask([...value.path, textOf(node.slice) ?? '*']);
  if (value.kind === 'unknown') return value;
  const slice = isNode(node.slice) ? node.slice : undefined;
  if (value.kind === 'given') return value;
  if (value.kind === 'dict') return value.of;
  if (value.kind === 'list') return slice?.type === 'Slice' ? value : value.of;
  if (value.kind === 'tuple') {
    const at = slice?.type === 'Constant' && slice.kind === 'int' ? Number(slice.value) : NaN;
    return value.items[at] ?? (slice?.type === 'Slice' ? value : union(value.items));
  }
  return UNKNOWN;
}

function ofCall(node: PythonNode, given: Evaluation, again: (one: unknown) => Value): Value {
  const args = listOf(node.args);
  const dotted = dottedName(node.func, given.names);
  if (args.some(({ type }) => type === 'Starred')) return UNKNOWN;
  if (dotted !== undefined) {
    if (SAME.has(dotted))
      return args
        .map(again)
        .reduce<Value>(
          (left, right) => joined(left, right, '/'),
          args.length === 0 ? { kind: 'texts', texts: ['.'] } : { kind: 'texts', texts: [''] },
        );
    if (IDENTITY.has(dotted) && args.length === 1) return again(args[0]);
    if (COLLECTIONS.has(dotted) && args.length === 1) {
      const value = again(args[0]);
      return value.kind === 'list' || value.kind === 'tuple' || value.kind === 'given' ? value : UNKNOWN;
    }
    if (HANDLES.has(dotted)) return TOLD;
    if (dotted === 'os.path.dirname' && args.length === 1) return parentOf(again(args[0]), given.file);
    if (dotted === 'os.path.basename' && args.length === 1) {
      const value = again(args[0]);
      return value.kind === 'texts' ? { kind: 'texts', texts: value.texts.map((text) => basename(text)) } : UNKNOWN;
    }
    if (dotted === 'os.getcwd' || dotted === 'pathlib.Path.cwd') return { kind: 'texts', texts: ['.'] };
    if (dotted === 'os.listdir') return { kind: 'list', of: { kind: 'texts', texts: ['*'] } };
    if (dotted === 'os.walk' && again(args[0]).kind === 'told')
      return {
        kind: 'list',
        of: {
          kind: 'tuple',
          items: [TOLD, { kind: 'list', of: { kind: 'texts', texts: ['*'] } }, { kind: 'list', of: { kind: 'texts', texts: ['*'] } }],
        },
      };
    if (dotted === 'glob.glob' || dotted === 'glob.iglob')
      return (node.keywords as unknown[]).length > 1 ? UNKNOWN : { kind: 'list', of: patterns(again(args[0])) };
    if ((dotted === 'os.environ.get' || dotted === 'os.getenv') && args.length === 1 && given.variables.has(textOf(args[0]) ?? ''))
      return { kind: 'given' };
    if (dotted === 'json.load' && dottedName(args[0], given.names) === 'sys.stdin') return { kind: 'task', path: [] };
    if (dotted === 'json.loads' && isNode(args[0]) && args[0].type === 'Call' && dottedName(args[0].func, given.names) === 'sys.stdin.read')
      return { kind: 'task', path: [] };
    if (dotted === 'enumerate' && args.length === 1) {
      const value = again(args[0]);
      return value.kind === 'list' ? { kind: 'list', of: { kind: 'tuple', items: [UNKNOWN, value.of] } } : UNKNOWN;
    }
  }
  const method = isNode(node.func) && node.func.type === 'Attribute' ? node.func : undefined;
  return method === undefined ? UNKNOWN : ofMethod(method.attr as string, again(method.value), args, again);
}

function ofMethod(method: string, value: Value, args: readonly PythonNode[], again: (one: unknown) => Value): Value {
  const first = args[0] === undefined ? UNKNOWN : again(args[0]);
  if (method === 'joinpath') return args.map(again).reduce<Value>((left, right) => joined(left, right, '/'), value);
  if (['resolve', 'absolute', 'as_posix'].includes(method))
    return value.kind === 'texts' || value.kind === 'told' || value.kind === 'given' ? value : UNKNOWN;
  if (method === 'iterdir') return { kind: 'list', of: joined(value, { kind: 'texts', texts: ['*'] }, '/') };
  if (method === 'glob') return { kind: 'list', of: joined(value, patterns(first), '/') };
  if (method === 'rglob') return { kind: 'list', of: joined(joined(value, { kind: 'texts', texts: ['**'] }, '/'), patterns(first), '/') };
  if (value.kind === 'task') {
    if (method === 'get' && args.length > 0) return args.length === 1 ? partOfTask([...value.path, textOf(args[0]) ?? '*']) : UNKNOWN;
    if (method === 'items') return { kind: 'list', of: { kind: 'tuple', items: [UNKNOWN, partOfTask([...value.path, '*'])] } };
    if (method === 'values') return { kind: 'list', of: partOfTask([...value.path, '*']) };
  }
  // The parts of a word are looked at like the word.
  if (value.kind === 'given')
    return method === 'split' && args.length === 1 ? value : method === 'get' && args.length === 1 ? value : UNKNOWN;
  if (method === 'values' && value.kind === 'dict') return { kind: 'list', of: value.of };
  if (method === 'items' && value.kind === 'dict') return { kind: 'list', of: { kind: 'tuple', items: [UNKNOWN, value.of] } };
  return UNKNOWN;
}
