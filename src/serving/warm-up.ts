import { PerennialError } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import { decode } from '../data/decode.ts';
import { arrayFor, sizeOf } from './batcher.ts';
import type { Servable } from './servable.ts';

/**
 * One prediction before the first request, so that no client waits for lazy initialisation, and a version whose network does not
 * fit its preprocessing is refused. Inputs are zeros; token ids are 1, since padding alone means an empty sequence.
 *
 * @throws MODEL_INVALID
 */
export async function warmUp({ model, version, predictor, preprocessor }: Servable): Promise<void> {
  const batch: Record<string, Tensor> = {};
  for (const spec of preprocessor.inputs) {
    const data = arrayFor(spec, sizeOf(spec));
    if (spec.vocabularySize !== undefined) data.fill(1);
    batch[spec.name] = { spec, rows: 1, data };
  }
  const values = await predictor.predict(batch);
  const width = predictor.meta.outputShape.reduce((product, size) => product * size, 1);
  if (values.length !== width) {
    throw new PerennialError('MODEL_INVALID', `Version ${version} of "${model}" gives ${values.length} values for one example, its manifest says ${width}.`);
  }
  decode(predictor.meta.output, values, 1);
}
