import { PerennialError } from '../../core/errors.ts';
import { setOwn } from '../../core/json.ts';
import type { LabelOutput, OutputSpec, Prediction, SamplesOutput } from '../../core/tensor.ts';
import { decodeText } from './prompts.ts';
import { imageOf } from '../images/sample-images.ts';

function decodeClasses(classes: readonly string[], values: Float32Array, rows: number): Prediction[] {
  const width = rows === 0 ? 1 : values.length / rows;
  if (width !== 1 && width !== classes.length)
    throw new PerennialError('SHAPE_MISMATCH', `The model gives ${width} values per row, the label has ${classes.length} classes.`);
  const score = (row: number, index: number): number => {
    if (width > 1) return values[row * width + index]!;
    return index === 0 ? 1 - values[row]! : values[row]!;
  };
  return Array.from({ length: rows }, (_, row) => {
    const probabilities: Record<string, number> = {};
    let best = 0;
    for (let index = 0; index < classes.length; index += 1) {
      const own = score(row, index);
      if (own > score(row, best)) best = index;
      setOwn(probabilities, classes[index]!, own);
    }
    return { label: classes[best]!, probabilities };
  });
}

function decodeNumbers(
  scale: { readonly mean: number; readonly std: number } | undefined,
  values: Float32Array,
  rows: number,
): Prediction[] {
  const width = rows === 0 ? 1 : values.length / rows;
  const { mean, std } = scale ?? { mean: 0, std: 1 };
  return Array.from({ length: rows }, (_, row) => {
    const own = Array.from(values.subarray(row * width, (row + 1) * width), (value) => value * std + mean);
    return { value: width === 1 ? own[0]! : own };
  });
}

/** Values per row of one of several outputs in an answer: one per class, or as many as the number is wide. */
export function answerWidth(output: LabelOutput): number {
  return output.kind === 'classes' ? output.classes.length : output.width;
}

/** The values of one of several outputs, from those of all. */
export function answersOf(values: Float32Array, rows: number, outputs: readonly LabelOutput[], name: string): Float32Array {
  const widths = outputs.map(answerWidth);
  const at = outputs.findIndex((output) => output.name === name);
  return columnsOf(
    values,
    rows,
    widths.slice(0, at).reduce((sum, width) => sum + width, 0),
    widths[at]!,
  );
}

/** `width` of the values of each row, from `offset` on. */
export function columnsOf(values: Float32Array, rows: number, offset: number, width: number): Float32Array {
  const total = values.length / rows;
  const own = new Float32Array(rows * width);
  for (let row = 0; row < rows; row++) own.set(values.subarray(row * total + offset, row * total + offset + width), row * width);
  return own;
}

function decodeSamples({ shape, range }: SamplesOutput, values: Float32Array, rows: number): Prediction[] {
  const size = values.length / rows;
  return Array.from({ length: rows }, (_, row) => {
    const own = values.subarray(row * size, (row + 1) * size);
    return range === undefined ? { sample: Array.from(own) } : { image: imageOf(own, { shape, range }).toString('base64') };
  });
}

/** Values of a model, row-major, → answers in the terms of the source data. @param output of the model */
export function decode(output: OutputSpec, values: Float32Array, rows: number): Prediction[] {
  if (output.kind === 'classes') return decodeClasses(output.classes, values, rows);
  if (output.kind === 'several') {
    const each = output.outputs.map((one) => ({
      name: one.name,
      answers: decode(one, answersOf(values, rows, output.outputs, one.name), rows),
    }));
    return Array.from({ length: rows }, (_, row) => ({
      outputs: Object.fromEntries(each.map(({ name, answers }) => [name, answers[row]!])),
    }));
  }
  // Compared as the float32 values that both are, so that a score equal to the threshold is no anomaly.
  if (output.kind === 'anomaly') return Array.from(values.subarray(0, rows), (score) => ({ score, anomaly: score > output.threshold }));
  if (output.kind === 'samples') return decodeSamples(output, values, rows);
  if (output.kind === 'text') return decodeText(output, values, rows);
  return decodeNumbers(output.kind === 'number' ? output.scale : undefined, values, rows);
}
