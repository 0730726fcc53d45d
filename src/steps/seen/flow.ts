/**
 * Where the paths of a program come from, as far as its text proves it. What is proven: texts of the source, what it is told of its inputs
 * and outputs, and what is put together of these. All else (what it reads in files, parameters of functions, its environment) may name
 * any file.
 */

/**
 * `proven`: any file that it names is known. `given`: a word of the configuration or the command line, known as long as it stands
 * alone.
 */
type Origin = 'proven' | 'given' | 'unknown';

export interface Language {
  /** Name → expressions that it is bound to; null: to what only a run knows. */
  readonly bindings: ReadonlyMap<string, readonly (string | null)[]>;
  /** Replaces what the program is told of its inputs and outputs by `0`, and words that it is given by `W`. */
  readonly told: (expression: string) => string;
  /** Functions, modules and words of the language that make paths of paths. */
  readonly pure: ReadonlySet<string>;
  /** Functions around a single word that leave it what it is. */
  readonly wrappers: RegExp;
}

export function originOf(expression: string, language: Language, seen: ReadonlySet<string> = new Set()): Origin {
  let text = language
    .told(expression)
    .replace(/"[^"]*"/g, '""')
    .trim();
  for (let before = ''; before !== text;) {
    before = text;
    const inner = language.wrappers.exec(text)?.[1];
    if (inner !== undefined && isBalanced(inner)) text = inner.trim();
    else if (text.startsWith('(') && text.endsWith(')') && isBalanced(text.slice(1, -1))) text = text.slice(1, -1).trim();
  }
  if (text === 'W') return 'given';
  const alone = /^[A-Za-z_$][\w$]*$/.test(text);
  const words = [...text.matchAll(/(?<![\w$.])[A-Za-z_$][\w$]*|\.\s*[A-Za-z_$][\w$]*/g)].map(([word]) => word.replace(/^\.\s*/, '.'));
  for (const word of words) {
    const bound = language.bindings.get(word);
    if (bound === undefined && language.pure.has(word)) continue;
    if (bound === undefined || word === 'W') return 'unknown';
    if (seen.has(word)) continue;
    for (const one of bound) {
      const origin = one === null ? 'unknown' : originOf(one, language, new Set([...seen, word]));
      if (origin === 'unknown' || (origin === 'given' && !alone)) return 'unknown';
      if (origin === 'given') return 'given';
    }
  }
  return 'proven';
}

function isBalanced(text: string): boolean {
  let depth = 0;
  for (const character of text) {
    if ('([{'.includes(character)) depth += 1;
    if (')]}'.includes(character) && (depth -= 1) < 0) return false;
  }
  return depth === 0;
}

/** The arguments of a call, from behind its opening parenthesis. */
export function argumentsAt(code: string, from: number): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = from;
  for (let at = from; at < code.length; at += 1) {
    const character = code[at]!;
    if ('([{'.includes(character)) depth += 1;
    else if (')]}'.includes(character)) {
      if (depth === 0) return [...parts, code.slice(start, at)].map((part) => part.trim()).filter((part) => part !== '');
      depth -= 1;
    } else if (character === ',' && depth === 0) {
      parts.push(code.slice(start, at));
      start = at + 1;
    }
  }
  return [...parts, code.slice(start)].map((part) => part.trim()).filter((part) => part !== '');
}

/**
 * What stands before the "." of a method that is called: names, literals and groups in brackets, dots between them. Empty where there is
 * no dot.
 */
export function receiverBefore(code: string, end: number): string {
  const stop = code.slice(0, end).trimEnd().length;
  if (code[stop - 1] !== '.') return '';
  let at = stop - 1;
  for (;;) {
    while (at > 0 && /\s/.test(code[at - 1]!)) at -= 1;
    while (at > 0 && /[)\]}]/.test(code[at - 1]!)) at = openingBefore(code, at);
    while (at > 0 && /["\w$]/.test(code[at - 1]!)) at -= 1;
    const before = code.slice(0, at).trimEnd();
    if (!before.endsWith('.')) return code.slice(at, stop - 1).trim();
    at = before.length - 1;
  }
}

/** The place of the bracket that the one before a place closes. */
function openingBefore(code: string, end: number): number {
  let depth = 0;
  for (let at = end - 1; at >= 0; at -= 1) {
    if (')]}'.includes(code[at]!)) depth += 1;
    if ('([{'.includes(code[at]!) && (depth -= 1) === 0) return at;
  }
  return 0;
}

/** Statements of a text whose lines end one where no bracket is open. */
export function statementsOf(code: string, ends: string): string[] {
  const statements: string[] = [];
  let depth = 0;
  let start = 0;
  for (let at = 0; at < code.length; at += 1) {
    const character = code[at]!;
    if ('([{'.includes(character)) depth += 1;
    else if (')]}'.includes(character)) depth = Math.max(0, depth - 1);
    else if (depth === 0 && ends.includes(character)) {
      statements.push(code.slice(start, at));
      start = at + 1;
    }
  }
  return [...statements, code.slice(start)].map((statement) => statement.trim()).filter((statement) => statement !== '');
}

/** The place of a character outside of brackets. */
export function outerIndex(text: string, wanted: RegExp): number {
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at]!;
    if ('([{'.includes(character)) depth += 1;
    else if (')]}'.includes(character)) depth -= 1;
    else if (depth === 0 && wanted.test(text.slice(at))) return at;
  }
  return -1;
}
