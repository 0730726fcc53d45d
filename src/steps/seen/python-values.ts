import { dirname, basename } from 'node:path';
import { dottedName } from './python-names.ts';
import type { Bound, Names } from './python-names.ts';
import { isNode, listOf, textOf } from './python-tree.ts';
import type { PythonNode } from './python-tree.ts';

/**
 * What an expression may be, as far as it is certain. Only what is evaluated here exactly as Python does is known; every other operator,
 * method or function makes a name that only a run knows.
 */
export type Value =
  /** One of these; `*` stands for what a folder holds. */
  | { readonly kind: 'texts'; readonly texts: readonly string[] }
  /** A path that the program is told, or one below it. */
  | { readonly kind: 'told' }
  /** A word of the configuration or the command line, known as long as it stands alone. */
  | { readonly kind: 'given' }
  /** A part of what is told on standard input. */
  | { readonly kind: 'task'; readonly path: readonly string[] }
  | { readonly kind: 'list'; readonly of: Value }
  /** By the values of its members. */
  | { readonly kind: 'dict'; readonly of: Value }
  | { readonly kind: 'tuple'; readonly items: readonly Value[] }
  | { readonly kind: 'unknown'; readonly above?: boolean };

const UNKNOWN: Value = { kind: 'unknown' };
const TOLD: Value = { kind: 'told' };
/** More names than this are a folder. */
const TEXTS_MAX = 300;

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

function elementOf(value: Value): Value {
  if (value.kind === 'list') return value.of;
  if (value.kind === 'tuple') return union(value.items);
  if (value.kind === 'given') return value;
  return UNKNOWN;
}

function union(values: readonly Value[]): Value {
  if (values.length === 0) return UNKNOWN;
  const unknown = values.find((value) => value.kind === 'unknown');
  if (unknown !== undefined) return unknown;
  const [first] = values;
  if (values.every((value) => value.kind === 'texts')) {
    const texts = [...new Set(values.flatMap((value) => (value.kind === 'texts' ? value.texts : [])))];
    return texts.length > TEXTS_MAX ? UNKNOWN : { kind: 'texts', texts };
  }
  if (
    values.every((value) => value.kind === 'tuple') &&
    new Set(values.map((value) => value.kind === 'tuple' && value.items.length)).size === 1
  ) {
    const tuples = values.map((value) => (value.kind === 'tuple' ? value.items : []));
    return { kind: 'tuple', items: tuples[0]!.map((_, at) => union(tuples.map((items) => items[at]!))) };
  }
  if (values.length === 1) return first!;
  return values.every((value) => value.kind === first!.kind && (value.kind === 'told' || value.kind === 'given')) ? first! : UNKNOWN;
}

/** A text behind another, or a path below another. */
function joined(left: Value, right: Value, between: '' | '/'): Value {
  if (left.kind === 'unknown') return left;
  if (right.kind === 'unknown') return right;
  // Nothing in front of it leaves a path what it is.
  if (left.kind === 'texts' && left.texts.every((text) => text === '')) return right;
  if (left.kind === 'told') {
    if (right.kind !== 'texts' || right.texts.some((text) => text.includes('..'))) return UNKNOWN;
    const absolute = right.texts.filter((text) => between === '/' && text.startsWith('/'));
    return absolute.length === 0 ? TOLD : UNKNOWN;
  }
  if (left.kind !== 'texts' || right.kind !== 'texts' || left.texts.length * right.texts.length > TEXTS_MAX) return UNKNOWN;
  const below = (front: string, back: string): string =>
    between === '' ? front + back : back.startsWith('/') || front === '' ? back : `${front.replace(/\/$/, '')}/${back}`;
  return { kind: 'texts', texts: left.texts.flatMap((front) => right.texts.map((back) => below(front, back))) };
}

function parentOf(value: Value, given: Evaluation): Value {
  if (value.kind !== 'texts') return value.kind === 'told' ? UNKNOWN : value;
  const folder = dirname(given.file);
  const parents = value.texts.map((text) => dirname(text));
  // Above the folder of a source lies what nobody counts.
  if (parents.some((parent) => folder.startsWith(`${parent}/`) || parent === '/')) return { kind: 'unknown', above: true };
  return { kind: 'texts', texts: parents };
}

function ofAttribute(node: PythonNode, given: Evaluation, again: (one: unknown) => Value): Value {
  const dotted = dottedName(node, given.names);
  if (dotted === 'sys.argv') return { kind: 'given' };
  if (dotted === 'os.sep' || dotted === 'os.path.sep') return { kind: 'texts', texts: ['/'] };
  if (dotted === 'os.curdir') return { kind: 'texts', texts: ['.'] };
  if (dotted === 'os.pardir') return { kind: 'unknown', above: true };
  const value = again(node.value);
  if (node.attr === 'parent') return parentOf(value, given);
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

function partOfTask(path: readonly string[]): Value {
  const [part, , member] = path;
  if (part === 'inputs' && member === 'path') return TOLD;
  if (part === 'outputs' && path.length === 2) return TOLD;
  if (part === 'values' || part === 'scratch') return TOLD;
  if (part === 'config' && path.length > 1) return { kind: 'given' };
  return { kind: 'task', path };
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
    if (dotted === 'os.path.dirname' && args.length === 1) return parentOf(again(args[0]), given);
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

/** Patterns of names: what stands in brackets is any character. */
function patterns(value: Value): Value {
  if (value.kind !== 'texts' || value.texts.some((text) => text.split('/').includes('..')))
    return value.kind === 'texts' ? { kind: 'unknown', above: true } : value;
  return { kind: 'texts', texts: value.texts.map((text) => text.replace(/\[[^\]]+\]/g, '?')) };
}
