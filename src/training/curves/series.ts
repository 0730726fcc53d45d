import type { TrainingCurves } from './curves.ts';

/** One number over the epochs. */
export interface Series {
  readonly name: string;
  readonly part: 'train' | 'validation';
  readonly values: readonly (readonly [epoch: number, value: number, at: number])[];
}

/** "validationLoss" is "loss" of the validation rows. */
function nameOf(key: string): string {
  const match = /^validation([A-Z])(.*)$/.exec(key);
  return match === null ? key : match[1]!.toLowerCase() + match[2]!;
}

/** Of models from the cache, whose trainings did not say it. */
const TRAINED = /^(loss|generatorLoss|discriminatorLoss|gradientPenalty)$/;

/** The numbers of curves by what they are about and the rows that they are of: means of training, measures of the validation rows. */
export function seriesOf({ points, trained }: Pick<TrainingCurves, 'points' | 'trained'>): Series[] {
  const keys = [...new Set(points.flatMap(({ numbers }) => Object.keys(numbers)))];
  const ofTraining = (key: string): boolean => key === 'learningRate' || (trained?.includes(key) ?? TRAINED.test(key));
  return keys.map((key) => {
    return {
      name: nameOf(key),
      part: ofTraining(key) ? 'train' : 'validation',
      values: points.flatMap(({ epoch, at, numbers }) => (numbers[key] === undefined ? [] : [[epoch, numbers[key], at] as const])),
    };
  });
}
