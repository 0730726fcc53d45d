import { PerennialError } from '../../core/errors.ts';
import type { LabelledBatch } from '../objective.ts';
import type { EngineState } from './engine.ts';

interface Divergence {
  readonly loss: number;
  readonly batch: LabelledBatch;
  readonly epoch: number;
  readonly batchNumber: number;
  readonly learningRate: number;
  readonly weights: EngineState;
  /** Mean of the epoch up to here. */
  readonly lossBefore: number | undefined;
}

/** Why a loss is not finite: bad numbers in the data, or weights that grew out of bounds. */
export function explainDivergence(at: Divergence): PerennialError {
  const where = `in epoch ${at.epoch}, batch ${at.batchNumber}`;
  for (const [name, tensor] of Object.entries(at.batch.inputs)) {
    const bad = tensor.data.findIndex((value) => !Number.isFinite(value));
    if (bad >= 0) {
      return new PerennialError('DATA_INVALID', `The input "${name}" holds ${tensor.data[bad]} ${where}, so the loss became ${at.loss}.`, { hint: 'Impute or drop missing and infinite values in the preprocess step.' });
    }
  }
  const [layer, size] = largest(at.weights);
  const weight = Number.isFinite(size) ? `The largest weight is ${size.toPrecision(3)} in "${layer}"` : `The weights of "${layer}" are no longer finite`;
  const before = at.lossBefore === undefined ? '' : `; the loss of the epoch before it was ${at.lossBefore.toPrecision(4)}`;
  return new PerennialError('TRAINING_DIVERGED', `The loss became ${at.loss} ${where}, at the learning rate ${at.learningRate}. ${weight}${before}.`, {
    hint: `Lower "learningRate" (for example to ${Number((at.learningRate / 10).toPrecision(2))}), give the optimizer "globalClipNorm": 1, or standardize the features.`,
    details: { epoch: at.epoch, batch: at.batchNumber, learningRate: at.learningRate },
  });
}

function largest(weights: EngineState): [string, number] {
  let found: [string, number] = ['', 0];
  for (const [name, values] of weights) {
    for (const value of values) {
      const size = Math.abs(value);
      if (Number.isNaN(size)) return [name, size];
      if (size > found[1]) found = [name, size];
    }
  }
  return found;
}
