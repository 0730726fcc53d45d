import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import type { Json } from '../../src/core/json.ts';
import { parseChain } from '../../src/data/preprocess/chain.ts';
import type { ColumnData, DataKind, NumberData, TextData, VectorData } from '../../src/data/transforms/column-data.ts';
import { transformRegistry } from '../../src/data/transforms/index.generated.ts';
import type { TransformDefinition } from '../../src/data/transforms/transform.ts';
import { describeLaws, goldenLaw } from './support/laws.ts';
import { looseParts, validator } from './support/schemas.ts';

const ROWS = 6;
const SAMPLES: Readonly<Record<DataKind, () => ColumnData>> = {
  number: () => ({ kind: 'number', values: Float64Array.of(3, 1, 2, 1, 5, 4) }),
  timestamp: () => ({ kind: 'timestamp', values: Float64Array.of(0, 86_400_000, 1e12, -1e12, 5, 9e11) }),
  text: () => ({ kind: 'text', values: ['low', 'high', 'middle', 'low', 'low', 'high'] }),
  image: () => ({
    kind: 'image',
    channels: 1,
    size: [2, 2],
    values: Array.from({ length: ROWS }, (_, k) => ({ width: 2, height: 2, channels: 1, data: Uint8Array.of(k, 10, 20, 255) })),
  }),
  pixels: () => ({ kind: 'pixels', shape: [1, 2, 1], values: Float32Array.from({ length: 2 * ROWS }, (_, k) => k) }),
  vector: () => ({ kind: 'vector', width: 1, parts: [''], values: Float32Array.of(1, 2, 3, 4, 5, 6) }),
  tokens: () => ({ kind: 'tokens', length: 1, vocabularySize: 2, values: Int32Array.of(0, 1, 0, 1, 1, 0) }),
};

function widthOf(data: ColumnData): number {
  if (data.kind === 'pixels') return data.shape[0] * data.shape[1] * data.shape[2];
  if (data.kind === 'vector') return data.width;
  return data.kind === 'tokens' ? data.length : 1;
}

/** Some rows of a column, and of what lies beside it. */
function rowsOf(data: ColumnData, rows: readonly number[]): ColumnData {
  const width = widthOf(data);
  const values = Array.isArray(data.values)
    ? rows.map((row) => (data.values as readonly unknown[])[row])
    : new (data.values.constructor as Float64ArrayConstructor)(
        rows.flatMap((row) => [...(data.values as Float64Array).subarray(row * width, (row + 1) * width)]),
      );
  const { beside } = data as { beside?: VectorData };
  return { ...data, values, ...(beside === undefined ? {} : { beside: rowsOf(beside, rows) }) } as ColumnData;
}

/** What tells rows apart: the values and what lies beside them, without what was only worked out on the way. */
function told(data: ColumnData): unknown {
  const { values, beside } = data as { values: ArrayLike<unknown>; beside?: VectorData };
  return {
    kind: data.kind,
    width: widthOf(data),
    values: [...(values as unknown[])],
    beside: beside === undefined ? [] : [...beside.values],
  };
}

interface Fitted {
  readonly kind: DataKind;
  readonly value: Json;
  apply(data: ColumnData): Promise<ColumnData>;
  readonly config: unknown;
  readonly state: Json;
}

/** Every kind that it takes, with every example and the bare name, fitted in two batches. */
function fitted(transform: TransformDefinition): Fitted[] {
  return transform.takes.flatMap((kind) =>
    [...transform.examples, ...(transform.needsConfig === true ? [] : [null])].map((given) => {
      // Text takes no constant number and no indicator, a number no order of texts; those are refused by name.
      const value =
        transform.name === 'impute' && kind === 'text' ? 'mostFrequent' : transform.name === 'ordinal' && kind === 'number' ? null : given;
      const config = transform.resolve(value) as unknown;
      const scope = { column: 'x', kind, seed: 1, firstRow: 0 };
      let state: Json = null;
      const fitter = transform.fit?.(config, scope);
      if (fitter !== undefined) {
        fitter.add(rowsOf(SAMPLES[kind](), [0, 1]));
        fitter.add(rowsOf(SAMPLES[kind](), [2, 3, 4, 5]));
        state = fitter.finish();
      }
      return { kind, value, config, state, apply: async (data) => transform.apply(data, config, state, scope) };
    }),
  );
}

interface Worked {
  readonly value: Json;
  readonly input: ColumnData;
  readonly want: readonly unknown[];
}

const image = (...pixels: readonly number[]): { width: number; height: number; channels: number; data: Uint8Array } => ({
  width: 1,
  height: 1,
  channels: pixels.length,
  data: Uint8Array.from(pixels),
});
const images = (channels: 1 | 3, ...values: readonly ReturnType<typeof image>[]): ColumnData =>
  ({ kind: 'image', channels, size: [values[0]!.height, values[0]!.width], values }) as ColumnData;
const HOUR = 3_600_000;

/** Worked out by hand; fitted on the very values. */
const VALUES: Readonly<Record<string, Worked>> = {
  clip: { value: [0, 2], input: { kind: 'number', values: Float64Array.of(-1, 1, Infinity, Number.NaN) }, want: [0, 1, 2, Number.NaN] },
  cyclical: {
    value: { period: 'day' },
    input: { kind: 'timestamp', values: Float64Array.of(0, 6 * HOUR, 12 * HOUR) },
    want: [0, 1, 1, 0, 0, -1],
  },
  // 0.299, 0.587 and 0.114 of 255, rounded. ITU-R BT.601.
  grayscale: { value: null, input: images(3, image(255, 0, 0), image(0, 255, 0), image(0, 0, 255)), want: [[76], [150], [29]] },
  // Of our own hash, and pinned: other buckets would turn served models around.
  hashing: { value: 4, input: { kind: 'text', values: ['a', 'b', null] }, want: [0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0] },
  lookup: { value: null, input: { kind: 'text', values: ['b', 'a', 'b'] }, want: [3, 2, 3] },
  lowercase: { value: null, input: { kind: 'text', values: ['ÄPFEL', 'B', null] }, want: ['äpfel', 'b', null] },
  normalize: {
    value: { mean: [0.5], std: [0.25] },
    input: { kind: 'pixels', shape: [1, 2, 1], values: Float32Array.of(0.5, 1) },
    want: [0, 2],
  },
  rescale: { value: [-1, 1], input: images(1, image(0), image(255), image(51)), want: [-1, 1, -0.6] },
  resize: { value: [1, 1], input: images(1, { width: 2, height: 2, channels: 1, data: Uint8Array.of(7, 7, 7, 7) }), want: [[7]] },
  tokenize: { value: { vocabulary: 20, length: 4 }, input: { kind: 'text', values: ['a b a', 'c'] }, want: [2, 3, 2, 0, 4, 0, 0, 0] },
};

const laws = {
  'has a closed, described schema that accepts its examples and its default': (transform: TransformDefinition) => {
    expect(looseParts(transform.configSchema)).toEqual([]);
    const valid = validator(transform.configSchema);
    for (const example of transform.examples) expect(valid(example)).toBe(true);
    const { default: standard } = transform.configSchema as { default?: Json };
    expect(standard === undefined).toBe(transform.needsConfig === true);
    if (standard !== undefined) expect(transform.resolve(standard)).toEqual(transform.resolve(null));
  },
  'what becomes of a row depends on no other row, nor on the size of a batch': async (transform: TransformDefinition) => {
    for (const { kind, apply } of fitted(transform)) {
      const all = await apply(SAMPLES[kind]());
      for (const rows of [[0], [1], [2, 3, 4, 5], [5, 3, 1], []])
        expect(told(await apply(rowsOf(SAMPLES[kind](), rows)))).toEqual(told(rowsOf(all, rows)));
    }
  },
  'leaves its input alone, and gives the kind that it says': async (transform: TransformDefinition) => {
    for (const { kind, config, apply } of fitted(transform)) {
      const input = SAMPLES[kind]();
      const result = await apply(input);
      expect(input).toEqual(SAMPLES[kind]());
      expect(result.kind).toBe(transform.gives(kind, config));
      expect((result as { beside?: VectorData }).beside?.parts ?? []).toEqual(transform.beside?.(config) ?? []);
    }
  },
  'what was learnt is plain JSON, so that training and serving agree': async (transform: TransformDefinition) => {
    for (const { kind, value, state, apply } of fitted(transform)) {
      const [link] = parseChain([value === null ? transform.name : { [transform.name]: value }], 'x');
      const served = JSON.parse(JSON.stringify(state)) as Json;
      expect(served).toEqual(state);
      const definition = { ...transform };
      const scope = { column: 'x', kind, seed: 1, firstRow: 1_000 };
      expect(told(await definition.apply(SAMPLES[kind](), link!.config, served, scope))).toEqual(told(await apply(SAMPLES[kind]())));
    }
  },
  '`each` does to one number what `apply` does to a column': async (transform: TransformDefinition) => {
    for (const { kind, config, state, apply } of fitted(transform)) {
      const each = transform.each?.(config, state, { column: 'x', kind });
      if (each === undefined) continue;
      const input = SAMPLES[kind]() as NumberData;
      expect(Float64Array.from(input.values, each)).toEqual(((await apply(input)) as NumberData).values);
    }
  },
  '`invert` gives what the transform makes the same of': async (transform: TransformDefinition) => {
    if (transform.invert === undefined) return;
    for (const { kind, config, state, apply } of fitted(transform)) {
      if (kind !== 'number' && kind !== 'text') continue;
      const there = await apply(SAMPLES[kind]());
      const back = transform.invert(there as NumberData | TextData | VectorData, config, state, (there as { beside?: VectorData }).beside);
      const again = told(await apply(back)) as { values: unknown[] };
      expect(again).toMatchObject(near(told(there)) as object);
    }
  },
  'gives the values that were worked out by hand': async (transform: TransformDefinition) => {
    const worked = VALUES[transform.name];
    if (worked === undefined) return;
    const config = transform.resolve(worked.value) as unknown;
    const scope = { column: 'x', kind: worked.input.kind, seed: 1, firstRow: 0 };
    const fitter = transform.fit?.(config, scope);
    fitter?.add(worked.input);
    const result = await transform.apply(worked.input, config, (fitter?.finish() ?? null) as Json, scope);
    const values = [...(result.values as ArrayLike<unknown> & Iterable<unknown>)];
    expect(values.map((one) => (one !== null && typeof one === 'object' ? [...(one as { data: Uint8Array }).data] : one))).toEqual(
      near(worked.want),
    );
  },
  'has a golden value, or a reason for none': goldenLaw<TransformDefinition>('transform', ({ name }) => name, {
    names: new Set([
      ...Object.keys(VALUES),
      ...Object.keys(JSON.parse(readFileSync(new URL('../golden/data/transforms.json', import.meta.url), 'utf8')) as object).flatMap(
        (key) => transformRegistry.names().filter((name) => key.toLowerCase().startsWith(name.toLowerCase())),
      ),
    ]),
    add: 'Let test/golden/data/make_transforms.py work one out under its name and compare it in transforms.test.ts, or put values that can be checked by hand into VALUES of test/contract/transforms.test.ts.',
    file: 'test/contract/transforms.test.ts',
    reasons: { bucketize: 'Its edges are "quantileBins" and "widthBins" of the golden file, from scikit-learn.' },
  }),
};

/** Rounding of float32 on the way. */
function near(value: unknown): unknown {
  if (typeof value === 'number') return Number.isNaN(value) ? value : (expect.closeTo(value, 4) as unknown);
  if (Array.isArray(value)) return value.map(near);
  if (typeof value === 'object' && value !== null) return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, near(one)]));
  return value;
}

const standardize = transformRegistry.get('standardize');
const mutant = (parts: Partial<TransformDefinition>): TransformDefinition => ({ ...standardize, ...parts });
const shifted = (data: ColumnData, by: (values: Float64Array) => number): NumberData => {
  const { values } = data as NumberData;
  return { kind: 'number', values: (values as Float64Array).map((value) => value + by(values as Float64Array)) };
};

describeLaws<TransformDefinition>({
  kind: 'transform',
  definitions: transformRegistry.all(),
  nameOf: ({ name }) => name,
  laws,
  mutants: {
    'has a closed, described schema that accepts its examples and its default': [
      mutant({ configSchema: { type: 'object', properties: { a: {} } } }),
      mutant({ examples: [{ misspelt: 1 }] }),
    ],
    'what becomes of a row depends on no other row, nor on the size of a batch': [
      mutant({ apply: (data) => shifted(data, (values) => values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length)) }),
      mutant({ apply: (data) => shifted(data, (values) => values.length) }),
    ],
    'leaves its input alone, and gives the kind that it says': [
      mutant({
        apply: (data) => {
          (data as { values: Float64Array }).values[0] = 7;
          return data;
        },
      }),
      mutant({ gives: () => 'vector' }),
      mutant({ beside: () => ['a number'] }),
    ],
    'what was learnt is plain JSON, so that training and serving agree': [
      mutant({ fit: () => ({ add() {}, finish: () => ({ mean: Number.NaN, std: 1 }) }) }),
      mutant({ apply: (data, _config, _state, { firstRow }) => shifted(data, () => firstRow) }),
    ],
    '`each` does to one number what `apply` does to a column': [mutant({ each: () => (value) => value + 1 })],
    '`invert` gives what the transform makes the same of': [mutant({ invert: (data) => shifted(data, () => 100) })],
    'gives the values that were worked out by hand': [{ ...transformRegistry.get('clip'), apply: (data: ColumnData) => data }],
    'has a golden value, or a reason for none': [mutant({ name: 'new' })],
  },
});
