import { setOwn } from '../../core/json.ts';

/** What a text of JSON may hold besides JSON, and how deep it may be nested. */
export interface JsonRules {
  /** Integers beyond 2^53 become BigInt; otherwise they are rounded, as the runtime's parser does. */
  readonly exactIntegers?: boolean;
  /** Also reads `NaN`, `Infinity` and `-Infinity`. */
  readonly tokens?: boolean;
  /** Arrays and objects inside each other. Below what recursive code of the runtime (JSON.stringify) can follow. */
  readonly depthMax?: number;
  /**
   * "cut": a {@link TooDeep} stands for what is nested deeper, so that who does not read it need not mind. Otherwise the text is refused.
   */
  readonly deeper?: 'refuse' | 'cut';
  /** Keys of one object. An object of millions takes the runtime seconds for each look at it. More is a RangeError. Default: any number. */
  readonly keysMax?: number;
}

/** Stands for arrays and objects that are nested deeper than anything behind the parser can follow. They were well-formed. */
export class TooDeep {
  readonly message: string;

  constructor(depthMax: number, at: number) {
    this.message = `nested deeper than ${depthMax} levels at character ${at}`;
  }

  toJSON(): string {
    return `(${this.message})`;
  }
}

/** Deeper values are refused where they are read: nothing behind the parser has to fear them. */
export const JSON_DEPTH_MAX = 1_000;

/** Nobody nests values so deep, read or not: what a text of mere brackets costs is bounded. */
const CUT_DEPTH_MAX = 100_000;
/** Texts up to this length take the runtime's parser: milliseconds, whatever they hold. */
const WHOLE_CHARS_MAX = 64 * 1024;
/** Characters of numbers that are given to the runtime's parser at once. */
const RUN = /[-\d][-+.\deE, \t\r\n]{0,65535}/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const TOKEN = /-?(?:NaN|Infinity)/y;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const SPACE = /[ \t\r\n]*/y;
/** A run of so many digits may be an integer that a number does not hold, but not behind the point of a fraction. */
const LONG = /(?<![.\d])\d{16}/;
/** The same without a look behind, which is quicker where there is none. */
const DIGITS = /\d{16}/;
/** More digits are no identifier; turning them into an integer takes long. */
const DIGITS_MAX = 1_000;
const VALUES: Readonly<Record<string, number>> = {
  NaN: Number.NaN,
  '-NaN': Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  '-Infinity': Number.NEGATIVE_INFINITY,
};
const WORDS: Readonly<Record<string, unknown>> = { t: true, f: false, n: null };
/** Values between two looks at the clock. */
const STEP = 2_048;
/** How long others wait for a large text. */
const TURN_MS = 8;

/** A text of JSON as a value, at once. @throws SyntaxError naming the character */
export function parseText(text: string, rules: JsonRules = {}): unknown {
  const simple = simply(text, rules);
  if (simple !== undefined) return simple.value;
  const steps = valueIn(text, rules);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/**
 * The same for texts of any size: what takes milliseconds at most, at once; else a promise, while others get their turn every few
 * milliseconds. @throws as {@link parseText}, at once or by the promise
 */
export function parseInTurns(text: string, rules: JsonRules = {}): unknown {
  const simple = text.length <= WHOLE_CHARS_MAX ? simply(text, rules) : undefined;
  return simple === undefined ? valueInTurns(text, rules) : simple.value;
}

async function valueInTurns(text: string, rules: JsonRules): Promise<unknown> {
  const steps = valueIn(text, rules);
  for (let started = performance.now(); ;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    if (performance.now() - started < TURN_MS) continue;
    await new Promise((resolve) => setImmediate(resolve));
    started = performance.now();
  }
}

/** By the runtime's parser, where that says the same; undefined where it may not. */
function simply(
  text: string,
  { exactIntegers = false, tokens = false, depthMax = JSON_DEPTH_MAX }: JsonRules,
): { readonly value: unknown } | undefined {
  if (exactIntegers && DIGITS.test(text) && LONG.test(text)) return undefined;
  if (mayBeDeeper(text, depthMax)) return undefined;
  try {
    return { value: JSON.parse(text) as unknown };
  } catch (error) {
    if (tokens) return undefined;
    throw error;
  }
}

/** Whether so many arrays and objects are opened at all. */
function mayBeDeeper(text: string, depthMax: number): boolean {
  // Each has to be closed as well.
  if (text.length <= 2 * depthMax) return false;
  let opened = 0;
  for (const bracket of ['[', '{'])
    for (let at = text.indexOf(bracket); at !== -1 && opened <= depthMax; at = text.indexOf(bracket, at + 1)) opened += 1;
  return opened > depthMax;
}

type Container = unknown[] | Record<string, unknown>;

/** One pass without recursion; pauses after every {@link STEP} values. */
function* valueIn(
  text: string,
  { exactIntegers = false, tokens = false, depthMax = JSON_DEPTH_MAX, deeper = 'refuse', keysMax = Number.POSITIVE_INFINITY }: JsonRules,
): Generator<void, unknown> {
  const stack: Container[] = [];
  const keys: string[] = [];
  /** Keys so far of each container of the stack. */
  const sizes: number[] = [];
  let at = 0;
  let count = 0;
  let noRunBefore = 0;
  const cut = new CutLevels();

  const fail = (): never => {
    throw new SyntaxError(
      at >= text.length
        ? 'Unexpected end of JSON input'
        : `Unexpected ${JSON.stringify(String.fromCodePoint(text.codePointAt(at)!))} at character ${at}`,
    );
  };
  const skip = (): void => {
    SPACE.lastIndex = at;
    SPACE.test(text);
    at = SPACE.lastIndex;
  };
  const string = (): string => {
    const start = at;
    if (text[at] !== '"') fail();
    for (at += 1; at < text.length && text.charCodeAt(at) !== QUOTE; at += 1) if (text.charCodeAt(at) === BACKSLASH) at += 1;
    if (at >= text.length) fail();
    at += 1;
    try {
      return JSON.parse(text.slice(start, at)) as string;
    } catch {
      throw new SyntaxError(`The text at character ${start} holds a control character or an escape that JSON does not have`);
    }
  };
  const number = (): unknown => {
    NUMBER.lastIndex = at;
    const [literal = ''] = NUMBER.exec(text) ?? [];
    if (literal !== '' && !(tokens && text.startsWith('-I', at))) {
      at += literal.length;
      const value = Number(literal);
      return exactIntegers && !Number.isSafeInteger(value) && literal.length <= DIGITS_MAX && /^-?\d+$/.test(literal)
        ? BigInt(literal)
        : value;
    }
    TOKEN.lastIndex = at;
    const [token = ''] = (tokens ? TOKEN.exec(text) : null) ?? [];
    if (token === '') fail();
    at += token.length;
    return VALUES[token];
  };
  /** Numbers of an array, all but the last of a run; the number of values. */
  const numbers = (into: unknown[]): number => {
    if (at < noRunBefore) return 0;
    RUN.lastIndex = at;
    const [run = ''] = RUN.exec(text) ?? [];
    const end = run.lastIndexOf(',');
    if (end <= 0 || (exactIntegers && LONG.test(run))) {
      noRunBefore = at + run.length;
      return 0;
    }
    try {
      const found = JSON.parse(`[${run.slice(0, end)}]`) as number[];
      for (const value of found) into.push(value);
      at += end + 1;
      return found.length;
    } catch {
      noRunBefore = at + run.length; // the slow way names the character
      return 0;
    }
  };
  const key = (): void => {
    skip();
    const name = string();
    if (cut.depth === 0) {
      keys.push(name);
      if ((sizes[stack.length - 1]! += 1) > keysMax)
        throw new RangeError(`an object holds more than ${keysMax.toLocaleString('en')} keys at character ${at}`);
    }
    skip();
    if (text[at] !== ':') fail();
    at += 1;
  };

  for (;;) {
    const parent = cut.top ?? stack.at(-1);
    if (Array.isArray(parent)) {
      skip();
      const read = numbers(cut.depth === 0 ? parent : []);
      count += read;
      if (read > STEP) yield;
    }
    skip();
    let value: unknown;
    const first = text[at];
    if (first === '[' || first === '{') {
      const tooDeep = stack.length >= depthMax;
      if (tooDeep && deeper === 'refuse') throw new SyntaxError(`It is nested deeper than ${depthMax} levels at character ${at}`);
      if (cut.depth >= CUT_DEPTH_MAX)
        throw new SyntaxError(`It is nested deeper than ${depthMax + CUT_DEPTH_MAX} levels at character ${at}`);
      if (tooDeep && cut.depth === 0) cut.first = new TooDeep(depthMax, at);
      at += 1;
      value = first === '[' ? [] : {};
      skip();
      if (text[at] !== (first === '[' ? ']' : '}')) {
        if (tooDeep) cut.push(first === '[');
        else sizes[stack.push(value as Container) - 1] = 0;
        if (first === '{') key();
        // Of mere brackets others wait as long as of values.
        if ((count += 1) % STEP === 0) yield;
        continue;
      }
      at += 1;
      if (tooDeep && cut.depth === 0) value = cut.first;
    } else if (first === '"') value = string();
    else if (first !== undefined && first in WORDS) {
      const word = String(WORDS[first]);
      if (!text.startsWith(word, at)) fail();
      at += word.length;
      value = WORDS[first];
    } else value = number();

    // The value is whole: into its container, and out of those that end with it.
    for (;;) {
      count += 1;
      if (count % STEP === 0) yield;
      const inCut = cut.depth > 0;
      const container = cut.top ?? stack.at(-1);
      skip();
      if (container === undefined) {
        if (at < text.length) fail();
        return value;
      }
      const list = Array.isArray(container);
      if (inCut) value = undefined;
      else if (list) container.push(value);
      else setOwn(container, keys.pop()!, value);
      if (text[at] === ',') {
        at += 1;
        if (!list) key();
        break;
      }
      if (text[at] !== (list ? ']' : '}')) fail();
      at += 1;
      value = inCut ? cut.pop() : stack.pop();
    }
  }
}

const LIST: readonly never[] = [];
const OBJECT = {};

/** Arrays and objects that are open beyond the depth: a byte each, as there may be millions. */
class CutLevels {
  depth = 0;
  /** What stands for the outermost of them. */
  first: TooDeep | undefined;
  #isList = new Uint8Array(1_024);

  /** Something of the kind of the innermost; undefined: none is open. */
  get top(): Container | undefined {
    if (this.depth === 0) return undefined;
    return this.#isList[this.depth - 1] === 1 ? (LIST as unknown as Container) : OBJECT;
  }

  push(isList: boolean): void {
    if (this.depth === this.#isList.length) {
      const larger = new Uint8Array(2 * this.depth);
      larger.set(this.#isList);
      this.#isList = larger;
    }
    this.#isList[this.depth] = isList ? 1 : 0;
    this.depth += 1;
  }

  /** @returns what stands for all of them, once the outermost is closed */
  pop(): TooDeep | undefined {
    this.depth -= 1;
    return this.depth === 0 ? this.first : undefined;
  }
}
