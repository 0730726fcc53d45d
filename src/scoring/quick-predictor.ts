import type { OpenArtifact } from '../core/ports.ts';
import { Prng } from '../core/prng.ts';
import type { TensorBatch } from '../core/tensor.ts';
import type { Bundle } from '../training/bundle/load-model.ts';
import { createPredictor, readModel } from '../training/bundle/load-model.ts';
import type { Predictor } from '../training/model/model-meta.ts';

/** Rows of one call: a call costs as much as hundreds of rows of a small network. */
const ROWS = 1_024;
/** Values of an example from which a call computes more than it costs. */
const VALUES_MAX = 512;
/** Rows that both are asked about, and how far from zero their values are. */
const CHECKED_ROWS = 4 * ROWS;
const SCALES = [0.1, 1, 3, 30];

/**
 * The predictor of a small network that takes many rows at once, where it gives the same bits as the one of the server: whether the library
 * sums in the same order for other numbers of rows depends on the network and the machine, so that both are asked about the same rows.
 */
export async function quickPredictor(artifact: OpenArtifact, { predictor, preprocessor, meta }: Bundle): Promise<Predictor> {
  if (predictor.predictNow !== undefined) return predictor;
  const values = preprocessor.inputs.reduce((sum, { shape }) => sum + shape.reduce((product, size) => product * size, 1), 0);
  const isTable = preprocessor.inputs.every(
    ({ dtype, shape, vocabularySize }) => dtype === 'float32' && shape.length === 1 && vocabularySize === undefined,
  );
  if (values > VALUES_MAX || !isTable || preprocessor.applyColumns === undefined || predictor.meta !== meta) return predictor;
  const { network, weights } = await readModel(artifact);
  const quick = createPredictor(meta, network, weights, ROWS);
  const batch = drawn(preprocessor.inputs, CHECKED_ROWS);
  const [expected, found] = [await predictor.predict(batch), await quick.predict(batch)];
  const same = Buffer.from(expected.buffer, expected.byteOffset, expected.byteLength).equals(
    Buffer.from(found.buffer, found.byteOffset, found.byteLength),
  );
  (same ? predictor : quick).dispose();
  return same ? quick : predictor;
}

function drawn(inputs: Bundle['preprocessor']['inputs'], rows: number): TensorBatch {
  const random = new Prng('quick predictor');
  return Object.fromEntries(
    inputs.map((spec) => [
      spec.name,
      {
        spec,
        rows,
        data: Float32Array.from(
          { length: rows * spec.shape.reduce((product, size) => product * size, 1) },
          (_, at) => SCALES[at % SCALES.length]! * random.normal(),
        ),
      },
    ]),
  );
}
