import { basename, dirname } from 'node:path';
import type { Bound } from './javascript-held.ts';
import { dottedName } from './javascript-names.ts';
import type { Names } from './javascript-names.ts';
import { cookedOf, isNode, listOf, memberName, nodesOf, textOf } from './javascript-tree.ts';
import type { ScriptNode } from './javascript-tree.ts';
import { TOLD, UNKNOWN, elementOf, joined, parentOf, partOfTask, patterns, union } from './values.ts';
import type { Value } from './values.ts';

export interface Evaluation {
  readonly names: Names;
  /** The source itself. */
  readonly file: string;
  readonly variables: ReadonlySet<string>;
  /** Of a step of a document: the folder of the document, which its context names. */
  readonly documentDir?: string;
}

type Again = (one: unknown) => Value;

/** Bindings that lead from one to the next when standard input is looked for. */
const INPUT_DEPTH = 4;

/** Functions around a single path that leave it what it is. */
const IDENTITY = new Set(
  `String path.normalize path.posix.normalize url.fileURLToPath url.pathToFileURL fs.realpathSync fs.promises.realpath Object.freeze`.split(
    ' ',
  ),
);
const SAME_LIST = new Set(['sort', 'toSorted', 'reverse', 'toReversed', 'filter', 'slice', 'flat', 'values']);

export function valueOf(node: unknown, given: Evaluation, seen: ReadonlySet<string> = new Set()): Value {
  if (!isNode(node)) return UNKNOWN;
  const again: Again = (one) => valueOf(one, given, seen);
  switch (node.type) {
    case 'Literal':
      // A descriptor: 0 is standard input, all others come out of `open`, which is seen.
      return typeof node.value === 'string' ? texts(node.value) : typeof node.value === 'number' ? TOLD : UNKNOWN;
    case 'TemplateLiteral': {
      const [parts, between] = [listOf(node.quasis), listOf(node.expressions)];
      return parts
        .flatMap((part, at) => [texts(cookedOf(part)), ...(between[at] === undefined ? [] : [textual(again(between[at]), between[at])])])
        .reduce<Value>((left, right) => joined(left, right, ''), texts(''));
    }
    case 'Identifier':
      return ofName(node.name as string, given, seen);
    case 'BinaryExpression': {
      const [left, right] = [node.left, node.right] as ScriptNode[];
      return node.operator === '+' ? joined(textual(again(left), left!), textual(again(right), right!), '') : UNKNOWN;
    }
    case 'ConditionalExpression':
      return union([again(node.consequent), again(node.alternate)]);
    case 'LogicalExpression':
      return union([again(node.left), again(node.right)]);
    case 'AssignmentExpression':
      return node.operator === '=' ? again(node.right) : UNKNOWN;
    case 'AwaitExpression':
      return again(node.argument);
    case 'ChainExpression':
      return again(node.expression);
    case 'SequenceExpression':
      return again(listOf(node.expressions).at(-1));
    case 'ArrayExpression':
      return (node.elements as unknown[]).some((one) => !isNode(one) || one.type === 'SpreadElement')
        ? UNKNOWN
        : { kind: 'tuple', items: listOf(node.elements).map(again) };
    case 'ObjectExpression': {
      const properties = listOf(node.properties);
      const isPlain = properties.every(({ type, kind, method }) => type === 'Property' && kind === 'init' && method !== true);
      return isPlain ? { kind: 'dict', of: union(properties.map(({ value }) => again(value))) } : UNKNOWN;
    }
    case 'MemberExpression':
      return ofMember(node, given, again);
    case 'CallExpression':
      return ofCall(node, given, again);
    case 'NewExpression':
      return dottedName(node.callee, given.names) === 'URL' ? ofAddress(listOf(node.arguments), given, again) : UNKNOWN;
    default:
      return UNKNOWN;
  }
}

function texts(...found: readonly string[]): Value {
  return { kind: 'texts', texts: found };
}

/** In a text a number is no descriptor. */
function textual(value: Value, node: ScriptNode): Value {
  return node.type === 'Literal' && typeof node.value === 'number' ? texts(String(node.value)) : value;
}

function ofName(name: string, given: Evaluation, seen: ReadonlySet<string>): Value {
  const bound = given.names.bound.get(name);
  if (bound === undefined && name === '__filename') return texts(given.file);
  if (bound === undefined && name === '__dirname') return texts(dirname(given.file));
  if (bound === undefined || seen.has(name)) return UNKNOWN;
  return union(bound.map((one) => ofBound(one, given, new Set([...seen, name]))));
}

function ofBound({ from, element, path = [] }: Bound, given: Evaluation, seen: ReadonlySet<string>): Value {
  if (from === undefined) return UNKNOWN;
  let value = valueOf(from, given, seen);
  const dotted = dottedName(from, given.names);
  if (dotted === 'process.env' && path.length === 1) return given.variables.has(String(path[0])) ? { kind: 'given' } : UNKNOWN;
  if (element === true) value = elementOf(value);
  for (const part of path) value = partOf(value, part, given);
  return value;
}

function partOf(value: Value, part: string | number | undefined, given: Evaluation): Value {
  if (value.kind === 'task') return partOfTask([...value.path, part === undefined ? '*' : String(part)]);
  if (value.kind === 'unknown') return part === 'documentDir' && given.documentDir !== undefined ? texts(given.documentDir) : value;
  if (value.kind === 'given') return part === 'length' ? UNKNOWN : value;
  if (value.kind === 'dict') return value.of;
  if (value.kind === 'list') return typeof part === 'string' && !/^\d+$/.test(part) ? UNKNOWN : value.of;
  if (value.kind === 'tuple') {
    const at = part === undefined ? NaN : Number(part);
    return value.items[at] ?? (part === undefined ? union(value.items) : UNKNOWN);
  }
  // Members of an address; the name of what a folder holds.
  if (value.kind === 'texts' && part === 'name') return texts(...value.texts.map((text) => basename(text)));
  return part === 'pathname' || part === 'href' ? value : UNKNOWN;
}

function ofMember(node: ScriptNode, given: Evaluation, again: Again): Value {
  const dotted = dottedName(node, given.names);
  if (dotted === 'import.meta.url' || dotted === 'import.meta.filename') return texts(given.file);
  if (dotted === 'import.meta.dirname') return texts(dirname(given.file));
  if (dotted === 'process.argv') return { kind: 'given' };
  if (dotted === 'path.sep' || dotted === 'path.posix.sep') return texts('/');
  if (dotted === 'process.stdin' || dotted === 'process.stdin.fd') return TOLD;
  if (dottedName(node.object, given.names) === 'process.env')
    return given.variables.has(memberName(node) ?? '') ? { kind: 'given' } : UNKNOWN;
  const key =
    node.computed === true && isNode(node.property) && node.property.type === 'Literal' ? String(node.property.value) : memberName(node);
  return partOf(again(node.object), key, given);
}

function ofCall(node: ScriptNode, given: Evaluation, again: Again): Value {
  const args = listOf(node.arguments);
  const dotted = dottedName(node.callee, given.names);
  if (args.some(({ type }) => type === 'SpreadElement')) return UNKNOWN;
  if (dotted !== undefined) {
    if (/^path\.(?:posix\.)?(?:join|resolve)$/.test(dotted)) {
      const isJoin = dotted.endsWith('join');
      return args.map(again).reduce<Value>((left, right, at) => joined(left, isJoin && at > 0 ? inside(right) : right, '/'), texts(''));
    }
    if (IDENTITY.has(dotted) && args.length === 1) return again(args[0]);
    if (/^path\.(?:posix\.)?dirname$/.test(dotted)) return parentOf(again(args[0]), given.file);
    if (/^path\.(?:posix\.)?basename$/.test(dotted) && args.length === 1) return partOf(again(args[0]), 'name', given);
    if (dotted === 'process.cwd') return texts('.');
    if (/^fs\.(?:promises\.)?readdir(?:Sync)?$/.test(dotted)) return { kind: 'list', of: texts(args.length > 1 ? '**' : '*') };
    if (/^fs\.(?:promises\.)?glob(?:Sync)?$/.test(dotted))
      return { kind: 'list', of: args.length > 1 ? UNKNOWN : patterns(again(args[0])) };
    if (dotted === 'util.parseArgs') return { kind: 'dict', of: { kind: 'given' } };
    if (dotted === 'JSON.parse' && comesFromInput(args[0], given)) return { kind: 'task', path: [] };
    if (dotted === 'stream.consumers.json' && dottedName(args[0], given.names) === 'process.stdin') return { kind: 'task', path: [] };
    if (/^Object\.(?:entries|values)$/.test(dotted)) {
      const [value, isEntries] = [again(args[0]), dotted.endsWith('entries')];
      const of = value.kind === 'task' ? partOfTask([...value.path, '*']) : value.kind === 'dict' ? value.of : elementOf(value);
      return { kind: 'list', of: isEntries ? { kind: 'tuple', items: [UNKNOWN, of] } : of };
    }
    return UNKNOWN;
  }
  const method = isNode(node.callee) && node.callee.type === 'MemberExpression' ? node.callee : undefined;
  return method === undefined ? UNKNOWN : ofMethod(memberName(method), again(method.object), args, again);
}

function ofMethod(method: string | undefined, value: Value, args: readonly ScriptNode[], again: Again): Value {
  const isMany = value.kind === 'list' || value.kind === 'tuple' || value.kind === 'given';
  if (method === undefined || value.kind === 'unknown') return UNKNOWN;
  if (method === 'toString' && args.length === 0)
    return value.kind === 'texts' || value.kind === 'told' || value.kind === 'given' ? value : UNKNOWN;
  if (method === 'split' && value.kind === 'given') return value;
  if (!isMany) return UNKNOWN;
  if (SAME_LIST.has(method)) return value.kind === 'tuple' ? { kind: 'list', of: union(value.items) } : value;
  if (method === 'at' || method === 'find' || method === 'findLast') return elementOf(value);
  const [made] = args;
  const isArrow = made?.type === 'ArrowFunctionExpression' && made.expression === true;
  if (method === 'map' && isArrow) return { kind: 'list', of: again(made.body) };
  return UNKNOWN;
}

/** What is joined lies below, also where it begins with a slash. */
function inside(value: Value): Value {
  return value.kind === 'texts' ? texts(...value.texts.map((text) => text.replace(/^\/+/, ''))) : value;
}

/** `new URL('./rows.csv', import.meta.url)` */
function ofAddress(args: readonly ScriptNode[], given: Evaluation, again: Again): Value {
  const [path, base] = [again(args[0]), dottedName(args[1], given.names)];
  if (args.length !== 2 || base !== 'import.meta.url' || path.kind !== 'texts') return UNKNOWN;
  if (path.texts.some((text) => text.split('/').includes('..'))) return { kind: 'unknown', above: true };
  if (path.texts.some((text) => /[?#%\\]|^[a-z][a-z0-9+.-]*:|^\/\//i.test(text))) return UNKNOWN;
  return joined(texts(dirname(given.file)), texts(...path.texts.map((text) => text.replace(/^\.\//, ''))), '/');
}

/** Whether an expression is made of what is read from standard input, and of no file. */
function comesFromInput(node: unknown, given: Evaluation): boolean {
  const found = readBy(node, given);
  return found.has('input') && !found.has('file');
}

function readBy(node: unknown, given: Evaluation, depth = 0): ReadonlySet<'input' | 'file'> {
  const found = new Set<'input' | 'file'>();
  if (!isNode(node) || depth > INPUT_DEPTH) return found;
  for (const one of nodesOf(node)) {
    if (one.type === 'MemberExpression' && dottedName(one, given.names) === 'process.stdin') found.add('input');
    else if (one.type === 'CallExpression') {
      const dotted = dottedName(one.callee, given.names) ?? '';
      const [asked] = listOf(one.arguments);
      const isInput = (asked?.type === 'Literal' && asked.value === 0) || textOf(asked) === '/dev/stdin';
      if (dotted.startsWith('fs.'))
        found.add(isInput || dottedName(asked, given.names)?.startsWith('process.stdin') === true ? 'input' : 'file');
    } else if (one.type === 'Identifier')
      for (const { from, added } of given.names.bound.get(one.name as string) ?? [])
        for (const what of readBy(from ?? added, given, depth + 1)) found.add(what);
  }
  return found;
}
