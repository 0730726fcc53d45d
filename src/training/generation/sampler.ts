import { PerennialError } from '../../core/errors.ts';
import type { OpenArtifact } from '../../core/ports.ts';
import type { OutputSpec, SamplesOutput, TensorSpec } from '../../core/tensor.ts';
import { latentBatch, latentOf } from '../../data/answers/latent.ts';
import { shapesOf } from '../model/describe.ts';
import { createPredictor, readModel } from '../bundle/load-model.ts';
import type { LayerNode, Topology } from '../model/model-config.ts';
import { Network } from '../model/network.ts';
import { withoutScore } from '../objectives/shared/reconstruction.ts';
import { product } from '../layers/shapes.ts';
import type { ModelMeta, Predictor } from '../model/model-meta.ts';

/** A sample that is asked for: its seed, and of a conditional generator the index of its class. */
export interface AskedSample {
  readonly seed: number;
  readonly label?: number;
}

/** A model that makes examples of noise. */
export interface Sampler {
  /** What one example is, as the network knows it: one input, or several whose values stand in a row. */
  readonly samples: readonly TensorSpec[];
  readonly label?: NonNullable<SamplesOutput['label']>;
  /** Row-major values of the samples. The same seed gives the same sample. */
  sample(asked: readonly AskedSample[]): Promise<Float32Array>;
  dispose(): void;
}

/**
 * Always so many at once: sums over batches of other sizes differ in their last digits, and a seed is to give the same sample in any
 * company.
 */
const ROWS_PER_CALL = 64;

/**
 * Opens a generator, or the decoder of a variational autoencoder.
 *
 * @param text the model, for messages
 * @throws MODEL_INVALID for a model that answers questions about examples and makes none
 */
export async function loadSampler(artifact: OpenArtifact, text: string): Promise<Sampler> {
  const { meta, network, weights } = await readModel(artifact);
  const { output } = meta;
  if (output.kind === 'samples') {
    const { name, shape, range, label } = output;
    const predictor = createPredictor(meta, network, weights);
    return sampler(
      predictor,
      {
        samples: [{ name, shape, dtype: 'float32', ...(range === undefined ? {} : { range }) }],
        ...(label === undefined ? {} : { label }),
      },
      (asked) => predictor.predict(latentBatch(output, asked)),
    );
  }
  const decoder = decoderOf(network.topology);
  if (decoder === undefined)
    throw new PerennialError('MODEL_INVALID', `${text} ${PURPOSE[output.kind]}; it makes no samples.`, {
      hint: 'Samples are made by models of the architecture "gan", and of "autoencoder" with "variational": true.',
    });
  const part = new Network(decoder);
  const [latent] = decoder.inputs;
  const predictor = createPredictor(
    { ...meta, inputs: decoder.inputs, outputShape: part.outputShape, output: { kind: 'none', name: '' }, loss: '' } as ModelMeta,
    part,
    weights,
  );
  const size = product(latent!.shape);
  return sampler(predictor, { samples: meta.inputs }, (asked) => {
    const data = new Float32Array(asked.length * size);
    asked.forEach(({ seed }, row) => data.set(latentOf(seed, size), row * size));
    return predictor.predict({ [latent!.name]: { spec: latent!, rows: asked.length, data } });
  });
}

const PURPOSE: Readonly<Record<Exclude<OutputSpec['kind'], 'samples'>, string>> = {
  classes: 'predicts classes',
  number: 'predicts numbers',
  several: 'predicts several labels',
  text: 'continues text',
  anomaly: 'scores anomalies, and is no variational autoencoder',
  none: 'learned without labels',
};

function sampler(
  predictor: Predictor,
  what: Pick<Sampler, 'samples' | 'label'>,
  make: (asked: readonly AskedSample[]) => Promise<Float32Array>,
): Sampler {
  const size = product(predictor.meta.outputShape);
  return {
    ...what,
    async sample(asked) {
      const made = new Float32Array(asked.length * size);
      for (let start = 0; start < asked.length; start += ROWS_PER_CALL) {
        const wanted = asked.slice(start, start + ROWS_PER_CALL);
        const filled = [...wanted, ...Array.from({ length: ROWS_PER_CALL - wanted.length }, () => wanted[0]!)];
        made.set((await make(filled)).subarray(0, wanted.length * size), start * size);
      }
      return made;
    },
    dispose: () => predictor.dispose(),
  };
}

/** What comes after the draw of a variational autoencoder, which it then reads. undefined for other networks. */
function decoderOf(topology: Topology): Topology | undefined {
  const body = withoutScore(topology);
  const draw = body?.layers.findLast(({ type }) => type === 'gaussianSampling');
  if (body === undefined || draw === undefined) return undefined;
  const nodes = new Map(body.layers.map((node): [string, LayerNode] => [node.name, node]));
  const needed = new Set<string>();
  const visit = (name: string): boolean => {
    if (name === draw.name || needed.has(name)) return true;
    needed.add(name);
    return nodes.get(name)?.inputs.every(visit) ?? false;
  };
  // Where something goes around the draw, noise alone makes no example.
  if (!visit(body.output)) return undefined;
  const [read] = draw.inputs;
  return {
    formatVersion: 1,
    inputs: [{ name: draw.name, shape: shapesOf(body).get(read!)!, dtype: 'float32' }],
    layers: body.layers.filter(({ name }) => needed.has(name)),
    output: body.output,
  };
}
