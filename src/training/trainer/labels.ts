import { PerennialError } from '../../core/errors.ts';
import type { OutputSpec, Tensor } from '../../core/tensor.ts';
import type { LossDefinition } from '../losses/loss.ts';

export type Labels = Float32Array | Int32Array;

/**
 * Labels as the loss reads them: int32 indices, 0 and 1 as float32, or float32 numbers.
 *
 * @throws DATA_INVALID for a class index outside the classes, NaN and infinities
 */
export function adaptLabels(label: Tensor, output: OutputSpec, loss: LossDefinition): Labels {
  const { data } = label;
  if (output.kind === 'classes') {
    for (const [row, index] of data.entries()) {
      if (!(index >= 0 && index < output.classes.length))
        throw new PerennialError(
          'DATA_INVALID',
          `The label "${output.name}" of a row is class ${index} (row ${row} of a batch), but there are ${output.classes.length} classes.`,
        );
    }
    return loss.labels === 'index' ? Int32Array.from(data) : Float32Array.from(data);
  }
  for (const value of data) {
    if (!Number.isFinite(value))
      throw new PerennialError('DATA_INVALID', `The label "${output.name}" is ${value} in a row.`, {
        hint: 'Drop or impute rows without a label.',
      });
    if (loss.labelMin !== undefined && value < loss.labelMin)
      throw new PerennialError(
        'DATA_INVALID',
        `The label "${output.name}" is ${Number(value.toPrecision(6))} in a row, but the loss ${loss.name} is for labels from ${loss.labelMin} up.`,
        { hint: 'Choose another loss, for example "meanSquaredError", or correct the rows.' },
      );
  }
  return Float32Array.from(data);
}

export type ClassWeights = 'balanced' | Readonly<Record<string, number>>;

/** A weight per class: as given, or inversely proportional to its frequency, n / (classes · count). @throws CONFIG_INVALID */
export function classWeightsOf(weights: ClassWeights, output: OutputSpec, counts: () => readonly number[]): Float32Array {
  if (output.kind !== 'classes') {
    throw new PerennialError('CONFIG_INVALID', `"classWeights" needs a label with classes, but "${output.name}" is a number.`, {
      hint: 'Leave "classWeights" out.',
    });
  }
  if (weights === 'balanced') {
    const perClass = counts();
    const total = perClass.reduce((sum, count) => sum + count, 0);
    return Float32Array.from(perClass, (count) => (count === 0 ? 0 : total / (perClass.length * count)));
  }
  const unknown = Object.keys(weights).filter((name) => !output.classes.includes(name));
  if (unknown.length > 0) {
    throw new PerennialError(
      'CONFIG_INVALID',
      `"classWeights" names ${unknown.map((name) => `"${name}"`).join(', ')}, but the classes of "${output.name}" are ${output.classes
        .slice(0, 20)
        .map((name) => `"${name}"`)
        .join(', ')}.`,
    );
  }
  return Float32Array.from(output.classes, (name) => (Object.hasOwn(weights, name) ? weights[name]! : 1));
}
