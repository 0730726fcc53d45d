import type { Shape } from '../shapes.ts';
import { product, shapeError, showShape } from '../shapes.ts';
import type { Tensor, Tf } from '../../tensorflow/tf.ts';

/** "abc,cd->abd": letters of the input (the batch first), of the kernel, and of the output. */
export interface Equation {
  readonly input: string;
  readonly kernel: string;
  readonly output: string;
}

/** @throws SHAPE_MISMATCH where it is none of two factors, or names the batch otherwise than first in input and output */
export function parseEquation(text: string): Equation {
  const [, input, kernel, output] = /^([A-Za-z]+),([A-Za-z]+)->([A-Za-z]+)$/.exec(text.replaceAll(' ', '')) ?? [];
  const wrong = (problem: string): never => {
    throw shapeError(
      `the equation "${text}" ${problem}`,
      'Write the letters of input, kernel and output, the batch first, e.g. "abc,cd->abd".',
    );
  };
  if (input === undefined || kernel === undefined || output === undefined) return wrong('is not of the form "abc,cd->abd"');
  for (const letters of [input, kernel, output]) if (new Set(letters).size !== letters.length) wrong(`names an axis twice in "${letters}"`);
  if (output[0] !== input[0] || kernel.includes(input[0]!))
    wrong('must begin input and output with the letter of the batch, which the kernel does not have');
  for (const letter of output)
    if (!input.includes(letter) && !kernel.includes(letter)) wrong(`gives an axis "${letter}" that neither input nor kernel has`);
  for (const letter of kernel)
    if (!input.includes(letter) && !output.includes(letter)) wrong(`has an axis "${letter}" in the kernel alone`);
  return { input, kernel, output };
}

/** Length of every axis but the batch, by its letter. @param outputShape of an example; null: as in the input */
export function axisLengths(
  { input, output }: Equation,
  inputShape: Shape,
  outputShape: readonly (number | null)[],
): Record<string, number> {
  if (inputShape.length !== input.length - 1)
    throw shapeError(
      `the input "${input}" of the equation has ${input.length - 1} axes beside the batch, but is ${showShape(inputShape)}`,
      'Give the equation a letter for each axis of the input.',
    );
  if (outputShape.length !== output.length - 1)
    throw shapeError(
      `the output "${output}" of the equation has ${output.length - 1} axes beside the batch, but "outputShape" has ${outputShape.length}`,
      'Give "outputShape" without the batch.',
    );
  const lengths: Record<string, number> = Object.fromEntries([...input.slice(1)].map((letter, index) => [letter, inputShape[index]!]));
  for (const [index, letter] of [...output.slice(1)].entries()) {
    const given = outputShape[index] ?? lengths[letter];
    if (given === undefined)
      throw shapeError(`"outputShape" does not say how long the axis "${letter}" is`, 'Write a number in place of null.');
    if (lengths[letter] !== undefined && lengths[letter] !== given)
      throw shapeError(
        `the axis "${letter}" is ${lengths[letter]} long in the input and ${given} in "outputShape"`,
        `Write ${lengths[letter]} or null.`,
      );
    lengths[letter] = given;
  }
  return lengths;
}

/** The sum of products as one matrix product: axes are sorted, joined, and taken apart again. */
export function einsum(tf: Tf, { input, kernel, output }: Equation, x: Tensor, weights: Tensor): Tensor {
  const letters = [...new Set(input + kernel)];
  const shared = letters.filter((letter) => input.includes(letter) && kernel.includes(letter));
  const batch = shared.filter((letter) => output.includes(letter));
  const summed = shared.filter((letter) => !output.includes(letter));
  const ownInput = letters.filter((letter) => !kernel.includes(letter) && output.includes(letter));
  const ownKernel = letters.filter((letter) => !input.includes(letter));
  const lost = [...input].filter((letter) => !kernel.includes(letter) && !output.includes(letter));
  const kept =
    lost.length === 0
      ? x
      : tf.sum(
          x,
          lost.map((letter) => input.indexOf(letter)),
        );
  const inputLetters = [...input].filter((letter) => !lost.includes(letter));
  const length = (letter: string): number =>
    input.includes(letter) ? x.shape[input.indexOf(letter)]! : weights.shape[kernel.indexOf(letter)]!;
  const size = (group: readonly string[]): number => product(group.map(length));
  const left = tf.reshape(arranged(tf, kept, inputLetters, [...batch, ...ownInput, ...summed]), [
    size(batch),
    size(ownInput),
    size(summed),
  ]);
  const right = tf.reshape(arranged(tf, weights, [...kernel], [...batch, ...summed, ...ownKernel]), [
    size(batch),
    size(summed),
    size(ownKernel),
  ]);
  const found = [...batch, ...ownInput, ...ownKernel];
  return arranged(tf, tf.reshape(tf.matMul(left, right), found.map(length)), found, [...output]);
}

function arranged(tf: Tf, x: Tensor, from: readonly string[], to: readonly string[]): Tensor {
  return from.join('') === to.join('')
    ? x
    : tf.transpose(
        x,
        to.map((letter) => from.indexOf(letter)),
      );
}
