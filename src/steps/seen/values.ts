import { dirname } from 'node:path';

/**
 * What an expression of a program may be, as far as it is certain. Only what is evaluated exactly as the language does is known; every
 * other operator, method or function makes a name that only a run knows.
 */
export type Value =
  /** One of these; `*` stands for what a folder holds. */
  | { readonly kind: 'texts'; readonly texts: readonly string[] }
  /** A path that the program is told, or one below it. */
  | { readonly kind: 'told' }
  /** A word of the configuration or the command line, known as long as it stands alone. */
  | { readonly kind: 'given' }
  /** A part of what is told on standard input. */
  | { readonly kind: 'task'; readonly path: readonly string[] }
  | { readonly kind: 'list'; readonly of: Value }
  /** By the values of its members. */
  | { readonly kind: 'dict'; readonly of: Value }
  | { readonly kind: 'tuple'; readonly items: readonly Value[] }
  | { readonly kind: 'unknown'; readonly above?: boolean };

export const UNKNOWN: Value = { kind: 'unknown' };
export const TOLD: Value = { kind: 'told' };
/** More names than this are a folder. */
const TEXTS_MAX = 300;

export function elementOf(value: Value): Value {
  if (value.kind === 'list') return value.of;
  if (value.kind === 'tuple') return union(value.items);
  if (value.kind === 'given') return value;
  return UNKNOWN;
}

export function union(values: readonly Value[]): Value {
  if (values.length === 0) return UNKNOWN;
  const unknown = values.find((value) => value.kind === 'unknown');
  if (unknown !== undefined) return unknown;
  const [first] = values;
  if (values.every((value) => value.kind === 'texts')) {
    const texts = [...new Set(values.flatMap((value) => (value.kind === 'texts' ? value.texts : [])))];
    return texts.length > TEXTS_MAX ? UNKNOWN : { kind: 'texts', texts };
  }
  if (
    values.every((value) => value.kind === 'tuple') &&
    new Set(values.map((value) => value.kind === 'tuple' && value.items.length)).size === 1
  ) {
    const tuples = values.map((value) => (value.kind === 'tuple' ? value.items : []));
    return { kind: 'tuple', items: tuples[0]!.map((_, at) => union(tuples.map((items) => items[at]!))) };
  }
  if (values.length === 1) return first!;
  return values.every((value) => value.kind === first!.kind && (value.kind === 'told' || value.kind === 'given')) ? first! : UNKNOWN;
}

/** A text behind another, or a path below another. */
export function joined(left: Value, right: Value, between: '' | '/'): Value {
  if (left.kind === 'unknown') return left;
  if (right.kind === 'unknown') return right;
  // Nothing in front of it leaves a path what it is.
  if (left.kind === 'texts' && left.texts.every((text) => text === '')) return right;
  if (left.kind === 'told') {
    if (right.kind !== 'texts' || right.texts.some((text) => text.includes('..'))) return UNKNOWN;
    const absolute = right.texts.filter((text) => between === '/' && text.startsWith('/'));
    return absolute.length === 0 ? TOLD : UNKNOWN;
  }
  if (left.kind !== 'texts' || right.kind !== 'texts' || left.texts.length * right.texts.length > TEXTS_MAX) return UNKNOWN;
  const below = (front: string, back: string): string =>
    between === '' ? front + back : back.startsWith('/') || front === '' ? back : `${front.replace(/\/$/, '')}/${back}`;
  return { kind: 'texts', texts: left.texts.flatMap((front) => right.texts.map((back) => below(front, back))) };
}

/** @param file the source */
export function parentOf(value: Value, file: string): Value {
  if (value.kind !== 'texts') return value.kind === 'told' ? UNKNOWN : value;
  const folder = dirname(file);
  const parents = value.texts.map((text) => dirname(text));
  // Above the folder of a source lies what nobody counts.
  if (parents.some((parent) => folder.startsWith(`${parent}/`) || parent === '/')) return { kind: 'unknown', above: true };
  return { kind: 'texts', texts: parents };
}

/** A part of what is told on standard input: paths of inputs and outputs, words of the configuration. */
export function partOfTask(path: readonly string[]): Value {
  const [part, , member] = path;
  if (part === 'inputs' && member === 'path') return TOLD;
  if (part === 'outputs' && path.length === 2) return TOLD;
  if (part === 'values' || part === 'scratch') return TOLD;
  if (part === 'config' && path.length > 1) return { kind: 'given' };
  return { kind: 'task', path };
}

/** Patterns of names: what stands in brackets is any character. */
export function patterns(value: Value): Value {
  if (value.kind !== 'texts' || value.texts.some((text) => text.split('/').includes('..')))
    return value.kind === 'texts' ? { kind: 'unknown', above: true } : value;
  return { kind: 'texts', texts: value.texts.map((text) => text.replace(/\[[^\]]+\]/g, '?')) };
}
