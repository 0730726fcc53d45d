import { describe, expect, it } from 'vitest';
import { steps } from '../../../activities/steps/index.generated.ts';
import { fillDefaults } from '../../../src/config/fill-defaults.ts';
import { compileText } from '../../../src/config/plan-document.ts';
import { definition, isObject, resolveRef, rootSchema } from '../../../src/config/schema-walk.ts';
import type { SchemaNode } from '../../../src/config/schema-walk.ts';
import type { Json, JsonObject } from '../../../src/core/json.ts';
import { COLUMN_SCHEMA, declaredTypes } from '../../../src/data/ingest/column-schema.ts';
import type { DeclaredColumns } from '../../../src/data/ingest/column-schema.ts';
import { parseChain } from '../../../src/data/preprocess/chain.ts';
import type { TransformSpec } from '../../../src/data/preprocess/chain.ts';
import { transformRegistry } from '../../../src/data/transforms/index.generated.ts';
import { callbackRegistry } from '../../../src/training/callbacks/index.generated.ts';

/*
 * A step gets its configuration with every default filled in. What a default adds must not contradict what the document says: an option
 * that is documented and always refused can never run.
 */

const ingest = (more: JsonObject = {}): JsonObject => ({
  uses: 'ingest',
  with: { source: { format: 'csv', path: 'p.csv' }, label: 'y', ...more },
});
const LINE: readonly JsonObject[] = [
  ingest(),
  { uses: 'validate', with: { expect: [{ column: 'a', notNull: true }] } },
  { uses: 'preprocess', with: {} },
  { uses: 'train', with: { model: { architecture: 'mlp' } } },
  { uses: 'evaluate', with: {} },
  { uses: 'register', with: {} },
  { uses: 'deploy', with: {} },
];

function compile(line: readonly JsonObject[]) {
  return compileText('/somewhere/d.json', JSON.stringify({ apiVersion: 'perennial/v1', name: 'd', steps: line }));
}

/** Every schema below a node, through all branches; a definition is entered once on each way. */
function* below(schema: SchemaNode, within: readonly string[] = []): Generator<SchemaNode> {
  if (schema.$ref !== undefined && within.includes(schema.$ref)) return;
  const node = resolveRef(schema);
  const way = schema.$ref === undefined ? within : [...within, schema.$ref];
  yield node;
  const parts = [
    ...Object.values(node.properties ?? {}),
    ...(typeof node.additionalProperties === 'object' ? [node.additionalProperties] : []),
    ...(node.items === undefined ? [] : Array.isArray(node.items) ? node.items : [node.items as SchemaNode]),
    ...(node.allOf ?? []),
    ...(node.anyOf ?? []),
    ...(node.oneOf ?? []),
    ...(node.then === undefined ? [] : [node.then]),
    ...(node.else === undefined ? [] : [node.else]),
  ];
  for (const part of parts) yield* below(part, way);
}

describe('with its defaults filled in', () => {
  const formats = (['number', 'timestamp'] as const).flatMap((kind) =>
    [...below(COLUMN_SCHEMA as SchemaNode)].flatMap((node) => {
      const own = node.properties?.[kind];
      return own === undefined
        ? []
        : [
            ...(own.examples ?? []),
            ...Object.entries(own.properties ?? {}).flatMap(([name, part]) =>
              [...(part.examples ?? []), ...(part.enum ?? [])].map((one) => ({ [name]: one })),
            ),
          ].map((example): [string, Json] => [JSON.stringify({ [kind]: example }), { [kind]: example }]);
    }),
  );

  it.each(formats)('the column %s is read as the document says', (_, declared) => {
    const { plan, diagnostics } = compile([ingest({ columns: { 'a/b': 'number', c: declared } })]);
    expect(diagnostics).toEqual([]);
    expect(declaredTypes(plan!.steps[0]!.config['columns'] as unknown as DeclaredColumns)['c']).toMatchObject({ format: declared });
  });

  it('a column whose options exclude each other is named by the check of the document', () => {
    const { diagnostics } = compile([
      ingest({
        columns: {
          a: { timestamp: { unit: 's' } },
          'b/c': { timestamp: { unit: 's', format: 'dd/MM/yyyy' } },
          d: { timestamp: { zone: 'Mars' } },
        },
      }),
    ]);
    expect(diagnostics.map(({ message }) => message)).toEqual([
      expect.stringContaining('"b/c": timestamp: "unit" is of numbers'),
      expect.stringContaining('"d": "Mars" is no time zone'),
    ]);
    expect(diagnostics[0]).toMatchObject({ pointer: expect.stringContaining('/columns/b~1c') });
  });

  const transforms = transformRegistry.all().flatMap(({ name, examples, configSchema }) =>
    [...examples, ...((configSchema as SchemaNode).examples ?? [])].map((example): [string, TransformSpec] => {
      const spec = example === null || (isObject(example) && Object.keys(example).length === 0) ? name : { [name]: example as Json };
      return [JSON.stringify(spec), spec];
    }),
  );

  it.each(transforms)('the transform %s means what it means without them', (_, spec) => {
    const { plan, diagnostics } = compile([ingest(), { uses: 'preprocess', with: { features: { c: [spec] } } }]);
    expect(diagnostics).toEqual([]);
    const filled = (plan!.steps[1]!.config['features'] as unknown as { readonly c: readonly TransformSpec[] }).c;
    expect(parseChain(filled, 'c')[0]!.config).toEqual(parseChain([spec], 'c')[0]!.config);
  });

  /** Options that say something only together with another one. */
  const TOGETHER =
    /need a dataset that is split|With "anomaly" the examples hold no label|no step before it gives any|"\w+" says none of|^"path" goes with|^The mode "recent" needs/;
  const options = steps
    .filter(({ type }) => LINE.some((step) => step['uses'] === type))
    .flatMap(({ type, configSchema }) =>
      Object.entries((configSchema as SchemaNode).properties ?? {}).flatMap(([name, part]) =>
        (resolveRef(part).examples ?? []).map((example): [string, string, string, Json] => [`${type}.${name}`, type, name, example]),
      ),
    );

  it.each(options)('the option %s is accepted (%#)', (_, type, name, example) => {
    const { diagnostics } = compile(
      LINE.map((step) => (step['uses'] === type ? { ...step, with: { ...(step['with'] as JsonObject), [name]: example } } : step)),
    );
    expect(diagnostics.map(({ message }) => message).filter((message) => !TOGETHER.test(message))).toEqual([]);
  });

  it.each(callbackRegistry.all().map(({ name }) => [name]))('the callback %s is made', (name) => {
    const schema = definition(`callback.${name}`)!;
    const required = Object.fromEntries(
      (resolveRef(schema).required ?? []).map((key) => {
        const part = resolveRef(resolveRef(schema).properties![key]!);
        return [key, (part.examples ?? part.enum ?? [part.const])[0]!];
      }),
    ) as JsonObject;
    const facts = { epochs: 40, stepsPerEpoch: 3, steps: 120, numbers: ['loss', 'validationLoss', 'accuracy'] };
    expect(() => callbackRegistry.get(name).create(fillDefaults(schema, required), facts)).not.toThrow();
  });

  it('the walk above finds the examples of the document', () => {
    expect([...below(rootSchema)].filter(({ examples }) => examples !== undefined).length).toBeGreaterThan(500);
    expect(formats.length).toBeGreaterThan(10);
  });
});
