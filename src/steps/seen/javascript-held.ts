import { isNode, listOf, memberName } from './javascript-tree.ts';
import type { ScriptNode } from './javascript-tree.ts';

/** What a name is bound to: an expression, an element of one, a part of it, or what only a run knows. */
export interface Bound {
  readonly from: ScriptNode | undefined;
  readonly element?: boolean;
  /** Members and places in what is taken apart. */
  readonly path?: readonly (string | number)[];
  /** What is added to a text: part of it, but not all. */
  readonly added?: ScriptNode;
}

/** Methods that leave a list or an object what it is. */
const READING = new Set(
  `map filter flatMap forEach some every find findIndex findLast includes indexOf join slice at entries keys values reduce reduceRight concat toSorted toReversed with get has length size toString flat sort reverse`.split(
    ' ',
  ),
);
/** Methods that give each element of what they are called on to their function. */
export const EACH = new Set('map filter flatMap forEach some every find findIndex findLast'.split(' '));

/** How deep lists and objects lie in each other in what a name is bound to: 0 where it holds none. */
export function depthOfName(name: string, bound: ReadonlyMap<string, readonly Bound[]>, seen: ReadonlySet<string> = new Set()): number {
  if (seen.has(name)) return 0;
  const within = new Set([...seen, name]);
  const depths = (bound.get(name) ?? []).map(({ from, element, path = [] }) =>
    from === undefined ? 0 : depthOf(from, bound, within) - (element === true ? 1 : 0) - path.length,
  );
  return Math.max(0, ...depths);
}

function depthOf(node: unknown, bound: ReadonlyMap<string, readonly Bound[]>, seen: ReadonlySet<string>): number {
  if (!isNode(node)) return 0;
  const deepest = (nodes: readonly unknown[]): number => Math.max(0, ...nodes.map((one) => depthOf(one, bound, seen)));
  if (node.type === 'ArrayExpression') return 1 + deepest(listOf(node.elements));
  if (node.type === 'ObjectExpression') return 1 + deepest(listOf(node.properties).map(({ value }) => value));
  if (node.type === 'Identifier') return depthOfName(node.name as string, bound, seen);
  if (node.type === 'ConditionalExpression') return deepest([node.consequent, node.alternate]);
  if (node.type === 'LogicalExpression') return deepest([node.left, node.right]);
  if (node.type === 'AssignmentExpression') return depthOf(node.right, bound, seen);
  if (node.type === 'MemberExpression') return Math.max(0, depthOf(node.object, bound, seen) - 1);
  const isMethod = node.type === 'CallExpression' && isNode(node.callee) && node.callee.type === 'MemberExpression';
  return isMethod ? deepest([(node.callee as ScriptNode).object, ...listOf(node.arguments)]) : 0;
}

/** What `name.push(…)` adds. */
export function pushed(node: ScriptNode, parents: ReadonlyMap<ScriptNode, ScriptNode>): { readonly added?: ScriptNode } {
  const member = parents.get(node);
  const call =
    member?.type === 'MemberExpression' && member.object === node && memberName(member) === 'push' ? parents.get(member) : undefined;
  const [added] = call?.type === 'CallExpression' && call.callee === member ? listOf(call.arguments) : [];
  return added === undefined ? {} : { added };
}

/**
 * Whether a use of a name leaves what it holds as it is, and gives nobody else a hold of it.
 *
 * @param depth how deep lists and objects lie in each other in it
 */
export function isOnlyRead(node: ScriptNode, depth: number, parents: ReadonlyMap<ScriptNode, ScriptNode>): boolean {
  const parent = parents.get(node);
  if (parent === undefined) return false;
  switch (parent.type) {
    case 'VariableDeclarator':
      // Another name of the same is looked at by itself where only its parts are taken.
      return parent.id === node || (isNode(parent.id) && parent.id.type !== 'Identifier') || node.type === 'MemberExpression';
    case 'ForOfStatement':
      return parent.right === node;
    case 'SpreadElement':
      return depth < 2;
    case 'TemplateLiteral':
    case 'BinaryExpression':
      return true;
    case 'Property':
      return parent.key === node && parent.value !== node;
    case 'CallExpression':
      return isReadingCall(parent, depth);
    case 'MemberExpression':
      return parent.object === node ? isReadMember(parent, depth, parents) : parent.computed !== true || depth === 0;
    default:
      return false;
  }
}

function isReadingCall({ callee }: ScriptNode, depth: number): boolean {
  if (!isNode(callee) || callee.type !== 'MemberExpression' || !isNode(callee.object)) return false;
  const [object, member] = [callee.object.name, memberName(callee) ?? ''];
  if (object === 'console' || (object === 'JSON' && member === 'stringify')) return true;
  return object === 'Object' && (member === 'keys' || (depth < 2 && ['values', 'entries', 'freeze'].includes(member)));
}

function isReadMember(member: ScriptNode, depth: number, parents: ReadonlyMap<ScriptNode, ScriptNode>): boolean {
  const above = parents.get(member);
  const isWritten =
    (above?.type === 'AssignmentExpression' && above.left === member) ||
    above?.type === 'UpdateExpression' ||
    (above?.type === 'UnaryExpression' && above.operator === 'delete');
  if (isWritten) return false;
  const name = memberName(member);
  if (above?.type === 'CallExpression' && above.callee === member) {
    if (depth < 2) return READING.has(name ?? '');
    // What lies inside is given only to a function that is seen.
    const [first] = listOf(above.arguments);
    return (
      EACH.has(name ?? '') && !name!.startsWith('fi') && first?.type === 'ArrowFunctionExpression' && listOf(first.params).length === 1
    );
  }
  return name === 'length' || depth < 2 || isOnlyRead(member, depth - 1, parents);
}
