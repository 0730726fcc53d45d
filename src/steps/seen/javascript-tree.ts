import { parse } from 'acorn';
import { transformSync } from 'esbuild';

/** A node of the syntax tree of JavaScript (ESTree). */
export interface ScriptNode {
  readonly type: string;
  readonly [field: string]: unknown;
}

export interface ScriptTree {
  readonly root: ScriptNode;
  /** Whether it is not in strict mode, so that `this` of a plain function may be the global object. */
  readonly sloppy: boolean;
}

/** Sources whose trees are kept: a program is looked at when it is planned, before it runs, and afterwards. */
const KEPT = 64;
const kept = new Map<string, ScriptTree>();

/**
 * Reads, and runs nothing of what it reads. Types are taken out first.
 *
 * @param file decides by its ending which language it is
 * @returns the tree; a text that says why there is none
 */
export function scriptTree(text: string, file: string): ScriptTree | string {
  const language = /\.([mc]?ts|tsx|jsx)$/.exec(file)?.[1];
  const key = `${language} ${text}`;
  const known = kept.get(key);
  if (known !== undefined) return known;
  try {
    const code = language === undefined ? text : withoutTypes(text, language === 'tsx' || language === 'jsx' ? language : 'ts');
    const tree = parsed(code, file);
    if (kept.size >= KEPT) kept.delete(kept.keys().next().value!);
    kept.set(key, tree);
    return tree;
  } catch (error) {
    const { message, errors } = error as Error & { readonly errors?: readonly { readonly text: string }[] };
    return (errors?.[0]?.text ?? message).split('\n')[0]!.slice(0, 160);
  }
}

function withoutTypes(text: string, loader: 'ts' | 'tsx' | 'jsx'): string {
  return transformSync(text, { loader, target: 'esnext', charset: 'utf8', logLevel: 'silent', legalComments: 'none' }).code;
}

/** As a module; what is none of those, as a script. */
function parsed(code: string, file: string): ScriptTree {
  const options = { ecmaVersion: 'latest', allowHashBang: true } as const;
  const script = (): ScriptTree => {
    const root = parse(code, { ...options, sourceType: 'script', allowReturnOutsideFunction: true }) as unknown as ScriptNode;
    const [first] = listOf(root.body);
    return { root, sloppy: first?.directive !== 'use strict' };
  };
  const module = (): ScriptTree => ({
    root: parse(code, { ...options, sourceType: 'module' }) as unknown as ScriptNode,
    sloppy: false,
  });
  if (/\.cjs$/.test(file)) return script();
  if (/\.mjs$/.test(file)) return module();
  // Which of both Node.js takes is decided elsewhere: what only a script could do is looked for in both.
  try {
    const { root } = module();
    return { root, sloppy: !nodesOf(root).some(({ type }) => /^(?:Import|Export)\w*Declaration$/.test(type)) };
  } catch {
    return script();
  }
}

export function isNode(value: unknown): value is ScriptNode {
  return typeof value === 'object' && value !== null && typeof (value as { type?: unknown }).type === 'string';
}

export function listOf(value: unknown): ScriptNode[] {
  return Array.isArray(value) ? value.filter(isNode) : [];
}

/** The nodes directly below one. */
export function childrenOf(node: ScriptNode): ScriptNode[] {
  return Object.values(node).flatMap((field) => (Array.isArray(field) ? field.filter(isNode) : isNode(field) ? [field] : []));
}

/** A node and all below it, in the order of the source. */
export function nodesOf(node: ScriptNode): ScriptNode[] {
  const found: ScriptNode[] = [];
  const waiting = [node];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    found.push(next);
    waiting.push(...childrenOf(next).reverse());
  }
  return found;
}

/** The text of a literal, or of a template that computes nothing; undefined for all else. */
export function textOf(node: unknown): string | undefined {
  if (!isNode(node)) return undefined;
  if (node.type === 'Literal') return typeof node.value === 'string' ? node.value : undefined;
  if (node.type !== 'TemplateLiteral' || listOf(node.expressions).length > 0) return undefined;
  return cookedOf(listOf(node.quasis)[0]!);
}

/** The text of a part of a template, as the language reads it. */
export function cookedOf(quasi: ScriptNode): string {
  return (quasi.value as { cooked?: string | null }).cooked ?? '';
}

/** The name of a member: `a.b`, `a['b']`, `{ b: … }`; undefined where only a run knows it. */
export function memberName(node: ScriptNode): string | undefined {
  const key = isNode(node.property) ? node.property : isNode(node.key) ? node.key : undefined;
  if (key === undefined) return undefined;
  if (node.computed === true) return textOf(key);
  if (key.type === 'Identifier') return key.name as string;
  if (key.type === 'PrivateIdentifier') return `#${key.name as string}`;
  return key.type === 'Literal' ? String(key.value) : undefined;
}

/** Literals of a source; what is made at run time stands as "*". */
export function literalsOf(tree: ScriptNode): string[] {
  return nodesOf(tree).flatMap((node) => {
    if (node.type === 'Literal') return typeof node.value === 'string' ? [node.value] : [];
    return node.type === 'TemplateLiteral'
      ? [
          listOf(node.quasis)
            .map(cookedOf)
            .join('*')
            .replace(/\*{2,}(?!\/)/g, '*'),
        ]
      : [];
  });
}
