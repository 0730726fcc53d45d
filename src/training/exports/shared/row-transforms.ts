import type { FittedLink } from '../../../data/preprocess/chain.ts';
import { DataType } from '../../graph/graph-def.ts';
import type { Attribute, Node } from '../../graph/graph-def.ts';

/** A column on its way through its transforms, inside a graph. Numbers are float64 [rows], as outside of it. */
export type GraphColumn =
  { readonly kind: 'number' | 'text'; readonly value: string } | { readonly kind: 'vector' | 'pixels'; readonly value: string };

/** Operations that are added to a graph. */
export class Operations {
  readonly nodes: Node[] = [];
  readonly #prefix: string;

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  add(op: string, inputs: readonly string[], attributes: Readonly<Record<string, Attribute>> = {}): string {
    const name = `${this.#prefix}/${op}_${this.nodes.length}`;
    this.nodes.push({ name, op, inputs, attributes });
    return name;
  }

  /** An operation on values of one type. */
  on(type: number, op: string, ...inputs: string[]): string {
    return this.add(op, inputs, { T: { type } });
  }

  cast(value: string, from: number, to: number): string {
    return this.add('Cast', [value], { SrcT: { type: from }, DstT: { type: to } });
  }

  numbers(values: readonly number[], shape: readonly number[] = [], type: number = DataType.float64): string {
    const array =
      type === DataType.float64 ? Float64Array.from(values) : type === DataType.int32 ? Int32Array.from(values) : Float32Array.from(values);
    return this.add('Const', [], { dtype: { type }, value: { tensor: { dtype: type, shape, bytes: new Uint8Array(array.buffer) } } });
  }

  texts(texts: readonly string[], shape: readonly number[] = []): string {
    return this.add('Const', [], {
      dtype: { type: DataType.string },
      value: { tensor: { dtype: DataType.string, shape, bytes: new Uint8Array(), texts } },
    });
  }

  choose(type: number, condition: string, yes: string, no: string): string {
    return this.on(type, 'SelectV2', condition, yes, no);
  }

  /** [rows] → [rows, 1] */
  column(value: string, type: number): string {
    return this.add('ExpandDims', [value, this.numbers([1], [], DataType.int32)], { T: { type }, Tdim: { type: DataType.int32 } });
  }

  reshape(value: string, type: number, shape: readonly number[]): string {
    return this.add('Reshape', [value, this.numbers(shape, [shape.length], DataType.int32)], {
      T: { type },
      Tshape: { type: DataType.int32 },
    });
  }

  join(values: readonly string[]): string {
    if (values.length === 1) return values[0]!;
    return this.add('ConcatV2', [...values, this.numbers([1], [], DataType.int32)], {
      N: { i: values.length },
      T: { type: DataType.float32 },
      Tidx: { type: DataType.int32 },
    });
  }

  reduce(op: string, value: string, type?: number): string {
    return this.add(op, [value, this.numbers([1], [], DataType.int32)], {
      ...(type === undefined ? {} : { T: { type } }),
      Tidx: { type: DataType.int32 },
      keep_dims: { b: false },
    });
  }
}

const { float32: FLOAT, float64: DOUBLE, string: TEXT, bool: BOOL } = DataType;

type Translate = (graph: Operations, column: GraphColumn, config: any, state: any) => GraphColumn;

const number = (value: string): GraphColumn => ({ kind: 'number', value });
const vector = (value: string): GraphColumn => ({ kind: 'vector', value });
const missing = (graph: Operations, { kind, value }: GraphColumn): string =>
  kind === 'text' ? graph.add('Equal', [value, graph.texts([''])], { T: { type: TEXT } }) : graph.on(DOUBLE, 'IsNan', value);

/** [rows, categories] bool. */
function matches(graph: Operations, { kind, value }: GraphColumn, categories: readonly string[]): string {
  const type = kind === 'text' ? TEXT : DOUBLE;
  const known =
    kind === 'text' ? graph.texts(categories, [1, categories.length]) : graph.numbers(categories.map(Number), [1, categories.length]);
  return graph.add('Equal', [graph.column(value, type), known], { T: { type } });
}

const scaled = (graph: Operations, value: string, center: number, size: number): string =>
  graph.on(DOUBLE, 'RealDiv', graph.on(DOUBLE, 'Sub', value, graph.numbers([center])), graph.numbers([size]));

/** Rows that cannot be answered: NaN in every part. */
function spoiled(graph: Operations, bad: string, value: string): string {
  return graph.choose(FLOAT, graph.column(bad, BOOL), graph.numbers([NaN], [], FLOAT), value);
}

/** Transforms that graphs of TensorFlow compute as they are computed here. What a transform refuses becomes NaN. */
const TRANSLATIONS: Readonly<Record<string, Translate>> = {
  impute(graph, column, { indicator }, { value }) {
    const empty = missing(graph, column);
    if (column.kind === 'text') return { kind: 'text', value: graph.choose(TEXT, empty, graph.texts([String(value)]), column.value) };
    const filled = graph.choose(DOUBLE, empty, graph.numbers([Number(value)]), column.value);
    if (!indicator) return number(filled);
    return vector(
      graph.join([graph.column(graph.cast(filled, DOUBLE, FLOAT), FLOAT), graph.column(graph.cast(empty, BOOL, FLOAT), FLOAT)]),
    );
  },
  standardize: (graph, { value }, _config, { mean, std }) => number(scaled(graph, value, mean, std)),
  robust: (graph, { value }, _config, { median, range }) => number(scaled(graph, value, median, range)),
  minMax: (graph, { value }, { low, high }, { min, max }) =>
    number(
      graph.on(
        DOUBLE,
        'AddV2',
        graph.numbers([low]),
        graph.on(DOUBLE, 'Mul', scaled(graph, value, min, max > min ? max - min : 1), graph.numbers([high - low])),
      ),
    ),
  log1p: (graph, { value }) =>
    number(
      graph.on(
        DOUBLE,
        'Log1p',
        graph.choose(DOUBLE, graph.on(DOUBLE, 'LessEqual', value, graph.numbers([-1])), graph.numbers([NaN]), value),
      ),
    ),
  clip(graph, { value }, { low, high }) {
    const above =
      low === null ? value : graph.choose(DOUBLE, graph.on(DOUBLE, 'Less', value, graph.numbers([low])), graph.numbers([low]), value);
    return number(
      high === null ? above : graph.choose(DOUBLE, graph.on(DOUBLE, 'Greater', above, graph.numbers([high])), graph.numbers([high]), above),
    );
  },
  oneHot(graph, column, { unknown }, { categories }) {
    const hits = matches(graph, column, categories);
    const hot = graph.cast(hits, BOOL, FLOAT);
    return vector(unknown === 'error' ? spoiled(graph, graph.add('LogicalNot', [graph.reduce('Any', hits)]), hot) : hot);
  },
  ordinal(graph, column, { unknown }, { categories }) {
    const hits = matches(graph, column, categories);
    const places = graph.reduce(
      'Sum',
      graph.on(
        DOUBLE,
        'Mul',
        graph.cast(hits, BOOL, DOUBLE),
        graph.numbers(
          (categories as string[]).map((_name, index) => index),
          [1, categories.length],
        ),
      ),
      DOUBLE,
    );
    const found = graph.choose(DOUBLE, graph.reduce('Any', hits), places, graph.numbers([unknown === 'error' ? NaN : unknown]));
    return number(graph.choose(DOUBLE, missing(graph, column), graph.numbers([NaN]), found));
  },
  bucketize(graph, column, { encode }, { edges }) {
    const reached = graph.on(DOUBLE, 'GreaterEqual', graph.column(column.value, DOUBLE), graph.numbers(edges, [1, edges.length]));
    const bins = graph.reduce('Sum', graph.cast(reached, BOOL, DOUBLE), DOUBLE);
    if (encode === 'ordinal') return number(graph.choose(DOUBLE, missing(graph, column), graph.numbers([NaN]), bins));
    const width = edges.length + 1;
    const hot = graph.add(
      'Equal',
      [
        graph.column(bins, DOUBLE),
        graph.numbers(
          Array.from({ length: width }, (_, bin) => bin),
          [1, width],
        ),
      ],
      { T: { type: DOUBLE } },
    );
    return vector(spoiled(graph, missing(graph, column), graph.cast(hot, BOOL, FLOAT)));
  },
  rescale: (graph, { value }, { low, high }) => ({
    kind: 'pixels',
    value: graph.on(
      FLOAT,
      'AddV2',
      graph.on(FLOAT, 'Mul', value, graph.numbers([(high - low) / 255], [], FLOAT)),
      graph.numbers([low], [], FLOAT),
    ),
  }),
  normalize: (graph, { value }, { mean, std }) => ({
    kind: 'pixels',
    value: graph.on(
      FLOAT,
      'RealDiv',
      graph.on(FLOAT, 'Sub', value, graph.numbers(mean, [mean.length], FLOAT)),
      graph.numbers(std, [std.length], FLOAT),
    ),
  }),
};

export function isTranslated({ definition }: FittedLink): boolean {
  return Object.hasOwn(TRANSLATIONS, definition.name);
}

export function translate(graph: Operations, column: GraphColumn, { definition, config, state }: FittedLink): GraphColumn {
  return TRANSLATIONS[definition.name]!(graph, column, config, state);
}
