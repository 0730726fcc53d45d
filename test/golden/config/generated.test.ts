import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { beforeAll, describe, expect, it } from 'vitest';
import { steps } from '../../../activities/steps/index.generated.ts';
import type { JsonObject } from '../../../src/core/json.ts';
import { fillDefaults } from '../../../src/config/fill-defaults.ts';
import { rootSchema } from '../../../src/config/schema-walk.ts';
import { packageRoot } from '../../../src/platform/paths.ts';
import { validate } from '../../../schemas/generated/validate.js';

const generated = join(packageRoot(), 'schemas/generated');
const read = (name: string): string => readFileSync(join(generated, name), 'utf8');

describe('generated files', () => {
  it('follow from the definitions (run `npm run gen` and commit the result)', async () => {
    const { generate } = (await import(join(packageRoot(), 'scripts/gen.mjs'))) as { generate(): Promise<Record<string, string>> };
    const stale = Object.entries(await generate())
      .filter(([name, text]) => readFileSync(join(packageRoot(), name), 'utf8') !== text)
      .map(([name]) => name);
    expect(stale).toEqual([]);
  });
});

describe('the schemas', () => {
  const document = (step: JsonObject): JsonObject => ({ apiVersion: 'perennial/v1', name: 'x', steps: [step] });
  let editor: (document: unknown) => boolean;
  beforeAll(() => {
    // Editors read some keywords beside those of JSON Schema.
    const ajv = new Ajv({ strict: false, formats: { regex: true } });
    editor = ajv.compile(JSON.parse(read('pipeline.schema.json')) as JsonObject);
  });

  const examples = steps.flatMap((step) =>
    step.examples.map((example) => [`${step.type}: ${example.title}`, step.type, example.config as JsonObject] as const),
  );

  it.each(examples)('accept the example of %s', (_title, type, config) => {
    const { path, ...rest } = config;
    const step = type === 'script' ? { uses: path!, with: rest } : { uses: type, with: config };
    expect(validate(document(step)), JSON.stringify(validate.errors)).toBe(true);
    expect(editor(document(step))).toBe(true);
  });

  it.each(examples)('refuse one key more in %s', (_title, type, config) => {
    const { path, ...rest } = config;
    const step = type === 'script' ? { uses: path!, with: { ...rest, nope: 1 } } : { uses: type, with: { ...config, nope: 1 } };
    expect(validate(document(step))).toBe(false);
    expect(editor(document(step))).toBe(false);
  });

  it.each(examples)('still accept %s with all defaults, which are filled in once', (_title, type, config) => {
    const { path, ...rest } = config;
    const step = type === 'script' ? { uses: path!, with: rest } : { uses: type, with: config };
    const filled = fillDefaults(rootSchema, document(step));
    expect(validate(filled), JSON.stringify(validate.errors)).toBe(true);
    expect(fillDefaults(rootSchema, filled)).toEqual(filled);
  });

  it('let references to parameters stand for values in editors, and only there', () => {
    const step = document({
      uses: 'train',
      timeout: '${parameters.limit}',
      with: {
        model: { architecture: 'mlp', units: ['${parameters.units}'] },
        epochs: '${parameters.epochs}',
        optimizer: '${parameters.optimizer}',
      },
    });
    expect(editor(step)).toBe(true);
    expect(validate(step)).toBe(false);
  });

  it('close every object that lists its keys', () => {
    const open: string[] = [];
    const visit = (node: unknown, path: string): void => {
      if (node === null || typeof node !== 'object') return;
      const { type, properties, additionalProperties } = node as JsonObject;
      if (type === 'object' && properties !== undefined && additionalProperties === undefined) open.push(path);
      for (const [key, child] of Object.entries(node))
        if (!['examples', 'default', 'enum', 'const', 'defaultSnippets', 'if'].includes(key)) visit(child, `${path}/${key}`);
    };
    visit(JSON.parse(read('pipeline.schema.json')), '');
    expect(open).toEqual([]);
  });

  it('describe every key of every configuration', () => {
    const bare: string[] = [];
    const { definitions } = JSON.parse(read('pipeline.schema.json')) as { definitions: Record<string, JsonObject> };
    for (const [name, definition] of Object.entries(definitions)) {
      for (const [key, property] of Object.entries((definition['properties'] ?? {}) as Record<string, JsonObject>)) {
        const target = typeof property['$ref'] === 'string' ? definitions[property['$ref'].slice('#/definitions/'.length)] : undefined;
        const oneOfKind = definition['maxProperties'] === 1;
        if (property['description'] === undefined && target?.['description'] === undefined && !oneOfKind) bare.push(`${name}.${key}`);
      }
    }
    expect(bare).toEqual([]);
  });
});
