import { PerennialError } from '../../../core/errors.ts';
import type { JsonObject } from '../../../core/json.ts';
import type { TensorBatch } from '../../../core/tensor.ts';
import { Prng } from '../../../core/prng.ts';
import type { ColumnData } from '../../../data/transforms/column-data.ts';
import { FEATURES } from '../../../data/preprocess/fitted-column.ts';
import { preprocessorParts } from '../../../data/preprocess/preprocessor-json.ts';
import { rowInputs, tensorsOf, windowTensor } from '../../../data/preprocess/column-tensors.ts';
import type { FittedColumn, PreprocessorParts } from '../../../data/preprocess/fitted-column.ts';
import { DataType } from '../../graph/graph-def.ts';
import type { Node, Signature, SignatureTensor } from '../../graph/graph-def.ts';
import type { PortableGraph } from '../../graph/portable-graph.ts';
import type { Feed } from '../../graph/session.ts';
import { freeName } from '../../keras/to-keras.ts';
import { product } from '../../layers/shapes.ts';
import { Operations, isTranslated, translate } from './row-transforms.ts';

const PREFIX = 'rows';
const { float32: FLOAT, float64: DOUBLE, string: TEXT, uint8: PIXEL } = DataType;

/** A column as a graph reads it. */
interface RowInput {
  /** In the signature. */
  readonly name: string;
  /** Without the transforms that come before the graph. */
  readonly column: FittedColumn;
  readonly kind: 'number' | 'text' | 'image';
  /** Transforms that images have gone through before. */
  readonly before: readonly string[];
}

/** Preprocessing as a graph can compute it. */
export interface RowPlan {
  readonly parts: PreprocessorParts;
  readonly inputs: readonly RowInput[];
}

/** @returns in words why a graph cannot compute the preprocessing, naming column and transform */
export function planRows(preprocessor: JsonObject): RowPlan | string {
  const { parts } = preprocessorParts(preprocessor);
  const taken = new Set<string>();
  const inputs: RowInput[] = [];
  for (const column of parts.columns) {
    const { name, type, links } = column;
    if (type === 'timestamp') return `the column "${name}" holds timestamps, which a graph does not read`;
    const first = links.findIndex((link) => isTranslated(link));
    const before = type !== 'image' ? [] : first < 0 ? links : links.slice(0, first);
    const rest = links.slice(before.length);
    const strange = rest.find((link) => !isTranslated(link));
    if (strange !== undefined)
      return `the transform "${strange.definition.name}" of the column "${name}" has no counterpart in TensorFlow's graphs`;
    inputs.push({
      name: freeName(name, taken),
      column: { ...column, links: rest },
      kind: type === 'image' ? 'image' : type === 'string' ? 'text' : 'number',
      before: before.map(({ definition }) => definition.name),
    });
  }
  return { parts, inputs };
}

/** What `signature.json` says of the signature "rows". */
export function rowsJson({ inputs, parts }: RowPlan): JsonObject {
  return {
    name: PREFIX,
    inputs: inputs.map(({ name, column, kind, before }) => ({
      name,
      column: column.name,
      dtype: kind === 'number' ? 'float32' : kind === 'text' ? 'string' : 'uint8',
      shape: [null, ...rowShape(column, kind, parts)],
      ...(kind === 'image' ? { after: [...before] } : { missing: kind === 'number' ? 'NaN' : '' }),
    })),
  };
}

function rowShape({ spec }: FittedColumn, kind: RowInput['kind'], { sequence }: PreprocessorParts): number[] {
  return [...(sequence === undefined ? [] : [sequence.size]), ...(kind === 'image' ? spec.shape : [])];
}

/** A second way into the graph, from values of columns: the weights are shared, the rest is there twice. */
export function withRows(
  graph: PortableGraph,
  { parts, inputs }: RowPlan,
): { readonly nodes: readonly Node[]; readonly signature: Signature } {
  const operations = new Operations(`${PREFIX}/transforms`);
  const placeholders: Node[] = [];
  const signature: Record<string, SignatureTensor> = {};
  const columns = inputs.map(({ name, column, kind }) => {
    const type = kind === 'number' ? FLOAT : kind === 'text' ? TEXT : PIXEL;
    const shape = [-1, ...rowShape(column, kind, parts)];
    placeholders.push({ name: `${PREFIX}/${name}`, op: 'Placeholder', inputs: [], attributes: { dtype: { type }, shape: { shape } } });
    signature[name] = { tensor: `${PREFIX}/${name}:0`, dtype: type, shape };
    return { column, value: columnValue(operations, `${PREFIX}/${name}`, column, kind, parts) };
  });
  const fed = new Map(
    rowInputs(parts.columns).map((spec) => {
      const own = columns.filter(({ column }) => column.spec.name === spec.name).map(({ value }) => value);
      const joined = spec.name === FEATURES ? operations.join(own) : own[0]!;
      return [
        graph.inputNames.get(spec.name)!,
        parts.sequence === undefined ? joined : operations.reshape(joined, FLOAT, [-1, parts.sequence.size, ...spec.shape]),
      ];
    }),
  );
  const copied = new Set(graph.nodes.filter(({ op }) => op !== 'Const' && op !== 'Placeholder').map(({ name }) => name));
  const renamed = (input: string): string => {
    const [, order, name, output] = /^(\^?)([^:]+)(.*)$/.exec(input)!;
    return `${order}${fed.get(name!) ?? (copied.has(name!) ? `${PREFIX}/${name}` : name)}${output}`;
  };
  const copies = graph.nodes
    .filter(({ name }) => copied.has(name))
    .map((node): Node => ({ ...node, name: renamed(node.name), inputs: node.inputs.map(renamed) }));
  const outputs = Object.fromEntries(
    Object.entries(graph.signature.outputs).map(([name, info]) => [name, { ...info, tensor: renamed(info.tensor) }]),
  );
  return { nodes: [...placeholders, ...operations.nodes, ...copies], signature: { inputs: signature, outputs } };
}

/** [rows, width] or images, float32; of windows, their steps one after the other. */
function columnValue(
  graph: Operations,
  placeholder: string,
  { links, spec }: FittedColumn,
  kind: RowInput['kind'],
  { sequence }: PreprocessorParts,
): string {
  const type = kind === 'number' ? FLOAT : kind === 'text' ? TEXT : PIXEL;
  const flat = sequence === undefined ? placeholder : graph.reshape(placeholder, type, kind === 'image' ? [-1, ...spec.shape] : [-1]);
  const start =
    kind === 'text'
      ? { kind, value: flat }
      : kind === 'number'
        ? { kind, value: graph.cast(flat, FLOAT, DOUBLE) }
        : { kind: 'pixels' as const, value: graph.cast(flat, PIXEL, FLOAT) };
  const end = links.reduce((column, link) => translate(graph, column, link), start as Parameters<typeof translate>[1]);
  if (end.kind === 'text') throw new PerennialError('INTERNAL', 'A column of text reached a network.');
  return end.kind === 'number' ? graph.column(graph.cast(end.value, DOUBLE, FLOAT), FLOAT) : end.value;
}

const ROWS = 64;

/** Values that columns could have, for the signature and through the preprocessing outside of it. */
export async function drawRows({
  parts,
  inputs,
}: RowPlan): Promise<{ readonly feeds: readonly Feed[]; readonly batch: TensorBatch; readonly rows: number }> {
  const { sequence } = parts;
  const count = sequence === undefined ? ROWS : ROWS + sequence.size - 1;
  const batch = new Map<string, ColumnData>();
  const feeds = inputs.map(({ name, column, kind }): Feed => {
    const data = drawn(column, kind, count);
    batch.set(column.name, data);
    const shape = [ROWS, ...rowShape(column, kind, parts)];
    const windows = <T>(values: readonly T[]): T[] =>
      sequence === undefined ? [...values] : Array.from({ length: ROWS }, (_, row) => values.slice(row, row + sequence.size)).flat();
    if (data.kind === 'text')
      return { name: `${PREFIX}/${name}`, shape, values: windows(data.values).map((value) => Buffer.from(value ?? '')) };
    if (data.kind === 'image')
      return {
        name: `${PREFIX}/${name}`,
        shape,
        values: { pixels: Uint8Array.from(Buffer.concat(windows(data.values).map((image) => image!.data))) },
      };
    return { name: `${PREFIX}/${name}`, shape, values: Float32Array.from(windows([...(data as { values: Float64Array }).values])) };
  });
  const tensors = await tensorsOf({ ...parts, columns: inputs.map(({ column }) => column) }, batch, count, 0);
  return {
    feeds,
    rows: ROWS,
    batch:
      sequence === undefined
        ? tensors
        : Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, windowTensor(tensor, sequence.size)])),
  };
}

/** Values around those that the transforms have learnt, missing ones where they are filled. */
function drawn({ name, links, spec }: FittedColumn, kind: RowInput['kind'], count: number): ColumnData {
  const prng = new Prng(1, 'rows', name);
  const states = links.map(({ state }) => (state ?? {}) as Record<string, unknown>);
  const filled = links[0]?.definition.name === 'impute';
  const categories = states.find(({ categories: each }) => each !== undefined)?.categories as string[] | undefined;
  const empty = (row: number): boolean => filled && row % 7 === 3;
  if (kind === 'image') {
    const [height, width, channels] = spec.shape as [number, number, number];
    return {
      kind: 'image',
      channels,
      size: [height, width],
      values: Array.from({ length: count }, () => ({
        height,
        width,
        channels,
        data: Uint8Array.from({ length: product(spec.shape) }, () => prng.below(256)),
      })),
    };
  }
  if (kind === 'text')
    return {
      kind: 'text',
      values: Array.from({ length: count }, (_, row) => (empty(row) ? null : categories![prng.below(categories!.length)]!)),
    };
  const { mean, std, median, range, min, max, edges, value } = Object.assign({}, ...states) as Record<string, number> & {
    edges?: number[];
  };
  const [center, size] = [
    mean ?? median ?? min ?? edges?.[0] ?? (typeof value === 'number' ? value : 1),
    std ?? range ?? (max !== undefined ? max - min! : edges === undefined ? 1 : edges.at(-1)! - edges[0]!),
  ];
  const draw = (): number =>
    categories === undefined
      ? Math.fround(Math.max(links.some(({ definition }) => definition.name === 'log1p') ? 0 : -Infinity, center + size * prng.normal()))
      : Number(categories[prng.below(categories.length)]);
  return { kind: 'number', values: Float64Array.from({ length: count }, (_, row) => (empty(row) ? NaN : draw())) };
}
