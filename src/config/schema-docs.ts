import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PerennialError } from '../core/errors.ts';
import type { Json, JsonObject } from '../core/json.ts';
import type { StepDefinition } from '../core/step.ts';
import { packageRoot } from '../platform/paths.ts';
import { LOCAL_STEP, catalogue } from './catalogue.ts';
import { list } from './diagnostic.ts';
import { meantBy } from './meant.ts';
import { definition, resolveRef, rootSchema } from './schema-walk.ts';
import type { SchemaNode } from './schema-walk.ts';

/** Kinds that documents name: those of which the schema has definitions. */
const KINDS: readonly string[] = Object.keys(rootSchema.definitions ?? {}).filter(
  (kind, _at, all) => !kind.includes('.') && all.some((name) => name.startsWith(`${kind}.`)),
);

export function kinds(): readonly string[] {
  return KINDS;
}

/** @throws NOT_FOUND, naming the nearest */
export function existingKind(kind: string): string {
  return existing('kind', kind, KINDS);
}

export function namesOf(kind: string): string[] {
  const prefix = `${kind}.`;
  const all = Object.keys(rootSchema.definitions ?? {})
    .filter((name) => name.startsWith(prefix))
    .map((name) => name.slice(prefix.length));
  // A definition's own definitions carry its name as a prefix.
  return all.filter((name) => !all.some((other) => name.startsWith(`${other}.`)));
}

export function summaryOf(kind: string, name: string): string {
  if (kind === 'step') return catalogue.get(name)?.summary ?? '';
  const node = definition(`${kind}.${name}`);
  const tag = ['format', 'architecture', 'type'].map((key) => node?.properties?.[key]).find((property) => property?.const === name);
  return node?.description ?? tag?.description ?? '';
}

/** The composed schema that editors use. */
export function editorSchema(): JsonObject {
  return JSON.parse(readFileSync(join(packageRoot(), 'schemas/generated/pipeline.schema.json'), 'utf8')) as JsonObject;
}

/** The schema of one kind or one definition, complete: with the definitions that it refers to. @throws NOT_FOUND */
export function schemaOf(kind: string, name?: string): JsonObject {
  const whole = editorSchema();
  if (kind === 'document') return whole;
  const all = whole['definitions'] as Record<string, Json>;
  const key = name === undefined ? existingKind(kind) : `${existingKind(kind)}.${existing(kind, name, namesOf(kind))}`;
  const needed: Record<string, Json> = {};
  const collect = (node: Json | undefined): void => {
    for (const [, ref] of JSON.stringify(node ?? null).matchAll(/"\$ref":"#\/definitions\/([^"]+)"/g)) {
      if (Object.hasOwn(needed, ref!)) continue;
      needed[ref!] = all[ref!]!;
      collect(all[ref!]);
    }
  };
  collect(all[key]);
  return { $schema: 'http://json-schema.org/draft-07/schema#', ...(all[key] as JsonObject), definitions: needed };
}

/** True where a step has no ports but those that its configuration names. */
function saidByConfig({ ports, inputs, outputs }: StepDefinition): boolean {
  return ports !== undefined && Object.keys(inputs).length === 0 && Object.keys(outputs).length === 0;
}

/** Documentation of a definition as text. @throws NOT_FOUND */
export function describe(kind: string, name?: string): string {
  if (kind === 'document') return [rootSchema.description ?? '', '', ...keyLines(rootSchema)].join('\n');
  const found = existing(kind, name ?? '', namesOf(existingKind(kind)));
  const node = definition(`${kind}.${found}`)!;
  const lines = [`${kind} ${found}`, summaryOf(kind, found)];
  const step = kind === 'step' ? catalogue.get(found) : undefined;
  if (step !== undefined) {
    const ports = (all: typeof step.inputs): string =>
      Object.entries(all)
        .map(([port, { kind: what, optional }]) => `${port}${port === what ? '' : ` (${what})`}${optional === true ? ' (optional)' : ''}`)
        .join(', ') || 'nothing';
    lines.push(
      '',
      `takes  ${saidByConfig(step) ? 'what its configuration says' : ports(step.inputs)}`,
      `gives  ${saidByConfig(step) ? 'what its configuration says' : ports(step.outputs)}`,
      `cached ${step.cacheable ? 'yes' : 'never: it acts outside of the run'}`,
    );
  }
  lines.push('', ...(node.properties === undefined ? [`Value: ${typeOf(node)}`] : keyLines(node)));
  for (const example of step?.examples ?? [])
    lines.push('', `Example: ${example.title}`, indent(JSON.stringify(exampleStep(found, example.config as JsonObject), null, 2)));
  return lines.join('\n');
}

/** A local step is used by its path, which its configuration holds. */
function exampleStep(type: string, config: JsonObject): JsonObject {
  if (type !== LOCAL_STEP) return { uses: type, with: config };
  const { path, ...rest } = config;
  return { uses: path!, with: rest };
}

function keyLines(node: SchemaNode): string[] {
  const keys = Object.entries(node.properties ?? {});
  if (keys.length === 0) return ['It takes no configuration.'];
  return keys.flatMap(([key, property]) => {
    const schema = resolveRef(property);
    const facts = [
      typeOf(property),
      ...(node.required?.includes(key) === true ? ['required'] : []),
      ...(schema.default === undefined ? [] : [`default ${JSON.stringify(schema.default)}`]),
    ];
    const example = schema.examples?.[0];
    return [
      `${key}  (${facts.join(', ')})`,
      ...(schema.description === undefined ? [] : [`    ${schema.description}`]),
      ...(example === undefined ? [] : [`    e.g. ${JSON.stringify(example)}`]),
      // Objects of the definition's own are spelled out; what is a kind of its own has its own page.
      ...(property.$ref === undefined && schema.properties !== undefined ? keyLines(schema).map((line) => `    ${line}`) : []),
    ];
  });
}

/** The type of a value in a few words; a kind is named, not spelled out. */
function typeOf(node: SchemaNode): string {
  const kind = node.$ref?.slice('#/definitions/'.length);
  if (kind !== undefined && KINDS.includes(kind)) return /^[aeo]/.test(kind) ? `an ${kind}` : `a ${kind}`;
  if (node.allOf?.length === 1) return typeOf(node.allOf[0]!);
  const schema = resolveRef(node);
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return schema.enum.map((choice) => JSON.stringify(choice)).join(' | ');
  const types = [schema.type ?? []].flat() as string[];
  if (types.length === 0) return [...new Set((schema.oneOf ?? schema.anyOf ?? []).map(typeOf))].join(' or ') || 'anything';
  if (types.length === 1 && types[0] === 'array' && schema.items !== undefined && !Array.isArray(schema.items))
    return `list of ${typeOf(schema.items as SchemaNode).replace(/^an? (.*)$/, '$1s')}`;
  return types.join(' | ');
}

function existing(what: string, name: string, names: readonly string[]): string {
  if (names.includes(name)) return name;
  const suggestion = meantBy(name, names);
  throw new PerennialError('NOT_FOUND', `There is no ${what} ${JSON.stringify(name)}.`, {
    hint: suggestion === undefined ? `There is ${list(names, 60)}.` : `Did you mean ${JSON.stringify(suggestion)}?`,
  });
}

const indent = (text: string): string => text.replace(/^/gm, '  ');
