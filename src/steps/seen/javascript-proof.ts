import { isBuiltin } from 'node:module';
import { countValue } from './count-value.ts';
import { GLOBALS, MEMBERS_DOUBTED, MODULES, ONLY_MEMBERS, READS, STAT_MEMBERS, doubtOf } from './javascript-allowed.ts';
import { TAKEN_APART, dottedName, rootOf } from './javascript-names.ts';
import type { Names } from './javascript-names.ts';
import { isNode, listOf, memberName, nodesOf, textOf } from './javascript-tree.ts';
import type { ScriptNode, ScriptTree } from './javascript-tree.ts';
import { valueOf } from './javascript-values.ts';
import type { Evaluation } from './javascript-values.ts';
import type { Look } from './look.ts';

type Doubt = (text: string) => void;

/** What of a source cannot be proven to be the same in the next run, but for the files that it reads, which are counted. */
export function proveScript({ root, sloppy }: ScriptTree, name: string, given: Evaluation, look: Look): void {
  const { names } = given;
  const doubt: Doubt = (text) => look.doubt(`${name} ${text}`);
  for (const node of nodesOf(root)) {
    if (node.type === 'Identifier' && isUse(node, names)) proveName(node, names, doubt);
    else if (node.type === 'MemberExpression') proveMember(node, names, doubt);
    else if (node.type === 'Property' && names.parents.get(node)?.type === 'ObjectPattern') proveMemberName(memberName(node), doubt);
    else if (node.type === 'CallExpression' || node.type === 'NewExpression') proveCall(node, name, given, look, doubt);
    else if (node.type === 'AssignmentExpression') proveAssignment(node, names, doubt);
    else if (node.type === 'MetaProperty') proveMeta(node, names, doubt);
    else if (node.type === 'ImportExpression' || /^Export(?:Named|All)Declaration$/.test(node.type)) proveHandedOn(node, names, doubt);
    else if (node.type === 'WithStatement') doubt(MADE);
    else if (node.type === 'ThisExpression' && sloppy && isLoose(node, names)) doubt(MADE);
  }
  proveMeanings(names, doubt);
  proveEnvironment(root, given, doubt);
}

const MADE = 'runs code or reaches names that are made at run time';

/** Whether an identifier stands for a value, and is no name of a member, a property, a label or a binding. */
function isUse(node: ScriptNode, names: Names): boolean {
  const parent = names.parents.get(node);
  if (parent === undefined) return false;
  switch (parent.type) {
    case 'MemberExpression':
      return parent.object === node || parent.computed === true;
    case 'Property':
      if (names.parents.get(parent)?.type === 'ObjectPattern') return parent.computed === true && parent.key === node;
      return parent.value === node || parent.computed === true;
    case 'PropertyDefinition':
    case 'MethodDefinition':
      return parent.value === node || parent.computed === true;
    case 'VariableDeclarator':
      return parent.init === node;
    case 'LabeledStatement':
    case 'BreakStatement':
    case 'ContinueStatement':
    case 'MetaProperty':
    case 'ImportAttribute':
    case 'ImportSpecifier':
    case 'ImportDefaultSpecifier':
    case 'ImportNamespaceSpecifier':
      return false;
    case 'ExportSpecifier':
      return parent.local === node;
    default:
      return true;
  }
}

/** What a name may be: a binding of the source, or something that is known. */
function proveName(node: ScriptNode, names: Names, doubt: Doubt): void {
  const name = node.name as string;
  if (names.bound.has(name) || name === '__dirname' || name === '__filename') return;
  const parent = names.parents.get(node)!;
  const [isCalled, isMember] = [
    parent.type === 'CallExpression' && parent.callee === node,
    parent.type === 'MemberExpression' && parent.object === node,
  ];
  const taken = names.taken.get(name);
  if (taken !== undefined)
    return proveTaken(taken, isTakenApart(node, names) ? 'apart' : isMember ? 'member' : isCalled ? 'call' : 'value', doubt);
  if (!GLOBALS.has(name)) return doubt(doubtOf(name));
  // Compared with something it gives nothing.
  if (isMember || !ONLY_MEMBERS.has(name) || (parent.type === 'BinaryExpression' && name === 'module')) return;
  if (name === 'Date' && isCertainDate(node, parent)) return;
  if ((name === 'require' && isCalled) || (TAKEN_APART.has(name) && isTakenApart(node, names))) return;
  doubt(doubtOf(name));
}

/** A date that is made of something says nothing of now; nor does a question whether something is one. */
function isCertainDate(node: ScriptNode, parent: ScriptNode): boolean {
  if (parent.type === 'BinaryExpression' && parent.operator === 'instanceof') return parent.right === node;
  const [first] = listOf(parent.arguments);
  return parent.type === 'NewExpression' && parent.callee === node && first !== undefined && first.type !== 'SpreadElement';
}

/** A module, or what was taken of one. As a value a module gives all that it has, and a function that reads files is not seen. */
function proveTaken(dotted: string, use: 'apart' | 'member' | 'call' | 'value', doubt: Doubt): void {
  if (MODULES.has(dotted)) {
    if (use === 'value' || (use === 'call' && dotted !== 'assert')) doubt(MADE);
  } else if (!isAllowed(dotted)) doubt(doubtOf(dotted));
  else if (/^fs\.(?!.*constants)/.test(dotted) && (use === 'value' || use === 'member')) doubt(MADE);
}

/** Whether a dotted name is a member that may be used, of a module or of a global. */
function isAllowed(dotted: string): boolean {
  const parts = dotted.split('.');
  for (let length = parts.length - 1; length > 0; length -= 1) {
    const front = parts.slice(0, length).join('.');
    const table = MODULES.has(front) ? MODULES : GLOBALS.has(front) ? GLOBALS : undefined;
    if (table !== undefined) return table.get(front) === undefined || table.get(front)!.has(parts[length]!);
  }
  return false;
}

function proveMember(node: ScriptNode, names: Names, doubt: Doubt): void {
  const member = memberName(node);
  const parent = names.parents.get(node);
  const isCalled = parent?.type === 'CallExpression' && parent.callee === node;
  const front = dottedName(node.object, names);
  if (member === undefined) {
    // A name that only a run knows: a value of one's own, as long as it is none of what the language or a module has.
    const isOwn = front === undefined || front === 'process.env' || front === 'process.argv' || front === 'process.versions';
    if (!isOwn || (isCalled && !isNumber(node.property))) doubt(MADE);
    return;
  }
  if (front !== undefined && (MODULES.has(front) || GLOBALS.has(front))) {
    const dotted = dottedName(node, names)!;
    if (MODULES.has(dotted)) {
      if (parent?.type !== 'MemberExpression' && !isTakenApart(node, names)) doubt(MADE);
    } else if (!isAllowed(dotted)) doubt(doubtOf(dotted));
    else if (dotted.startsWith('fs.') && !isCalled && member !== 'constants' && !isTakenApart(node, names)) doubt(MADE);
    return;
  }
  proveMemberName(member, doubt);
}

/** `const read = fs.readFileSync`, `const { join } = path`: where the other name is used it is seen. */
function isTakenApart(node: ScriptNode, names: Names): boolean {
  const declarator = names.parents.get(node);
  if (declarator?.type !== 'VariableDeclarator' || declarator.init !== node || !isNode(declarator.id)) return false;
  // What other sources take is not looked for there.
  if (names.parents.get(names.parents.get(declarator)!)?.type === 'ExportNamedDeclaration') return false;
  const { id } = declarator;
  if (id.type === 'Identifier') return true;
  const isPlain = (one: ScriptNode): boolean =>
    one.type === 'Property' && memberName(one) !== undefined && isNode(one.value) && one.value.type === 'Identifier';
  return id.type === 'ObjectPattern' && listOf(id.properties).every(isPlain);
}

function isNumber(node: unknown): boolean {
  return isNode(node) && node.type === 'Literal' && typeof node.value === 'number';
}

function proveMemberName(member: string | undefined, doubt: Doubt): void {
  if (member !== undefined && MEMBERS_DOUBTED.has(member)) doubt(doubtOf(member));
}

function proveAssignment({ left, operator }: ScriptNode, names: Names, doubt: Doubt): void {
  if (!isNode(left) || left.type !== 'MemberExpression') {
    if (isNode(left) && left.type === 'Identifier' && names.taken.has(left.name as string) && operator === '=') doubt(MADE);
    return;
  }
  const root = rootOf(left);
  if (root === undefined || names.bound.has(root)) {
    const [front, member] = [left.object as ScriptNode, memberName(left)];
    if (member === 'prototype' || (front.type === 'MemberExpression' && memberName(front) === '__proto__')) doubt(MADE);
    return;
  }
  const dotted = dottedName(left, names);
  const isAllowedHere =
    dotted === 'process.exitCode' || dotted === 'module.exports' || root === 'exports' || dotted?.startsWith('module.exports.') === true;
  if (!isAllowedHere && (GLOBALS.has(root) || names.taken.has(root))) doubt('changes what the language or a module does');
}

function proveMeta(node: ScriptNode, names: Names, doubt: Doubt): void {
  const parent = names.parents.get(node);
  if ((node.meta as ScriptNode).name !== 'import') return;
  const member = parent?.type === 'MemberExpression' ? memberName(parent) : undefined;
  if (!['url', 'filename', 'dirname', 'main'].includes(member ?? '')) doubt(MADE);
}

function isRequire(node: ScriptNode): boolean {
  return node.type === 'CallExpression' && isNode(node.callee) && node.callee.type === 'Identifier' && node.callee.name === 'require';
}

/** A module of the runtime is seen where its members are named, and nowhere else. */
function proveHandedOn(node: ScriptNode, names: Names, doubt: Doubt): void {
  const module = textOf(isRequire(node) ? listOf(node.arguments)[0] : node.source);
  if (module === undefined || !isBuiltin(module)) return;
  const above = names.parents.get(node);
  const whole = above?.type === 'AwaitExpression' ? above : node;
  if (names.parents.get(whole)?.type === 'ExpressionStatement') return;
  const isSeen =
    names.parents.get(whole)?.type === 'MemberExpression' ? node.type !== 'ImportExpression' || whole !== node : isTakenApart(whole, names);
  if (node.type.startsWith('Export') || !isSeen) doubt(MADE);
}

/** `this` of a plain function outside of strict mode may be the global object. */
function isLoose(node: ScriptNode, names: Names): boolean {
  for (let at = names.parents.get(node); at !== undefined; at = names.parents.get(at)) {
    if (at.type === 'ClassBody') return false;
    if (at.type === 'FunctionDeclaration' || at.type === 'FunctionExpression') {
      const around = names.parents.get(at);
      return !(around?.type === 'Property' || around?.type === 'MethodDefinition');
    }
  }
  return false;
}

/** A name with two meanings is none that is known. */
function proveMeanings({ bound, taken }: Names, doubt: Doubt): void {
  for (const name of bound.keys()) if (taken.has(name) || GLOBALS.has(name)) doubt(`gives the name ${name} another meaning`);
}

function proveCall(node: ScriptNode, name: string, given: Evaluation, look: Look, doubt: Doubt): void {
  const dotted = dottedName(node.callee, given.names);
  const args = listOf(node.arguments);
  if (isRequire(node)) return proveHandedOn(node, given.names, doubt);
  if (dotted === undefined) return;
  const file = /^fs\.(?:promises\.)?(\w+?)(?:Sync)?$/.exec(dotted)?.[1];
  if (file === undefined || !READS.has(file)) return;
  const called = dotted.split('.').at(-1)!;
  if (file === 'open' && /^[wa]x?\+?$/.test(textOf(args[1]) ?? '') && !textOf(args[1])!.includes('+')) return;
  if (/^l?stat$/.test(file) && !isOfTheFile(node, given.names)) doubt('asks the clock (of a file)');
  const [asked] = args;
  if (asked === undefined || asked.type === 'SpreadElement') return doubt(`reads files whose names only a run makes (${called})`);
  const value = file === 'glob' ? valueOf(node, given) : valueOf(asked, given);
  countValue(value, name, called, look);
}

/** Of what a file system says of a file only what follows from the file is asked. */
function isOfTheFile(call: ScriptNode, names: Names): boolean {
  const around = (node: ScriptNode): ScriptNode | undefined => {
    const parent = names.parents.get(node);
    return parent?.type === 'AwaitExpression' || parent?.type === 'ChainExpression' ? around(parent) : parent;
  };
  const isAsked = (parent: ScriptNode | undefined): boolean =>
    parent?.type === 'MemberExpression' && STAT_MEMBERS.has(memberName(parent) ?? '');
  const parent = around(call);
  if (isAsked(parent)) return true;
  if (parent?.type !== 'VariableDeclarator' || !isNode(parent.id)) return false;
  const { id } = parent;
  if (id.type === 'ObjectPattern')
    return listOf(id.properties).every((one) => one.type === 'Property' && STAT_MEMBERS.has(memberName(one) ?? ''));
  if (id.type !== 'Identifier') return false;
  return [...names.parents.keys()]
    .filter((one) => one.type === 'Identifier' && one.name === id.name && one !== id && isUse(one, names))
    .every((one) => isAsked(around(one)));
}

function proveEnvironment(root: ScriptNode, given: Evaluation, doubt: Doubt): void {
  const { names, variables } = given;
  const ask = (variable: string | undefined): void => {
    if (variable === undefined || !variables.has(variable))
      doubt(`reads its environment, of which ${variable ?? 'anything'} may decide the result`);
  };
  for (const node of nodesOf(root)) {
    if (node.type === 'Identifier' && (!isUse(node, names) || names.bound.has(node.name as string))) continue;
    if ((node.type !== 'MemberExpression' && node.type !== 'Identifier') || dottedName(node, names) !== 'process.env') continue;
    const parent = names.parents.get(node);
    if (parent?.type === 'MemberExpression' && parent.object === node) ask(memberName(parent));
    // `const { env } = process` is another name, and seen where it is used.
    else if (isTakenApart(node, names) && isNode(parent!.id) && parent!.id.type === 'Identifier') continue;
    else if (parent?.type === 'VariableDeclarator' && isNode(parent.id) && parent.id.type === 'ObjectPattern')
      for (const one of listOf(parent.id.properties)) ask(one.type === 'Property' ? memberName(one) : undefined);
    else ask(undefined);
  }
  for (const [, dotted] of names.taken) {
    const variable = /^process\.env\.(\w+)$/.exec(dotted)?.[1];
    if (variable !== undefined) ask(variable);
  }
}
