import { PerennialError } from '../core/errors.ts';
import type { Json, JsonObject } from '../core/json.ts';
import type { StepResult } from '../core/step.ts';
import { credentialsIn } from '../platform/environment.ts';
import { SecretFinder } from './secret-finder.ts';
import { MASKED_CHARS_MIN } from './secret-spellings.ts';

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
 * Puts `***` in place of secrets, in texts at any depth, in whatever spelling {@link SecretFinder} knows. Values below four characters are
 * left: they would hit by chance.
 */
export function redact<T>(value: T, secrets: readonly string[]): T {
  const finder = finderOf(secrets);
  if (finder.isEmpty) return value;
  const visit = (item: unknown): unknown => {
    if (typeof item === 'string') return finder.hide(item);
    if (typeof item === 'number') return finder.numbers.has(String(item)) ? '***' : item;
    if (Array.isArray(item)) return item.map(visit);
    if (typeof item === 'object' && item !== null)
      return Object.fromEntries(Object.entries(item).map(([key, member]) => [finder.hideInKey(key), visit(member)]));
    return item;
  };
  return visit(value) as T;
}

let last: { readonly key: string; readonly finder: SecretFinder } | undefined;

/** What looks for these secrets, kept for as long as they are asked for again. */
export function finderOf(secrets: readonly string[]): SecretFinder {
  const key = secrets.join('\0');
  if (last?.key !== key) last = { key, finder: new SecretFinder(secrets) };
  return last.finder;
}
