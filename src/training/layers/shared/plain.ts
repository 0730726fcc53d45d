import type { PlainCall } from '../layer.ts';

/** Gives what it reads. */
export const passed: PlainCall = ([x], output) => output.set(x!);

/** A function of every value, or of each vector of so many of them, in their place. */
export type PlainActivation = (values: Float64Array, width: number) => void;

/** The same function of every value. */
export const ofEach =
  (each: (value: number) => number): PlainActivation =>
  (values) => {
    for (let at = 0; at < values.length; at += 1) values[at] = each(values[at]!);
  };

/**
 * x · kernel + bias, each sum from the bias on in the order of the inputs, however many examples there are. Sums that do not wait for each
 * other are computed side by side: two columns of four examples, or four of one.
 *
 * @param kernel [inputs, outputs], row-major
 */
export function plainDense(kernel: Float32Array, bias: Float32Array | undefined, outputs: number): PlainCall {
  const inputs = kernel.length / outputs;
  const pairs = packed(kernel, inputs, outputs, 2);
  const quads = packed(kernel, inputs, outputs, 4);
  const start = new Float64Array(outputs + 3);
  if (bias !== undefined) start.set(bias);
  return ([x], y) => {
    const rows = y.length / outputs;
    let row = 0;
    for (; row + 4 <= rows; row += 4) fourRows(x!, y, row);
    for (; row < rows; row += 1) oneRow(x!, y, row);
  };

  function fourRows(x: Float64Array, y: Float64Array, row: number): void {
    const first = row * inputs;
    const [second, third, fourth] = [first + inputs, first + 2 * inputs, first + 3 * inputs];
    for (let column = 0, at = 0, to = row * outputs; column < outputs; column += 2, to += 2) {
      let a = start[column]!;
      let b = start[column + 1]!;
      let [c, e, g] = [a, a, a];
      let [d, f, h] = [b, b, b];
      for (let input = 0; input < inputs; input += 1, at += 2) {
        const left = pairs[at]!;
        const right = pairs[at + 1]!;
        const one = x[first + input]!;
        const two = x[second + input]!;
        const three = x[third + input]!;
        const four = x[fourth + input]!;
        a += one * left;
        b += one * right;
        c += two * left;
        d += two * right;
        e += three * left;
        f += three * right;
        g += four * left;
        h += four * right;
      }
      y[to] = a;
      y[to + outputs] = c;
      y[to + 2 * outputs] = e;
      y[to + 3 * outputs] = g;
      if (column + 1 === outputs) break;
      y[to + 1] = b;
      y[to + outputs + 1] = d;
      y[to + 2 * outputs + 1] = f;
      y[to + 3 * outputs + 1] = h;
    }
  }

  function oneRow(x: Float64Array, y: Float64Array, row: number): void {
    const first = row * inputs;
    for (let column = 0, at = 0, to = row * outputs; column < outputs; column += 4, to += 4) {
      let a = start[column]!;
      let b = start[column + 1]!;
      let c = start[column + 2]!;
      let d = start[column + 3]!;
      for (let input = 0; input < inputs; input += 1, at += 4) {
        const value = x[first + input]!;
        a += value * quads[at]!;
        b += value * quads[at + 1]!;
        c += value * quads[at + 2]!;
        d += value * quads[at + 3]!;
      }
      y[to] = a;
      if (column + 1 < outputs) y[to + 1] = b;
      if (column + 2 < outputs) y[to + 2] = c;
      if (column + 3 < outputs) y[to + 3] = d;
    }
  }
}

/** Groups of columns one after the other, in each the weights of an input side by side; columns beyond the last are zeros. */
function packed(kernel: Float32Array, inputs: number, outputs: number, columns: number): Float64Array {
  const values = new Float64Array(Math.ceil(outputs / columns) * inputs * columns);
  for (let input = 0; input < inputs; input += 1)
    for (let output = 0; output < outputs; output += 1)
      values[(Math.floor(output / columns) * inputs + input) * columns + (output % columns)] = kernel[input * outputs + output]!;
  return values;
}

/** An activation as a layer of its own. @param activated undefined: it takes the library */
export function plainlyActivated(shape: readonly number[], activated: PlainActivation | undefined): PlainCall | undefined {
  if (shape.length !== 1 || activated === undefined) return undefined;
  return ([x], output) => {
    output.set(x!);
    activated(output, shape[0]!);
  };
}
