import { columnsOf } from '../answers/decode.ts';
import type { JsonObject } from '../../core/json.ts';
import type { TensorSpec } from '../../core/tensor.ts';
import type { NumberData, TextData, VectorData } from '../transforms/column-data.ts';
import { preprocessorParts } from '../preprocess/preprocessor-json.ts';
import type { FittedColumn } from '../preprocess/fitted-column.ts';

export interface SourceTable {
  readonly columns: readonly string[];
  /** A missing value is null. */
  readonly rows: readonly (readonly (string | number | null)[])[];
  /** Columns that stay as the network knows them, because a transform of theirs cannot be turned back. */
  readonly kept: readonly string[];
}

/**
 * Values as a network knows them → rows of the source, transforms turned back: the nearest category, whole numbers where the column
 * has them.
 *
 * @param specs inputs that are vectors of columns, whose values stand in a row
 */
export function sourceTable(preprocessor: JsonObject, specs: readonly TensorSpec[], values: Float32Array, rows: number): SourceTable {
  const { columns } = preprocessorParts(preprocessor).parts;
  const found: { readonly name: string; readonly values: readonly (string | number | null)[]; readonly kept: boolean }[] = [];
  let offset = 0;
  for (const column of specs.flatMap(({ name }) => columns.filter(({ spec }) => spec.name === name))) {
    const size = column.spec.shape.reduce((product, each) => product * each, 1);
    const own = columnsOf(values, rows, offset, size);
    offset += size;
    const source = turnedBack(column, own, size);
    if (source !== undefined) found.push({ name: column.name, values: inTerms(column, source), kept: false });
    else
      for (let at = 0; at < size; at++)
        found.push({ name: partName(column, at), values: Array.from({ length: rows }, (_, row) => own[row * size + at]!), kept: true });
  }
  return {
    columns: found.map(({ name }) => name),
    rows: Array.from({ length: rows }, (_, row) => found.map((each) => each.values[row]!)),
    kept: found.filter(({ kept }) => kept).map(({ name }) => name),
  };
}

function turnedBack({ links }: FittedColumn, values: Float32Array, width: number): NumberData | TextData | undefined {
  const besides = links.map(({ definition, config }) => definition.beside?.(config).length ?? 0);
  let left = width - besides.reduce((sum, each) => sum + each, 0);
  const rows = values.length / width;
  const cut = (from: number, size: number): VectorData => ({
    kind: 'vector',
    width: size,
    parts: [],
    values: columnsOf(values, rows, from, size),
  });
  let data: NumberData | TextData | VectorData =
    left === 1 && !givesVector(links) ? { kind: 'number', values: Float64Array.from(cut(0, 1).values) } : cut(0, left);
  // Those of the first transform stand first behind the values.
  const starts = besides.map((size) => (left += size) - size);
  for (const [at, { definition, config, state }] of [...links.entries()].reverse()) {
    if (definition.invert === undefined) return undefined;
    data = definition.invert(data, config, state, besides[at] === 0 ? undefined : cut(starts[at]!, besides[at]!));
  }
  return data.kind === 'vector' ? undefined : data;
}

function givesVector(links: FittedColumn['links']): boolean {
  const last = links.at(-1);
  return last !== undefined && last.definition.takes.some((kind) => last.definition.gives(kind, last.config) === 'vector');
}

function inTerms({ type }: FittedColumn, data: NumberData | TextData): (string | number | null)[] {
  if (data.kind === 'text') return [...data.values];
  return Array.from(data.values, (value) => {
    if (Number.isNaN(value)) return null;
    if (type === 'boolean') return String(value > 0.5);
    // Further digits than those of float32 are none.
    return type === 'integer' ? Math.round(value) : Number(value.toPrecision(7));
  });
}

function partName({ name, spec: { parts, shape } }: FittedColumn, at: number): string {
  return parts?.[at] ?? (shape.length === 0 || shape[0] === 1 ? name : `${name} ${at}`);
}
