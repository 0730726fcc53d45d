import { PerennialError } from '../core/errors.ts';
import type { Json, JsonObject } from '../core/json.ts';
import type { StepResult } from '../core/step.ts';
import { credentialsIn } from '../platform/environment.ts';

/** Values below this length would hit by chance. */
const MASKED_CHARS_MIN = 4;
/** Keys of objects, and bytes of files, are held against secrets of this length at least: structure is not spoilt by chance. */
export const CERTAIN_CHARS_MIN = 8;

/** Every secret that this process has read so far. Kept for its life: whatever speaks of one later is masked as well. */
const read = new Set<string>();

/** @throws SECRET_MISSING */
export function secretOf(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === '')
    throw new PerennialError('SECRET_MISSING', `The secret "${name}" is not in the environment of this worker.`, {
      hint: `Set ${name} in the environment of the worker and start it again.`,
    });
  rememberSecret(value);
  return value;
}

/** From now on {@link mask} hides this value. */
export function rememberSecret(value: string): void {
  read.add(value);
}

/** Names of the secrets that a configuration asks for. */
export function secretNames(config: Json): string[] {
  const names = new Set<string>();
  resolveSecrets({ config }, (name) => {
    names.add(name);
    return '';
  });
  return [...names].sort();
}

/** The configuration with every `{ "$secret": "NAME" }` in place of its value, and the values that were used. */
export function resolveSecrets(
  config: JsonObject,
  secret: (name: string) => string = secretOf,
): { readonly config: JsonObject; readonly used: readonly string[] } {
  const used = new Set<string>();
  const visit = (value: Json): Json => {
    if (Array.isArray(value)) return value.map(visit);
    if (typeof value !== 'object' || value === null) return value;
    const keys = Object.keys(value);
    if (keys.length === 1 && typeof value.$secret === 'string') {
      const resolved = secret(value.$secret);
      used.add(resolved);
      return resolved;
    }
    return Object.fromEntries(keys.map((key) => [key, visit(value[key]!)]));
  };
  return { config: visit(config) as JsonObject, used: [...used] };
}

/** What has to be hidden now: secrets that were read, and whatever in this process's environment looks like a credential. */
export function knownSecrets(): string[] {
  return [...new Set([...read, ...credentialsIn()])].filter((value) => value.length >= MASKED_CHARS_MIN);
}

/**
 * Puts `***` in place of every secret that this process knows, in texts at any depth. For all that is logged, stored, or sent to Temporal.
 */
export function mask<T>(value: T): T {
  return redact(value, knownSecrets());
}

/** A step's result without secrets. References keep their kind and digest: a digest tells nothing, and has to stay one. */
export function maskResult(result: StepResult): StepResult {
  const { outputs, ...rest } = result;
  return {
    ...mask(rest),
    outputs: Object.fromEntries(Object.entries(outputs).map(([name, ref]) => [name, { ...ref, summary: mask(ref.summary) }])),
  };
}

/**
 * Puts `***` in place of secrets, in texts at any depth, also where they stand escaped as in JSON, addresses or shells. Values below four
 * characters are left: they would hit by chance.
 */
export function redact<T>(value: T, secrets: readonly string[]): T {
  const pattern = patternOf(secrets);
  if (pattern === undefined) return value;
  const numbers = new Set(secrets);
  const visit = (item: unknown): unknown => {
    if (typeof item === 'string') return item.replace(pattern.all, '***');
    if (typeof item === 'number') return numbers.has(String(item)) && String(item).length >= MASKED_CHARS_MIN ? '***' : item;
    if (Array.isArray(item)) return item.map(visit);
    if (typeof item === 'object' && item !== null)
      return Object.fromEntries(
        Object.entries(item).map(([key, member]) => [
          pattern.certain === undefined ? key : key.replace(pattern.certain, '***'),
          visit(member),
        ]),
      );
    return item;
  };
  return visit(value) as T;
}

interface Pattern {
  readonly all: RegExp;
  /** Of the longer secrets alone. */
  readonly certain: RegExp | undefined;
}

let last: { readonly key: string; readonly pattern: Pattern | undefined } = { key: '', pattern: undefined };

function patternOf(secrets: readonly string[]): Pattern | undefined {
  const key = secrets.join('\0');
  if (key !== last.key) {
    const spellings = secrets.flatMap(spellingsOf);
    const all = alternatives(spellings);
    last = {
      key,
      pattern: all === undefined ? undefined : { all, certain: alternatives(spellings.filter((text) => text.length >= CERTAIN_CHARS_MIN)) },
    };
  }
  return last.pattern;
}

const MARKUP: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#x27;' };

/** A text of JSON in ASCII. */
function ascii(json: string): string {
  return json.replace(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** A text as Python writes it in ASCII. */
function inAscii(text: string): string {
  return [...text]
    .map((character) => {
      const code = character.codePointAt(0)!;
      if (character === "'" || character === '\\') return `\\${character}`;
      if (character === '\n') return '\\n';
      if (code >= 0x20 && code <= 0x7e) return character;
      const digits = code.toString(16);
      return code < 0x100
        ? `\\x${digits.padStart(2, '0')}`
        : code < 0x10000
          ? `\\u${digits.padStart(4, '0')}`
          : `\\U${digits.padStart(8, '0')}`;
    })
    .join('');
}

/** Fewer characters of base64 than this would hit by chance. */
const BASE64_CHARS_MIN = 10;

/**
 * What base64 makes of bytes wherever they begin in a longer text, as "user:secret" does: without the characters at both ends that what
 * stands before and after has a part in. Three beginnings, two alphabets.
 */
function inBase64(bytes: Buffer): string[] {
  return [0, 1, 2].flatMap((before) => {
    const whole = Buffer.concat([Buffer.alloc(before), bytes])
      .toString('base64')
      .replace(/=+$/, '');
    const first = before === 0 ? 0 : before + 1;
    const last = Math.floor(((before + bytes.length) * 8) / 6);
    const inside = whole.slice(first, last);
    return inside.length < BASE64_CHARS_MIN ? [] : [inside, inside.replaceAll('+', '-').replaceAll('/', '_')];
  });
}

/** The longest first: a secret that begins like another leaves nothing of it. */
function alternatives(texts: readonly string[]): RegExp | undefined {
  if (texts.length === 0) return undefined;
  const sorted = [...new Set(texts)].sort((a, b) => b.length - a.length);
  return new RegExp(sorted.map((text) => text.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&')).join('|'), 'g');
}

/**
 * How a secret is written: as it is, inside JSON, an address, Python or a shell; and line by line, since output comes in lines. What the
 * many ways of escaping make of it stands here as whole texts, which texts and files are held against.
 */
export function spellingsOf(secret: string): string[] {
  const json = JSON.stringify(secret).slice(1, -1);
  const bytes = Buffer.from(secret, 'utf8');
  const hex = (byte: number): string => byte.toString(16).padStart(2, '0');
  const percent = (plain: RegExp): string =>
    [...bytes].map((byte) => (plain.test(String.fromCharCode(byte)) ? String.fromCharCode(byte) : `%${hex(byte).toUpperCase()}`)).join('');
  const quoted = [...bytes].map((byte) =>
    byte === 0x27 || byte === 0x5c
      ? `\\${String.fromCharCode(byte)}`
      : byte === 10
        ? '\\n'
        : byte < 0x20 || byte > 0x7e
          ? `\\x${hex(byte)}`
          : String.fromCharCode(byte),
  );
  const spellings = [
    secret,
    secret.trim(),
    json,
    // As programs write JSON that hold to ASCII.
    ascii(json),
    ascii(json).replace(/\\u[0-9a-f]{4}/g, (code) => `\\u${code.slice(2).toUpperCase()}`),
    json.replaceAll('/', '\\/'),
    // JSON inside JSON.
    JSON.stringify(json).slice(1, -1),
    JSON.stringify(ascii(json)).slice(1, -1),
    encodeURIComponent(secret),
    // Everything but letters, digits and -_.~ (RFC 3986); with "/" left as it is; with "+" for a space; as forms are sent.
    percent(/[\w.~-]/),
    percent(/[\w.~-]/).replace(/%../g, (code) => code.toLowerCase()),
    percent(/[\w.~/-]/),
    percent(/[\w.~ -]/).replaceAll(' ', '+'),
    percent(/[\w.* -]/).replaceAll(' ', '+'),
    // Python: a text, and bytes.
    secret.replace(/[\\'\n]/g, (character) => (character === '\n' ? '\\n' : `\\${character}`)),
    secret.replace(/[\\\n]/g, (character) => (character === '\n' ? '\\n' : `\\${character}`)),
    inAscii(secret),
    quoted.join(''),
    quoted.join('').replaceAll("\\'", "'"),
    bytes.toString('hex'),
    bytes.toString('hex').toUpperCase(),
    secret.replace(/[&<>"']/g, (character) => MARKUP[character]!),
    secret.replace(/[$`"\\]/g, '\\$&'),
    secret.replaceAll("'", `'\\''`),
    ...inBase64(bytes),
  ];
  const lines = secret.includes('\n')
    ? secret
        .split('\n')
        .map((line) => line.trim())
        .filter((line) => line.length >= CERTAIN_CHARS_MIN)
    : [];
  return [...new Set([...spellings, ...lines])].filter((text) => text.length >= MASKED_CHARS_MIN);
}
