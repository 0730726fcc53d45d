import type { DefinitionRegistry } from '../../core/registry.ts';
import type { JsonSchema } from '../../core/json.ts';
import { PerennialError } from '../../core/errors.ts';

/** How documents name a definition: by its bare name (all defaults), or as an object with one key, the name. */
export type Named = string | Readonly<Record<string, unknown>>;

export interface Resolved<D> {
  readonly name: string;
  readonly definition: D;
  /** With every default of the schema filled in. */
  readonly config: Record<string, unknown>;
}

/** @throws CONFIG_INVALID for an unknown name, listing the known ones */
export function resolveNamed<D extends { readonly configSchema: JsonSchema }>(registry: DefinitionRegistry<D>, named: Named): Resolved<D> {
  const [name, config] = nameAndConfig(registry.kind, named);
  const definition = registry.get(name);
  return { name, definition, config: withDefaults(definition.configSchema, config) };
}

export function nameAndConfig(kind: string, named: Named): [string, Readonly<Record<string, unknown>>] {
  if (typeof named === 'string') return [named, {}];
  const entries = Object.entries(named);
  const [first] = entries;
  if (entries.length !== 1 || first === undefined) {
    throw new PerennialError(
      'CONFIG_INVALID',
      `A ${kind} is a name or an object with one key, its name; given was an object with the keys ${entries.map(([key]) => `"${key}"`).join(', ') || '(none)'}.`,
    );
  }
  const config = first[1];
  return [first[0], (config ?? {}) as Readonly<Record<string, unknown>>];
}

/** A copy with the defaults of the schema's own properties, nested objects included. */
export function withDefaults(schema: JsonSchema, config: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const filled: Record<string, unknown> = { ...config };
  const properties = (schema.properties ?? {}) as Record<string, JsonSchema>;
  for (const [name, property] of Object.entries(properties)) {
    if (filled[name] === undefined && property.default !== undefined) filled[name] = structuredClone(property.default);
    const value = filled[name];
    if (property.properties !== undefined && typeof value === 'object' && value !== null && !Array.isArray(value)) {
      filled[name] = withDefaults(property, value as Record<string, unknown>);
    }
  }
  return filled;
}
