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
