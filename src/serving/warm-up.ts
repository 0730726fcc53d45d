import { PerennialError } from '../core/errors.ts';
import type { Tensor, TensorBatch } from '../core/tensor.ts';
import { decode } from '../data/answers/decode.ts';
import type { Preprocessor } from '../data/stored/dataset.ts';
import { arrayFor, sizeOf } from './batcher.ts';
import { SERVING_LIMITS } from './limits.ts';
import type { Servable } from './servable.ts';

/**
 * One prediction before the first request, so that no client waits for lazy initialisation, and a version whose network does not
 * fit its preprocessing is refused.
 *
 * @throws MODEL_INVALID
 */
export async function warmUp({ model, version, predictor, preprocessor }: Servable): Promise<void> {
  const values = await predictor.predict(neutralExamples(preprocessor));
  const width = predictor.meta.outputShape.reduce((product, size) => product * size, 1);
  if (values.length !== width) {
    throw new PerennialError(
      'MODEL_INVALID',
      `Version ${version} of "${model}" gives ${values.length} values for one example, its manifest says ${width}.`,
    );
  }
  decode(predictor.meta.output, values, 1);
}

/** Examples that no network has trouble with: zeros; token ids are 1, since padding alone means an empty sequence. */
export function neutralExamples({ inputs }: Preprocessor, rows = 1): TensorBatch {
  const batch: Record<string, Tensor> = {};
  for (const spec of inputs) {
    const data = arrayFor(spec, rows * sizeOf(spec));
    if (spec.vocabularySize !== undefined) data.fill(1);
    batch[spec.name] = { spec, rows, data };
  }
  return batch;
}

/** A machine that is busy at the moment makes any network look slow. */
const TRIES = 3;

/** Whether its calls would hold the event loop up for too long; after {@link warmUp}, since the first call compiles. */
export async function isSlow({ predictor, preprocessor }: Servable): Promise<boolean> {
  // One that answers at once is small by its size, however busy the machine is.
  if (predictor.predictNow?.(neutralExamples(preprocessor)) !== undefined) return false;
  for (const rows of [1, SERVING_LIMITS.loopRows]) {
    const batch = neutralExamples(preprocessor, rows);
    let best = Infinity;
    for (let attempt = 0; attempt < TRIES && best > SERVING_LIMITS.loopMsMax; attempt += 1) {
      const started = performance.now();
      await predictor.predict(batch);
      best = Math.min(best, performance.now() - started);
    }
    if (best > SERVING_LIMITS.loopMsMax) return true;
  }
  return false;
}

/** Whether the network gives numbers at all: where it does, an answer that is none comes from the values of the request. */
export async function givesNumbers({ predictor, preprocessor }: Servable): Promise<boolean> {
  return (await predictor.predict(neutralExamples(preprocessor))).every(Number.isFinite);
}
