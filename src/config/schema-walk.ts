import { isDeepStrictEqual } from 'node:util';
import type { Json, JsonObject, JsonSchema } from '../core/json.ts';
import { schema as documentSchema } from '../../schemas/generated/validate.js';
import { fromPointer } from './pointer.ts';

/** A schema node, as far as this code looks into it. */
export interface SchemaNode {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly const?: Json;
  readonly enum?: readonly Json[];
  readonly default?: Json;
  readonly description?: string;
  readonly examples?: readonly Json[];
  readonly pattern?: string;
  readonly propertyNames?: SchemaNode;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly additionalProperties?: boolean | SchemaNode;
  readonly patternProperties?: Readonly<Record<string, SchemaNode>>;
  readonly items?: SchemaNode | readonly SchemaNode[];
  readonly allOf?: readonly SchemaNode[];
  readonly anyOf?: readonly SchemaNode[];
  readonly oneOf?: readonly SchemaNode[];
  readonly not?: SchemaNode;
  readonly if?: SchemaNode;
  readonly then?: SchemaNode;
  readonly else?: SchemaNode;
  readonly definitions?: Readonly<Record<string, SchemaNode>>;
  readonly 'x-named'?: string;
}

/** The document's schema in the form that decides every branch by if/then. */
export const rootSchema = documentSchema as JsonSchema as SchemaNode;

export function definition(name: string): SchemaNode | undefined {
  return rootSchema.definitions?.[name];
}

/** Follows `$ref`s; members beside a `$ref` win. */
export function resolveRef(node: SchemaNode): SchemaNode {
  let at = node;
  while (at.$ref !== undefined) {
    const { $ref, ...beside } = at;
    at = { ...definition($ref.slice('#/definitions/'.length)), ...beside };
  }
  return at;
}

/**
 * Whether a value fits, as far as it takes to tell branches apart: types, constants, keys. Bounds and patterns of texts that decide on a
 * branch count too.
 */
export function fits(schema: SchemaNode, value: Json): boolean {
  const node = resolveRef(schema);
  if (node.type !== undefined && ![node.type].flat().some((type) => hasType(value, type as string))) return false;
  if (node.const !== undefined && !isDeepStrictEqual(node.const, value)) return false;
  if (node.enum !== undefined && !node.enum.some((choice) => isDeepStrictEqual(choice, value))) return false;
  if (node.pattern !== undefined && typeof value === 'string' && !new RegExp(node.pattern, 'u').test(value)) return false;
  if (node.not !== undefined && fits(node.not, value)) return false;
  if (node.allOf !== undefined && !node.allOf.every((part) => fits(part, value))) return false;
  if (node.anyOf !== undefined && !node.anyOf.some((part) => fits(part, value))) return false;
  if (node.oneOf !== undefined && !node.oneOf.some((part) => fits(part, value))) return false;
  if (Array.isArray(value))
    return node.items === undefined || Array.isArray(node.items) || value.every((item) => fits(node.items as SchemaNode, item));
  if (!isObject(value)) return true;
  if (!(node.required ?? []).every((key) => Object.hasOwn(value, key))) return false;
  const properties = node.properties ?? {};
  for (const [key, child] of Object.entries(value)) {
    if (Object.hasOwn(properties, key)) {
      if (!fits(properties[key]!, child)) return false;
    } else if (
      node.additionalProperties === false &&
      !Object.keys(node.patternProperties ?? {}).some((pattern) => new RegExp(pattern, 'u').test(key))
    )
      return false;
  }
  return true;
}

function hasType(value: Json, type: string): boolean {
  if (type === 'null') return value === null;
  if (type === 'array') return Array.isArray(value);
  if (type === 'object') return isObject(value);
  if (type === 'integer') return Number.isInteger(value);
  return typeof value === type;
}

export function isObject(value: Json | undefined): value is JsonObject {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

/**
 * Every schema node that applies to the value at a pointer: what `properties` and `items` lead to, and with it what `allOf` and the
 * branch chosen by `if` add. Unions that decide nothing are not followed.
 */
export function nodesAt(root: Json, pointer: string): SchemaNode[] {
  let nodes = applicable(rootSchema, root);
  let value = root;
  for (const segment of fromPointer(pointer)) {
    const child = memberOf(value, segment);
    if (child === undefined) return [];
    nodes = nodes.flatMap((node) => {
      const next = childSchema(node, value, segment);
      return next === undefined ? [] : applicable(next, child);
    });
    value = child;
  }
  return nodes;
}

function applicable(schema: SchemaNode, value: Json): SchemaNode[] {
  const node = resolveRef(schema);
  const branch = node.if === undefined ? undefined : fits(node.if, value) ? node.then : node.else;
  return [
    node,
    ...(node.allOf ?? []).flatMap((part) => applicable(part, value)),
    ...(branch === undefined ? [] : applicable(branch, value)),
  ];
}

function childSchema(node: SchemaNode, value: Json, segment: string): SchemaNode | undefined {
  if (Array.isArray(value)) return Array.isArray(node.items) ? node.items[Number(segment)] : (node.items as SchemaNode | undefined);
  if (Object.hasOwn(node.properties ?? {}, segment)) return node.properties![segment];
  for (const [pattern, schema] of Object.entries(node.patternProperties ?? {})) if (new RegExp(pattern, 'u').test(segment)) return schema;
  return typeof node.additionalProperties === 'object' ? node.additionalProperties : undefined;
}

function memberOf(value: Json, segment: string): Json | undefined {
  if (Array.isArray(value)) return value[Number(segment)];
  return isObject(value) && Object.hasOwn(value, segment) ? value[segment] : undefined;
}
