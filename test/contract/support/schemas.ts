import { Ajv } from 'ajv';
import addFormatsModule from 'ajv-formats';
import { readFileSync } from 'node:fs';
import type { JsonSchema } from '../../../src/core/json.ts';

const addFormats = addFormatsModule as unknown as (ajv: Ajv) => void;

/** What several schemas refer to: activations, initializers, layers inside of layers. */
const { definitions } = JSON.parse(readFileSync(new URL('../../../schemas/generated/pipeline.schema.json', import.meta.url), 'utf8')) as {
  definitions: Readonly<Record<string, JsonSchema>>;
};

export function validator(schema: JsonSchema): (value: unknown) => boolean {
  const ajv = new Ajv({ strict: true, allowUnionTypes: true, strictRequired: false });
  addFormats(ajv);
  // Words for editors.
  ajv.addVocabulary(['enumDescriptions', 'markdownDescription', 'defaultSnippets']);
  const needed = definitionsOf(schema);
  return ajv.compile(Object.keys(needed).length === 0 ? schema : { ...schema, definitions: needed }) as (value: unknown) => boolean;
}

/** Those that a schema refers to, and those that these refer to. */
function definitionsOf(schema: JsonSchema): Record<string, JsonSchema> {
  const found: Record<string, JsonSchema> = {};
  const follow = (text: string): void => {
    for (const [, name] of text.matchAll(/"#\/definitions\/([^"]+)"/g)) {
      if (found[name!] !== undefined) continue;
      found[name!] = definitions[name!]!;
      follow(JSON.stringify(definitions[name!]));
    }
  };
  follow(JSON.stringify(schema));
  return found;
}

/** Every object of a schema is closed and every property says what it is. */
export function looseParts(schema: unknown, path = ''): string[] {
  if (typeof schema !== 'object' || schema === null) return [];
  const { type, properties, additionalProperties, description } = schema as {
    type?: unknown;
    properties?: Record<string, unknown>;
    additionalProperties?: unknown;
    description?: unknown;
  };
  const problems: string[] = [];
  if (type === 'object' && additionalProperties === undefined) problems.push(`${path} is open`);
  if (path === '' && description === undefined) problems.push('no description');
  for (const [name, value] of Object.entries(properties ?? {})) {
    // What it refers to is described there.
    const told = ['description', 'const', '$ref'].some((key) => (value as Record<string, unknown>)[key] !== undefined);
    if (!told) problems.push(`${path}/${name} has no description`);
    problems.push(...looseParts(value, `${path}/${name}`));
  }
  for (const option of (schema as { oneOf?: unknown[] }).oneOf ?? []) problems.push(...looseParts(option, `${path}|`));
  return problems;
}
