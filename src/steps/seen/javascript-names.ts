import { EACH, depthOfName, isOnlyRead, pushed } from './javascript-held.ts';
import type { Bound } from './javascript-held.ts';
import { childrenOf, isNode, listOf, memberName, nodesOf, textOf } from './javascript-tree.ts';
import type { ScriptNode } from './javascript-tree.ts';

export interface Names {
  readonly bound: ReadonlyMap<string, readonly Bound[]>;
  /** Alias → dotted name of a module, or of what was taken of one. */
  readonly taken: ReadonlyMap<string, string>;
  readonly parents: ReadonlyMap<ScriptNode, ScriptNode>;
  /** Modules that are imported whole or in part, own ones too, in the order of the source; undefined: named at run time. */
  readonly imports: readonly (string | undefined)[];
}

/** Globals that may have another name. */
export const TAKEN_APART: ReadonlySet<string> = new Set(['process', 'Math', 'Date', 'Intl']);
/** Globals whose members a program sets. */
const OF_THE_PROGRAM = new Set(['process', 'module', 'exports']);
/** A module as it is called here: "node:fs/promises" is "fs.promises". */
export function moduleName(specifier: string): string {
  return specifier.replace(/^node:/, '').replaceAll('/', '.');
}

/** @param isBuiltin whether a module is one of the runtime */
export function namesOf(root: ScriptNode, isBuiltin: (specifier: string) => boolean): Names {
  const bound = new Map<string, Bound[]>();
  const taken = new Map<string, string>();
  const parents = new Map<ScriptNode, ScriptNode>();
  const imports: (string | undefined)[] = [];
  const nodes = nodesOf(root);
  /** Names whose parts are set. */
  const written = new Set<string>();
  const add = (name: unknown, one: Bound): void => {
    if (typeof name === 'string') bound.set(name, [...(bound.get(name) ?? []), one]);
  };
  const take = (alias: unknown, dotted: string): void => {
    // Of two meanings none is known.
    if (taken.has(alias as string) && taken.get(alias as string) !== dotted) add(alias, { from: undefined });
    taken.set(alias as string, dotted);
  };
  for (const node of nodes) for (const child of childrenOf(node)) parents.set(child, node);

  /** A module that is loaded by an expression. */
  const loaded = (node: unknown): string | undefined => {
    if (!isNode(node)) return undefined;
    if (node.type === 'AwaitExpression') return loaded(node.argument);
    if (node.type === 'ImportExpression') return textOf(node.source);
    const isRequire =
      node.type === 'CallExpression' && isNode(node.callee) && node.callee.type === 'Identifier' && node.callee.name === 'require';
    return isRequire ? textOf(listOf(node.arguments)[0]) : undefined;
  };
  /** The dotted name of a module, or of a member of one. */
  const origin = (node: unknown): string | undefined => {
    if (!isNode(node)) return undefined;
    const module = loaded(node);
    if (module !== undefined) return isBuiltin(module) ? moduleName(module) : undefined;
    if (node.type === 'Identifier')
      return taken.get(node.name as string) ?? (TAKEN_APART.has(node.name as string) ? (node.name as string) : undefined);
    if (node.type !== 'MemberExpression') return undefined;
    const [front, member] = [origin(node.object), memberName(node)];
    return front === undefined || member === undefined ? undefined : member === 'default' ? front : `${front}.${member}`;
  };

  const target = (pattern: unknown, one: Bound): void => {
    if (!isNode(pattern)) return;
    if (pattern.type === 'Identifier') add(pattern.name, one);
    else if (pattern.type === 'AssignmentPattern') {
      target(pattern.left, one);
      target(pattern.left, { from: pattern.right as ScriptNode });
    } else if (pattern.type === 'RestElement') target(pattern.argument, { from: undefined });
    else if (pattern.type === 'ArrayPattern')
      (pattern.elements as unknown[]).forEach((part, at) => target(part, { ...one, path: [...(one.path ?? []), at] }));
    else if (pattern.type === 'ObjectPattern')
      for (const property of listOf(pattern.properties)) {
        const name = property.type === 'Property' ? memberName(property) : undefined;
        if (property.type === 'RestElement') target(property, { from: undefined });
        else target(property.value, name === undefined ? { from: undefined } : { ...one, path: [...(one.path ?? []), name] });
      }
    else if (pattern.type === 'MemberExpression') {
      // What is put into a list or an object makes it another one.
      const root_ = rootOf(pattern);
      if (root_ === undefined || OF_THE_PROGRAM.has(root_)) return;
      add(root_, { from: undefined });
      written.add(root_);
    }
  };

  const declare = ({ id, init }: ScriptNode): void => {
    const from = isNode(init) ? init : undefined;
    const dotted = origin(from);
    if (dotted === undefined) return target(id, { from });
    if (!isNode(id)) return;
    if (id.type === 'Identifier') return take(id.name, dotted);
    if (id.type !== 'ObjectPattern') return target(id, { from: undefined });
    for (const property of listOf(id.properties)) {
      const name = property.type === 'Property' ? memberName(property) : undefined;
      if (name !== undefined && isNode(property.value) && property.value.type === 'Identifier')
        take(property.value.name, `${dotted}.${name}`);
      else target(property.type === 'RestElement' ? property : property.value, { from: undefined });
    }
  };

  for (const node of nodes) {
    if (node.type !== 'ImportDeclaration') continue;
    const specifier = textOf(node.source)!;
    imports.push(specifier);
    for (const one of listOf(node.specifiers)) {
      const alias = (one.local as ScriptNode).name;
      const imported = isNode(one.imported) ? ((one.imported.name ?? one.imported.value) as string) : 'default';
      const whole = one.type !== 'ImportSpecifier' || imported === 'default';
      if (isBuiltin(specifier)) take(alias, whole ? moduleName(specifier) : `${moduleName(specifier)}.${imported}`);
      else add(alias, { from: undefined });
    }
  }
  for (const node of nodes) {
    if (node.type === 'ImportExpression') imports.push(textOf(node.source));
    else if (node.type === 'ExportNamedDeclaration' || node.type === 'ExportAllDeclaration') {
      if (isNode(node.source)) imports.push(textOf(node.source));
    } else if (node.type === 'CallExpression' && isNode(node.callee) && node.callee.type === 'Identifier' && node.callee.name === 'require')
      imports.push(textOf(listOf(node.arguments)[0]));
    if (node.type === 'VariableDeclarator' && (isNode(node.init) || !isLoop(parents.get(parents.get(node)!)))) declare(node);
    else if (node.type === 'AssignmentExpression') {
      const [left, right] = [node.left as ScriptNode, node.right as ScriptNode];
      if (node.operator === '=' || node.operator === '??=' || node.operator === '||=' || node.operator === '&&=')
        target(left, { from: right });
      else target(left, left.type === 'Identifier' ? { from: undefined, added: right } : { from: undefined });
    } else if (node.type === 'UpdateExpression') target(node.argument, { from: undefined });
    else if (node.type === 'ForOfStatement' || node.type === 'ForInStatement') {
      const left = node.left as ScriptNode;
      const pattern = left.type === 'VariableDeclaration' ? listOf(left.declarations)[0]!.id : left;
      target(pattern, node.type === 'ForOfStatement' ? { from: node.right as ScriptNode, element: true } : { from: undefined });
    } else if (node.type === 'CatchClause') target(node.param, { from: undefined });
    else if (/^(?:Function|Class)(?:Declaration|Expression)$|^ArrowFunctionExpression$/.test(node.type)) {
      if (isNode(node.id)) add(node.id.name, { from: undefined });
      const params = listOf(node.params);
      params.forEach((param, at) => target(param, at === 0 ? argumentOf(node, parents) : { from: undefined }));
    }
  }
  // All of them are known by now.
  const changed: [string, Bound][] = [];
  for (const node of nodes) {
    if (node.type !== 'Identifier') continue;
    const depth = depthOfName(node.name as string, bound);
    if (depth > 0 && !isOnlyRead(node, depth, parents)) changed.push([node.name as string, { from: undefined, ...pushed(node, parents) }]);
  }
  for (const [name, one] of changed) add(name, one);
  const reached = new Set([...written, ...changed.map(([name]) => name)]);
  // A part that is changed changes what it was taken of.
  for (const name of reached)
    for (const { from } of bound.get(name) ?? [])
      for (const one of from === undefined ? [] : nodesOf(from))
        if (one.type === 'Identifier' && !reached.has(one.name as string) && depthOfName(one.name as string, bound) > 0) {
          add(one.name, { from: undefined });
          reached.add(one.name as string);
        }
  return { bound, taken, parents, imports };
}

function isLoop(node: ScriptNode | undefined): boolean {
  return node?.type === 'ForOfStatement' || node?.type === 'ForInStatement';
}

/** What a function is given that is called with each element of a list. */
function argumentOf(node: ScriptNode, parents: ReadonlyMap<ScriptNode, ScriptNode>): Bound {
  const call = parents.get(node);
  const callee = call?.type === 'CallExpression' && isNode(call.callee) ? call.callee : undefined;
  if (callee?.type === 'MemberExpression' && memberName(callee) === 'on' && isNode(callee.object))
    return { from: undefined, added: callee.object };
  const isEach = callee?.type === 'MemberExpression' && EACH.has(memberName(callee) ?? '') && listOf(call!.arguments)[0] === node;
  return isEach ? { from: callee.object as ScriptNode, element: true } : { from: undefined };
}

/** The name that a chain of members begins with. */
export function rootOf(node: ScriptNode): string | undefined {
  let at: unknown = node;
  while (isNode(at) && at.type === 'MemberExpression') at = at.object;
  return isNode(at) && at.type === 'Identifier' ? (at.name as string) : undefined;
}

/** The dotted name of a module, of a member of one, or of a name of the language; undefined for all else. */
export function dottedName(node: unknown, names: Names): string | undefined {
  if (!isNode(node)) return undefined;
  if (node.type === 'ChainExpression') return dottedName(node.expression, names);
  if (node.type === 'AwaitExpression' && isNode(node.argument) && node.argument.type === 'ImportExpression') {
    const module = textOf(node.argument.source);
    return module === undefined ? undefined : moduleName(module);
  }
  if (node.type === 'MemberExpression') {
    const [front, member] = [dottedName(node.object, names), memberName(node)];
    return front === undefined || member === undefined ? undefined : member === 'default' ? front : `${front}.${member}`;
  }
  if (node.type === 'MetaProperty') return `${(node.meta as ScriptNode).name as string}.${(node.property as ScriptNode).name as string}`;
  if (node.type === 'CallExpression' && isNode(node.callee) && node.callee.type === 'Identifier' && node.callee.name === 'require') {
    const module = textOf(listOf(node.arguments)[0]);
    return module === undefined ? undefined : moduleName(module);
  }
  if (node.type !== 'Identifier') return undefined;
  const name = node.name as string;
  return names.bound.has(name) ? undefined : (names.taken.get(name) ?? name);
}
