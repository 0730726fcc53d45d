import { execFileSync } from 'node:child_process';

/** A node of Python's own syntax tree, with the fields that its module `ast` gives it. */
export interface PythonNode {
  /** The name of its class in `ast`. */
  readonly type: string;
  readonly line?: number;
  readonly [field: string]: unknown;
}

/** Milliseconds after which a source is too much to be looked at. */
const PARSE_MS = 20_000;
const TREE_BYTES_MAX = 128 * 1024 * 1024;
/** Sources whose trees are kept: a program is looked at when it is planned, before it runs, and afterwards. */
const KEPT = 64;
const kept = new Map<string, PythonNode>();

/** Reads, and runs nothing of what it reads. Literals come out as Python decodes them. */
const READER = `
import ast, json, sys
sys.setrecursionlimit(4000)
def told(node):
    if isinstance(node, ast.AST):
        out = {"type": type(node).__name__}
        if hasattr(node, "lineno"): out["line"] = node.lineno
        if isinstance(node, ast.Constant):
            value = node.value
            out["kind"] = type(value).__name__
            out["value"] = value if isinstance(value, str) else value.decode("latin-1") if isinstance(value, bytes) else repr(value)
            return out
        for name, value in ast.iter_fields(node):
            if name not in ("ctx", "type_comment", "kind"): out[name] = told(value)
        if isinstance(getattr(node, "ctx", None), ast.Store) or isinstance(getattr(node, "ctx", None), ast.Del): out["store"] = True
        return out
    if isinstance(node, list): return [told(one) for one in node]
    return node
print(json.dumps(told(ast.parse(sys.stdin.buffer.read()))))
`;

/** @returns the tree; a text that says why there is none */
export function pythonTree(text: string, interpreter: string): PythonNode | string {
  const known = kept.get(text);
  if (known !== undefined) return known;
  try {
    const json = execFileSync(interpreter, ['-I', '-S', '-c', READER], {
      input: text,
      encoding: 'utf8',
      maxBuffer: TREE_BYTES_MAX,
      timeout: PARSE_MS,
      stdio: ['pipe', 'pipe', 'pipe'],
      env: {},
    });
    const tree = JSON.parse(json) as PythonNode;
    if (kept.size >= KEPT) kept.delete(kept.keys().next().value!);
    kept.set(text, tree);
    return tree;
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: string };
    return (stderr ?? '').trim().split('\n').at(-1)!.slice(0, 160) || message.slice(0, 160);
  }
}

export function isNode(value: unknown): value is PythonNode {
  return typeof value === 'object' && value !== null && 'type' in value;
}

/** The nodes directly below one. */
export function* childrenOf(node: PythonNode): Generator<PythonNode> {
  for (const field of Object.values(node))
    if (isNode(field)) yield field;
    else if (Array.isArray(field)) for (const one of field) if (isNode(one)) yield one;
}

export function listOf(value: unknown): PythonNode[] {
  return Array.isArray(value) ? value.filter(isNode) : [];
}

/** A node and all below it. */
export function* nodesOf(node: PythonNode): Generator<PythonNode> {
  const waiting = [node];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    yield next;
    waiting.push(...[...childrenOf(next)].reverse());
  }
}

/** The text of a literal; undefined for all else. */
export function textOf(node: unknown): string | undefined {
  return isNode(node) && node.type === 'Constant' && node.kind === 'str' ? (node.value as string) : undefined;
}

/** Literals of a source; what is made at run time stands as "*". */
export function literalsOf(tree: PythonNode): string[] {
  const literals: string[] = [];
  for (const node of nodesOf(tree)) {
    const text = textOf(node) ?? (node.type === 'Constant' && node.kind === 'bytes' ? (node.value as string) : undefined);
    if (text !== undefined) {
      const pattern = text
        .replace(/\{[^{}]*\}/g, '*')
        .replace(/%(?:\(\w+\))?[-+ 0#]*\d*(?:\.\d+)?[sdifrx]/g, '*')
        .replace(/%[YmdHMSj]/g, '*')
        .replace(/\*{2,}(?!\/)/g, '*');
      literals.push(pattern);
    }
    if (node.type === 'JoinedStr')
      literals.push(
        listOf(node.values)
          .map((part) => textOf(part) ?? '*')
          .join('')
          .replace(/\*{2,}/g, '*'),
      );
  }
  return literals;
}
