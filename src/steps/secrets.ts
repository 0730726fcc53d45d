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

/** The longest first: a secret that begins like another leaves nothing of it. */
function alternatives(texts: readonly string[]): RegExp | undefined {
  if (texts.length === 0) return undefined;
  const sorted = [...new Set(texts)].sort((a, b) => b.length - a.length);
  return new RegExp(sorted.map((text) => text.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&')).join('|'), 'g');
}

/** How a secret is written: as it is, inside JSON, an address, Python or a shell; and line by line, since output comes in lines. */
export function spellingsOf(secret: string): string[] {
  const json = JSON.stringify(secret).slice(1, -1);
  const spellings = [
    secret,
    secret.trim(),
    json,
    encodeURIComponent(secret),
    secret.replace(/[\\'\n]/g, (character) => (character === '\n' ? '\\n' : `\\${character}`)),
    secret.replace(/[$`"\\]/g, '\\$&'),
    secret.replaceAll("'", `'\\''`),
  ];
  const lines = secret.includes('\n')
    ? secret
        .split('\n')
        .map((line) => line.trim())
        .filter((line) => line.length >= CERTAIN_CHARS_MIN)
    : [];
  return [...new Set([...spellings, ...lines])].filter((text) => text.length >= MASKED_CHARS_MIN);
}
