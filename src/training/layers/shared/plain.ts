import type { PlainCall } from '../layer.ts';

/** Gives what it reads. */
export const passed: PlainCall = ([x], output) => output.set(x!);

/** A function of every value, or of all together, in their place. */
export type PlainActivation = (values: Float64Array) => void;

/** The same function of every value. */
export const ofEach =
  (each: (value: number) => number): PlainActivation =>
  (values) => {
    for (let at = 0; at < values.length; at += 1) values[at] = each(values[at]!);
  };

/** Columns of a kernel that are computed side by side: sums that do not wait for each other. */
const COLUMNS = 4;

/**
 * x · kernel + bias.
 *
 * @param kernel [inputs, outputs], row-major
 */
export function plainDense(kernel: Float32Array, bias: Float32Array | undefined, outputs: number): PlainCall {
  const inputs = kernel.length / outputs;
  const groups = Math.ceil(outputs / COLUMNS);
  // Group by group, each with the weights of an input side by side; columns beyond the last are zeros.
  const packed = new Float64Array(groups * inputs * COLUMNS);
  for (let input = 0; input < inputs; input += 1)
    for (let output = 0; output < outputs; output += 1)
      packed[(Math.floor(output / COLUMNS) * inputs + input) * COLUMNS + (output % COLUMNS)] = kernel[input * outputs + output]!;
  const start = new Float64Array(groups * COLUMNS);
  if (bias !== undefined) start.set(bias);
  return ([x], y) => {
    const values = x!;
    for (let column = 0, at = 0; column < outputs; column += COLUMNS) {
      let a = start[column]!;
      let b = start[column + 1]!;
      let c = start[column + 2]!;
      let d = start[column + 3]!;
      for (let input = 0; input < inputs; input += 1, at += COLUMNS) {
        const value = values[input]!;
        a += value * packed[at]!;
        b += value * packed[at + 1]!;
        c += value * packed[at + 2]!;
        d += value * packed[at + 3]!;
      }
      // What lies beyond the end of the output is not written.
      y[column] = a;
      y[column + 1] = b;
      y[column + 2] = c;
      y[column + 3] = d;
    }
  };
}

/** An activation as a layer of its own. @param activated undefined: it takes the library */
export function plainlyActivated(shape: readonly number[], activated: PlainActivation | undefined): PlainCall | undefined {
  if (shape.length !== 1 || activated === undefined) return undefined;
  return ([x], output) => {
    output.set(x!);
    activated(output);
  };
}
