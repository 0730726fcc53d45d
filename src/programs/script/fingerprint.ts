import { isBuiltin } from 'node:module';
import { dirname } from 'node:path';
import type { Json } from '../../core/json.ts';
import { isUnseen, unseen } from '../../core/step.ts';
import type { FingerprintContext, Unseen } from '../../core/step.ts';
import { secretDigest } from '../../steps/secret-digest.ts';
import { declare, doubtText, lookAtValues, seenOf } from '../../steps/seen/command.ts';
import { MODULES } from '../../steps/seen/javascript-allowed.ts';
import { moduleName, namesOf } from '../../steps/seen/javascript-names.ts';
import { isNode, listOf, memberName, nodesOf, scriptTree, textOf } from '../../steps/seen/javascript-tree.ts';
import type { ScriptNode } from '../../steps/seen/javascript-tree.ts';
import { lookForAll, outsideModule } from '../../steps/seen/javascript.ts';
import { Look, realPath } from '../../steps/seen/look.ts';
import type { ScriptConfig } from './config.ts';
import { readScript } from './bundle.ts';

/**
 * What decides the result of a local step besides its configuration and inputs, as far as it can be seen: all of its code, files that it
 * names, secrets, and the nominal time where it asks for it.
 */
export async function fingerprintScript(ctx: FingerprintContext, config: ScriptConfig): Promise<Json | Unseen> {
  const { digest, modules, builtins } = await readScript(ctx.documentDir, config.path);
  const look = new Look(realPath(ctx.documentDir));
  const secrets = new Set<string>();
  for (const module of modules) lookAtModule(module, look, secrets);
  for (const builtin of builtins)
    if (outsideModule(builtin)) look.doubt(`a package that it imports uses ${builtin}, which reaches outside`);
  // The bundle holds the code: of the modules themselves comments and white space would count.
  for (const module of modules) look.files.delete(module);
  lookAtValues(config.with, look);
  const declared = declare(config.files, ctx.documentDir, look);
  if (look.doubts.size > 0 && !declared) return unseen(doubtText(look));
  const seen = await seenOf(look, ctx);
  if (isUnseen(seen)) return seen;
  const digests = Object.fromEntries([...secrets].sort().map((name) => [name, secretDigest(name, ctx.secret(name))]));
  return { module: digest, ...seen, ...(secrets.size === 0 ? {} : { secrets: digests }) };
}

function lookAtModule(path: string, look: Look, secrets: Set<string>): void {
  const text = look.source(path);
  if (text === undefined) return;
  const name = look.nameOf(path);
  const tree = scriptTree(text, path);
  if (typeof tree === 'string') return look.doubt(`${name} cannot be read as JavaScript (${tree})`);
  const names = namesOf(tree.root, isBuiltin);
  const nodes = nodesOf(tree.root);
  const said = new Set(nodes.flatMap((node) => mentioned(node)));
  const says = (...words: readonly string[]): boolean => words.some((word) => said.has(word));
  if (says('nominalTime')) look.nominalTime = true;
  if (says('pipeline', 'stepId')) look.run = true;
  if (says('runId', 'attempt', 'trigger', 'planRevision'))
    look.doubt(`${name} reads the id, the attempt, the trigger or the revision of its run`);
  if (says('store')) look.doubt(`${name} reads the store`);
  if (says('fingerprint')) look.doubt(`${name} has a fingerprint of its own, which is not asked`);
  if (
    nodes.some((node) => node.type === 'Property' && memberName(node) === 'cacheable' && isNode(node.value) && node.value.value === false)
  )
    look.doubt(`${name} says that it is not cacheable`);
  for (const module of names.imports) {
    if (module === undefined) look.doubt(`${name} loads modules by names made at run time`);
    else if (outsideModule(module)) look.doubt(`${name} uses ${module}, which reaches outside`);
    else if (isBuiltin(module) && !MODULES.has(moduleName(module)))
      look.doubt(`${name} uses ${module}, which is not known to read only what it is told`);
  }
  for (const secret of secretsOf(nodes)) {
    if (secret === undefined) look.doubt(`${name} asks for secrets by names made at run time`);
    else secrets.add(secret);
  }
  // Names made at run time below the folder of the document: everything there counts.
  if (says('documentDir')) look.add(look.cwd, 'reads');
  lookForAll(tree, names, { name, file: path, near: [...new Set([dirname(path), look.cwd])], documentDir: look.cwd }, look);
}

/** Names of members, properties and variables, and texts that may be one. */
function mentioned(node: ScriptNode): string[] {
  const name = node.type === 'Identifier' ? (node.name as string) : textOf(node);
  return name === undefined ? [] : [name];
}

/** Secrets that a source asks its context for; undefined: by a name that only a run knows, or by handing the question on. */
function secretsOf(nodes: readonly ScriptNode[]): (string | undefined)[] {
  const called = new Set<unknown>();
  const found: (string | undefined)[] = [];
  for (const node of nodes) {
    if (node.type !== 'CallExpression' || !isNode(node.callee)) continue;
    const { callee } = node;
    const asks = callee.type === 'MemberExpression' ? memberName(callee) === 'secret' : callee.name === 'secret';
    if (!asks) continue;
    called.add(callee);
    found.push(textOf(listOf(node.arguments)[0]));
  }
  const isHandedOn = nodes.some((node) => node.type === 'MemberExpression' && memberName(node) === 'secret' && !called.has(node));
  return isHandedOn ? [...found, undefined] : found;
}
