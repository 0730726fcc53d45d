import { distance } from 'fastest-levenshtein';
import type { Json } from '../core/json.ts';

/** One mistake of a document, with all that is needed to correct it. */
export interface Diagnostic {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1, in UTF-16 code units. */
  readonly column: number;
  /** JSON pointer of the place. */
  readonly pointer: string;
  /** What is wrong, in one sentence. */
  readonly message: string;
  readonly given?: Json;
  /** What may stand there instead. */
  readonly allowed?: readonly string[];
  /** The allowed spelling nearest to the one given. */
  readonly suggestion?: string;
  /** What to do. */
  readonly fix?: string;
}

/** A mistake before it has a place in a file: `at` says whether the key or the value of the pointer is meant. */
export interface Finding extends Omit<Diagnostic, 'file' | 'line' | 'column'> {
  readonly at?: 'key' | 'value';
}

/** The nearest of the names, if it is near enough to be what was meant: a third of its letters may differ, and case does not count. */
export function nearest(given: string, names: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestDistance = Infinity;
  for (const name of names) {
    const [one, other] = [simple(given), simple(name)];
    // Letters in another order are one slip of the hand, which edit distance counts twice.
    const apart = one !== other && sorted(one) === sorted(other) ? 1 : distance(one, other);
    if (apart < bestDistance) [best, bestDistance] = [name, apart];
  }
  if (best === undefined) return undefined;
  if (bestDistance <= Math.max(1, Math.floor(Math.max(given.length, best.length) / 3))) return best;
  // A name cut short, as "log" for "log1p", where only one begins so.
  const begun = names.filter((name) => simple(given).length >= 3 && simple(name).startsWith(simple(given)));
  return begun.length === 1 ? begun[0] : undefined;
}

const sorted = (name: string): string => [...name].sort().join('');
const simple = (name: string): string => name.toLowerCase().replace(/[-_ ]/g, '');

/** A value for a message: JSON, cut short. */
export function show(value: Json | undefined): string {
  if (value === undefined) return 'nothing';
  const text = JSON.stringify(value);
  return text.length <= 60 ? text : `${text.slice(0, 57)}...`;
}

/** `"a", "b" and 3 more`. */
export function list(names: readonly string[], most = 24): string {
  const shown = names.slice(0, most).map((name) => JSON.stringify(name));
  return names.length > most ? `${shown.join(', ')} and ${names.length - most} more` : shown.join(', ');
}

/** The lines of a mistake: `file:line:column: message`, and below it what helps. */
export function formatDiagnostic(diagnostic: Diagnostic): string {
  const { file, line, column, pointer, message, allowed, suggestion, fix } = diagnostic;
  const lines = [`${file}:${line}:${column}: ${message}`];
  if (pointer !== '') lines.push(`  at       ${pointer}`);
  if (allowed !== undefined && allowed.length > 0) lines.push(`  allowed  ${list(allowed)}`);
  if (suggestion !== undefined) lines.push(`  meant?   ${JSON.stringify(suggestion)}`);
  if (fix !== undefined) lines.push(`  fix      ${fix}`);
  return lines.join('\n');
}

/** In the order of the document, each once. */
export function sortDiagnostics(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  const seen = new Map<string, Diagnostic>();
  for (const diagnostic of diagnostics) {
    const key = `${diagnostic.pointer}\n${diagnostic.line}:${diagnostic.column}\n${diagnostic.message}`;
    if (!seen.has(key)) seen.set(key, diagnostic);
  }
  return [...seen.values()].sort((a, b) => a.line - b.line || a.column - b.column);
}
