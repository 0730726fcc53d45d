import { PerennialError } from '../core/errors.ts';
import type { Json, JsonObject } from '../core/json.ts';

/** @throws SECRET_MISSING */
export function secretOf(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === '')
    throw new PerennialError('SECRET_MISSING', `The secret "${name}" is not in the environment of this worker.`, { hint: `Set ${name} in the environment of the worker and start it again.` });
  return value;
}

/** The configuration with every `{ "$secret": "NAME" }` in place of its value, and the values that were used. */
export function resolveSecrets(config: JsonObject, secret: (name: string) => string = secretOf): { readonly config: JsonObject; readonly used: readonly string[] } {
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

/** Puts `***` in place of secrets, in texts at any depth. Values below four characters are left: they would hit by chance. */
export function redact<T>(value: T, secrets: readonly string[]): T {
  const hidden = secrets.filter((secret) => secret.length >= 4);
  if (hidden.length === 0) return value;
  const visit = (item: unknown): unknown => {
    if (typeof item === 'string') return hidden.reduce((text, secret) => text.replaceAll(secret, '***'), item);
    if (Array.isArray(item)) return item.map(visit);
    if (typeof item === 'object' && item !== null) return Object.fromEntries(Object.entries(item).map(([key, member]) => [key, visit(member)]));
    return item;
  };
  return visit(value) as T;
}
