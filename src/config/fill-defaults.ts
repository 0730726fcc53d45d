import type { Json, JsonObject } from '../core/json.ts';
import { fits, isObject, resolveRef } from './schema-walk.ts';
import type { SchemaNode } from './schema-walk.ts';

/**
 * A copy of the value with every default of the schema filled in, in one pass from the outside to the inside. A bare name of a
 * definition with defaults ("adam") becomes `{ "adam": { … } }`. The value must fit the schema.
 */
export function fillDefaults(schema: SchemaNode, value: Json): Json {
  const node = resolveRef(schema);
  let filled = value;
  if (node['x-named'] !== undefined) return typeof filled === 'string' ? expandName(node, filled) : fillNamed(node, filled);
  if (isObject(filled)) filled = fillObject(node, filled);
  else if (Array.isArray(filled) && node.items !== undefined && !Array.isArray(node.items))
    filled = filled.map((item) => fillDefaults(node.items as SchemaNode, item));
  for (const part of node.allOf ?? []) filled = fillDefaults(part, filled);
  const branch = node.if === undefined ? undefined : fits(node.if, filled) ? node.then : node.else;
  if (branch !== undefined) filled = fillDefaults(branch, filled);
  const chosen = [...(node.anyOf ?? []), ...(node.oneOf ?? [])].find((part) => fits(part, filled));
  return chosen === undefined ? filled : fillDefaults(chosen, filled);
}

function fillObject(node: SchemaNode, value: JsonObject): JsonObject {
  const out: JsonObject = {};
  const properties = node.properties ?? {};
  for (const [key, child] of Object.entries(value)) {
    const schema = Object.hasOwn(properties, key) ? properties[key] : otherSchema(node, key);
    out[key] = schema === undefined ? child : fillDefaults(schema, child);
  }
  for (const [key, property] of Object.entries(properties)) {
    if (Object.hasOwn(out, key)) continue;
    const fallback = resolveRef(property).default;
    if (fallback !== undefined) out[key] = fillDefaults(property, structuredClone(fallback));
  }
  return out;
}

function otherSchema(node: SchemaNode, key: string): SchemaNode | undefined {
  for (const [pattern, schema] of Object.entries(node.patternProperties ?? {})) if (new RegExp(pattern, 'u').test(key)) return schema;
  return typeof node.additionalProperties === 'object' ? node.additionalProperties : undefined;
}

/** `{ name: configuration }`: the defaults of the one that is named, and no other names. */
function fillNamed(node: SchemaNode, value: Json): Json {
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, config]) => {
      const schema = configOf(node, name);
      return [name, schema === undefined ? config : fillDefaults(schema, config)];
    }),
  );
}

/** The object form of a bare name, where that adds anything. */
function expandName(node: SchemaNode, name: string): Json {
  const config = configOf(node, name);
  if (config === undefined) return name;
  const filled = fillDefaults(config, structuredClone(resolveRef(config).default ?? {}));
  return isObject(filled) && Object.keys(filled).length === 0 ? name : { [name]: filled };
}

function configOf(node: SchemaNode, name: string): SchemaNode | undefined {
  const keyed = [node, ...(node.allOf ?? []).map((part) => part.then ?? {})].find((part) => Object.hasOwn(part.properties ?? {}, name));
  return keyed?.properties?.[name];
}
