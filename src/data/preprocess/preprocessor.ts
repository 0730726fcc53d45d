import type { JsonObject } from '../../core/json.ts';
import type { Row, Tensor, TensorBatch } from '../../core/tensor.ts';
import { asModelReads } from '../reading/cells.ts';
import type { Column } from '../stored/column.ts';
import type { Preprocessor } from '../stored/dataset.ts';
import { checkRowColumns, columnReader } from '../table/row-values.ts';
import type { ColumnData } from '../transforms/column-data.ts';
import { rowInputs, tensorsOf } from './column-tensors.ts';
import { FEATURES } from './fitted-column.ts';
import type { PreprocessorParts } from './fitted-column.ts';
import { plainFeatures } from './plain-features.ts';
import { preprocessorParts, toJson } from './preprocessor-json.ts';
import { placeColumns, seriesOf } from './series-windows.ts';

/** @param byType type of the column that orders a series */
export function createPreprocessor(parts: PreprocessorParts, byType: Column['type'] = 'timestamp'): Preprocessor {
  const { columns, output, sequence, reading } = parts;
  const asRead = (column: Column): Column => asModelReads(column, reading);
  const readers = columns.map((column) => columnReader(asRead(column)));
  const perRow = rowInputs(columns);
  const inputs = sequence === undefined ? perRow : perRow.map((spec) => ({ ...spec, shape: [sequence.size, ...spec.shape] }));
  const plain = plainFeatures(columns.map((column) => ({ column, reading: asRead(column) })));
  const tensorsOfRows = (rows: readonly Row[], saturate: boolean): Record<string, Tensor> | Promise<Record<string, Tensor>> => {
    const batch = new Map<string, ColumnData>();
    const from = (first: number): Record<string, Tensor> | Promise<Record<string, Tensor>> => {
      for (let at = first; at < readers.length; at += 1) {
        const data = readers[at]!(rows);
        if (data instanceof Promise)
          return data.then((later) => {
            batch.set(columns[at]!.name, later);
            return from(at + 1);
          });
        batch.set(columns[at]!.name, data);
      }
      return tensorsOf({ columns, seed: parts.seed, inputs: perRow, saturate }, batch, rows.length, 0);
    };
    return from(0);
  };
  const series =
    sequence === undefined
      ? undefined
      : seriesOf(sequence, byType, asRead, async (rows, saturate) => {
          checkRowColumns(rows, columns);
          return tensorsOfRows(rows, saturate);
        });
  const applyNow = (rows: readonly Row[], { saturate = false } = {}): TensorBatch | Promise<TensorBatch> => {
    if (series !== undefined) return series.windows(rows, { saturate }).then(({ tensors }) => tensors);
    const data = plain?.(rows);
    if (data !== undefined) return { [FEATURES]: { spec: perRow[0]!, rows: rows.length, data } };
    checkRowColumns(rows, columns);
    return tensorsOfRows(rows, saturate);
  };
  return {
    inputs,
    output,
    columns: [
      ...columns.map(({ name, type, required }) => ({ name, type, required })),
      ...placeColumns(sequence, byType).filter(({ name }) => !columns.some((column) => column.name === name)),
    ],
    windowSize: sequence?.size ?? 1,
    ...(reading === undefined ? {} : { reading }),
    ...(series === undefined ? {} : { series }),
    apply: async (rows, options) => applyNow(rows, options),
    applyNow,
    applyColumns: async (batch, rows, { saturate = false } = {}) =>
      tensorsOf({ columns, seed: parts.seed, inputs: perRow, saturate }, batch, rows, 0),
    toJson: () => toJson(parts, byType),
  };
}

/** The fitted preprocessing of a model, from `preprocessor.json`. Reads no data; sharp is loaded only when an image comes. */
export function loadPreprocessor(json: JsonObject): Preprocessor {
  const { parts, byType } = preprocessorParts(json);
  for (const { name, links } of parts.columns) {
    for (const { definition, config, state } of links) {
      const difference = definition.differs?.(config, state);
      if (difference === undefined) continue;
      const text = `Column "${name}", ${definition.name}: ${difference}. Train the model with the Node.js version that serves it (this is ${process.version}).`;
      if (!told.has(text)) process.emitWarning(text);
      told.add(text);
    }
  }
  return createPreprocessor(parts, byType);
}

/** A server loads a version many times: each difference is said once. */
const told = new Set<string>();
