import type { OutputSpec } from '../../core/tensor.ts';
import { answersOf } from './decode.ts';
import { decodeText } from './prompts.ts';
import { imageOf } from '../images/sample-images.ts';

/** A column of answers: what a {@link Prediction} says at one place. */
export interface AnswerColumn {
  /** Where it stands in an answer of the server; numbers are places in a list. */
  readonly path: readonly (string | number)[];
  readonly type: 'number' | 'integer' | 'boolean' | 'text';
  /** Texts that its integers stand for. */
  readonly texts?: readonly string[];
  /** Beside what the server says: left out where answers have its form. */
  readonly more?: true;
}

export type AnswerValues = Float64Array | Int32Array | readonly string[];

/** The columns of the answers of a model, in their order. @param width values of the network per row */
export function answerColumns(output: OutputSpec, width: number): AnswerColumn[] {
  switch (output.kind) {
    case 'classes':
      return [
        { path: ['label'], type: 'text', texts: output.classes },
        { path: ['probability'], type: 'number', more: true },
        ...output.classes.map((name): AnswerColumn => ({ path: ['probabilities', name], type: 'number' })),
      ];
    case 'several':
      return output.outputs.flatMap((one) =>
        answerColumns(one, one.kind === 'classes' ? one.classes.length : one.width).map((column) => ({
          ...column,
          path: ['outputs', one.name, ...column.path],
        })),
      );
    case 'anomaly':
      return [
        { path: ['score'], type: 'number' },
        { path: ['anomaly'], type: 'boolean' },
      ];
    case 'samples':
      return output.range === undefined ? listColumns('sample', width) : [{ path: ['image'], type: 'text' }];
    case 'text':
      return [
        { path: ['text'], type: 'text' },
        { path: ['tokens'], type: 'integer' },
        { path: ['finish'], type: 'text' },
      ];
    default:
      return width === 1 ? [{ path: ['value'], type: 'number' }] : listColumns('value', width);
  }
}

const listColumns = (name: string, width: number): AnswerColumn[] =>
  Array.from({ length: width }, (_, at): AnswerColumn => ({ path: [name, at], type: 'number' }));

/** The values of {@link answerColumns}: the same numbers as `decode` says of each row. */
export function answerValues(output: OutputSpec, values: Float32Array, rows: number): AnswerValues[] {
  switch (output.kind) {
    case 'classes':
      return classValues(output.classes.length, values, rows);
    case 'several':
      return output.outputs.flatMap((one) => answerValues(one, answersOf(values, rows, output.outputs, one.name), rows));
    case 'anomaly':
      return [
        Float64Array.from(values.subarray(0, rows)),
        Int32Array.from(values.subarray(0, rows), (score) => (score > output.threshold ? 1 : 0)),
      ];
    case 'samples': {
      const { range, shape } = output;
      if (range === undefined) return transposed(values, rows, (value) => value);
      const size = values.length / rows;
      return [
        Array.from({ length: rows }, (_, row) =>
          imageOf(values.subarray(row * size, (row + 1) * size), { shape, range }).toString('base64'),
        ),
      ];
    }
    case 'text': {
      const texts = decodeText(output, values, rows) as readonly { text: string; tokens: number; finish: string }[];
      return [texts.map(({ text }) => text), Int32Array.from(texts, ({ tokens }) => tokens), texts.map(({ finish }) => finish)];
    }
    default: {
      const { mean, std } = (output.kind === 'number' ? output.scale : undefined) ?? { mean: 0, std: 1 };
      return transposed(values, rows, (value) => value * std + mean);
    }
  }
}

function classValues(classes: number, values: Float32Array, rows: number): AnswerValues[] {
  const width = rows === 0 ? classes : values.length / rows;
  const labels = new Int32Array(rows);
  const best = new Float64Array(rows);
  const each = Array.from({ length: classes }, () => new Float64Array(rows));
  for (let row = 0; row < rows; row += 1) {
    let top = 0;
    for (let index = 0; index < classes; index += 1) {
      const value = width === 1 ? (index === 0 ? 1 - values[row]! : values[row]!) : values[row * width + index]!;
      each[index]![row] = value;
      if (value > each[top]![row]!) top = index;
    }
    labels[row] = top;
    best[row] = each[top]![row]!;
  }
  return [labels, best, ...each];
}

function transposed(values: Float32Array, rows: number, of: (value: number) => number): Float64Array[] {
  const width = rows === 0 ? 1 : values.length / rows;
  return Array.from({ length: width }, (_, index) => Float64Array.from({ length: rows }, (__, row) => of(values[row * width + index]!)));
}

/** What a column is called in a flat table: the names on the way to it, without the one that only says that there are several. */
export function flatName({ path }: AnswerColumn): string {
  return (path[0] === 'outputs' ? path.slice(1) : path).join('.');
}
