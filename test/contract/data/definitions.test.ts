import { Ajv } from 'ajv';
import addFormatsModule from 'ajv-formats';
import { describe, expect, test } from 'vitest';
import type { Json, JsonSchema } from '../../../src/core/json.ts';
import { checkChain, parseChain } from '../../../src/data/preprocess/chain.ts';
import { transformRegistry } from '../../../src/data/transforms/index.generated.ts';
import { readerRegistry } from '../../../src/data/readers/index.generated.ts';
import { expectationRegistry } from '../../../src/data/expectations/index.generated.ts';
import type { ColumnData, DataKind, VectorData } from '../../../src/data/transforms/column-data.ts';
import { findExpectation } from '../../../src/data/expectations/find-expectation.ts';

const addFormats = addFormatsModule as unknown as (ajv: Ajv) => void;

function validator(schema: JsonSchema): (value: unknown) => boolean {
  const ajv = new Ajv({ strict: true, allowUnionTypes: true, strictRequired: false });
  addFormats(ajv);
  return ajv.compile(schema) as (value: unknown) => boolean;
}

/** Every object of a schema is closed and every property says what it is. */
function looseParts(schema: unknown, path: string): string[] {
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
    if (
      (value as { description?: unknown; const?: unknown }).description === undefined &&
      (value as { const?: unknown }).const === undefined
    )
      problems.push(`${path}/${name} has no description`);
    problems.push(...looseParts(value, `${path}/${name}`));
  }
  for (const option of (schema as { oneOf?: unknown[] }).oneOf ?? []) problems.push(...looseParts(option, `${path}|`));
  return problems;
}

const SAMPLES: Readonly<Record<DataKind, { data: () => ColumnData; empty: () => ColumnData }>> = {
  number: {
    data: () => ({ kind: 'number', values: Float64Array.of(3, 1, 2, 1, 5) }),
    empty: () => ({ kind: 'number', values: new Float64Array(0) }),
  },
  timestamp: {
    data: () => ({ kind: 'timestamp', values: Float64Array.of(0, 86_400_000, 1e12, -1e12, 5) }),
    empty: () => ({ kind: 'timestamp', values: new Float64Array(0) }),
  },
  text: { data: () => ({ kind: 'text', values: ['low', 'high', 'middle', 'low', 'low'] }), empty: () => ({ kind: 'text', values: [] }) },
  image: {
    data: () => ({
      kind: 'image',
      channels: 1,
      size: [2, 2],
      values: Array.from({ length: 5 }, (_, k) => ({ width: 2, height: 2, channels: 1, data: Uint8Array.of(k, 10, 20, 255) })),
    }),
    empty: () => ({ kind: 'image', channels: 1, size: [2, 2], values: [] }),
  },
  pixels: {
    data: () => ({ kind: 'pixels', shape: [1, 2, 1], values: Float32Array.from({ length: 10 }, (_, k) => k) }),
    empty: () => ({ kind: 'pixels', shape: [1, 2, 1], values: new Float32Array(0) }),
  },
  vector: {
    data: () => ({ kind: 'vector', width: 1, parts: [''], values: new Float32Array(5) }),
    empty: () => ({ kind: 'vector', width: 1, parts: [''], values: new Float32Array(0) }),
  },
  tokens: {
    data: () => ({ kind: 'tokens', length: 1, vocabularySize: 2, values: new Int32Array(5) }),
    empty: () => ({ kind: 'tokens', length: 1, vocabularySize: 2, values: new Int32Array(0) }),
  },
};

function describeData(data: ColumnData): unknown {
  const {
    values: _values,
    places: _places,
    beside = undefined,
    ...rest
  } = { ...data } as ColumnData & { beside?: VectorData; places?: Float64Array };
  return { ...rest, beside: beside?.parts ?? [] };
}

describe.each(transformRegistry.all().map((transform) => [transform.name, transform] as const))('transform %s', (name, transform) => {
  test('has a closed, described schema that accepts its examples and its default', () => {
    expect(looseParts(transform.configSchema, '')).toEqual([]);
    const valid = validator(transform.configSchema);
    for (const example of transform.examples) expect(valid(example)).toBe(true);
    const { default: standard } = transform.configSchema as { default?: Json };
    expect(standard === undefined).toBe(transform.needsConfig === true);
    if (standard !== undefined) {
      expect(valid(standard)).toBe(true);
      expect(transform.resolve(standard)).toEqual(transform.resolve(null));
    }
  });

  const cases = transform.takes.flatMap((kind) =>
    [...transform.examples, ...(transform.needsConfig === true ? [] : [null])].map((value) => [kind, value] as const),
  );
  test.each(cases)('of %s with %j: keeps rows and input, says its kind, and survives JSON', async (kind, value) => {
    // Text takes no constant number and no indicator; those are refused by name.
    if (name === 'impute' && kind === 'text') value = 'mostFrequent';
    if (name === 'ordinal' && kind === 'number') value = null;
    const [link] = parseChain([value === null ? name : { [name]: value }], 'x');
    const scope = { column: 'x', kind, seed: 1, firstRow: 0 };
    let state: Json = null;
    if (transform.fit !== undefined) {
      const fitter = transform.fit(link!.config, scope);
      fitter.add(SAMPLES[kind].data());
      state = fitter.finish();
      expect(JSON.parse(JSON.stringify(state))).toEqual(state);
    }
    const input = SAMPLES[kind].data();
    const result = await transform.apply(input, link!.config, state, scope);
    expect(input).toEqual(SAMPLES[kind].data());
    expect(result.kind).toBe(transform.gives(kind, link!.config));
    expect(describeData(result)).toMatchObject({ beside: transform.beside?.(link!.config) ?? [] });
    const empty = await transform.apply(SAMPLES[kind].empty(), link!.config, state, scope);
    expect(describeData(empty)).toEqual(describeData(result));
    const again = await transform.apply(SAMPLES[kind].data(), link!.config, JSON.parse(JSON.stringify(state)), scope);
    expect(again).toEqual(result);
  });
});

describe.each(readerRegistry.all().map((reader) => [reader.format, reader] as const))('reader %s', (format, reader) => {
  test('has a closed, described schema with its format as a const, that accepts its examples', () => {
    expect(looseParts(reader.configSchema, '')).toEqual([]);
    expect(reader.configSchema).toMatchObject({ properties: { format: { const: format } } });
    const valid = validator(reader.configSchema);
    for (const example of reader.examples) expect(valid(example)).toBe(true);
    expect(valid({ format, path: 'x', other: 1 })).toBe(false);
  });
});

describe.each(expectationRegistry.all().map((expectation) => [expectation.name, expectation] as const))(
  'expectation %s',
  (name, expectation) => {
    test('has a closed, described schema that accepts its examples, and is found by its key', () => {
      expect(looseParts(expectation.configSchema, '')).toEqual([]);
      const valid = validator(expectation.configSchema);
      for (const example of expectation.examples) {
        expect(valid(example)).toBe(true);
        expect(findExpectation(example).name).toBe(name);
      }
    });
  },
);

test('a chain is followed by kinds, also where the column is not known yet', () => {
  expect(checkChain(parseChain(['oneHot', 'standardize'], 'x'), undefined)).toMatchObject({
    at: 1,
    message: expect.stringContaining('several numbers per row'),
  });
  expect(checkChain(parseChain(['lowercase'], 'x'), 'text')).toMatchObject({ at: 1, fix: expect.stringContaining('oneHot') });
  expect(checkChain(parseChain([{ impute: 'median' }, 'standardize'], 'x'), undefined)).toBeUndefined();
});
