import { PerennialError } from '../../core/errors.ts';
import type { OpenArtifact } from '../../core/ports.ts';
import type { SamplesOutput, Tensor, TensorSpec } from '../../core/tensor.ts';
import { loadLayer } from '../../training/bundle/load-parts.ts';
import { principalComponents } from './principal-components.ts';

/** The classifier through whose eyes samples are compared with examples. */
export interface FeatureSource {
  readonly artifact: OpenArtifact;
  /** For people, e.g. `digits version 3`. */
  readonly name: string;
  /** Default: the one that the last layer reads. */
  readonly layer?: string;
}

export interface FeatureExtractor {
  readonly width: number;
  readonly description: string;
  /** Row-major values of examples or samples → row-major features. */
  extract(values: Float32Array, rows: number): Promise<Float32Array>;
  dispose(): void;
}

/** Covariances of wider features need more rows than there are, and much time. */
const WIDTH_MAX = 1_024;
/** Principal components where no classifier is given. */
const COMPONENTS = 64;
const ROWS_PER_CALL = 256;

/** Predictions occupy the process: between them the heartbeat of the step has to get through. */
export function othersTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** @param real values of the test examples, from which principal components are taken where no classifier is given */
export async function featureExtractor(
  source: FeatureSource | undefined,
  output: SamplesOutput,
  real: Float32Array,
): Promise<FeatureExtractor> {
  return source === undefined ? ownFeatures(output, real) : modelFeatures(source, output);
}

function ownFeatures({ shape }: SamplesOutput, real: Float32Array): FeatureExtractor {
  const size = shape.reduce((product, each) => product * each, 1);
  if (size <= COMPONENTS)
    return { width: size, description: `the ${size} values themselves`, extract: async (values) => values, dispose: () => undefined };
  const project = principalComponents(real, size, COMPONENTS);
  return {
    width: COMPONENTS,
    description: `the first ${COMPONENTS} principal components of the test examples`,
    extract: async (values) => project(values),
    dispose: () => undefined,
  };
}

/** @throws SHAPE_MISMATCH where the classifier reads something else; CONFIG_INVALID for a layer that is too wide */
async function modelFeatures({ artifact, name, layer: wanted }: FeatureSource, output: SamplesOutput): Promise<FeatureExtractor> {
  const { predictor, layer } = await loadLayer(artifact, wanted);
  const { inputs, outputShape } = predictor.meta;
  const width = outputShape.reduce((product, each) => product * each, 1);
  const [input] = inputs;
  const refuse = (error: PerennialError): never => {
    predictor.dispose();
    throw error;
  };
  if (inputs.length !== 1 || input!.shape.join() !== output.shape.join()) {
    refuse(
      new PerennialError(
        'SHAPE_MISMATCH',
        `The features are to come from ${name}, which reads ${inputs.map((one) => `"${one.name}" [${one.shape.join(', ')}]`).join(', ')}; the samples are [${output.shape.join(', ')}].`,
        { hint: 'Take a classifier that was trained on examples of the same preprocessing.' },
      ),
    );
  }
  if (width > WIDTH_MAX)
    refuse(
      new PerennialError('CONFIG_INVALID', `The layer "${layer}" of ${name} gives ${width} values; at most ${WIDTH_MAX} can be compared.`, {
        hint: 'Name a narrower one with "layer", for example a dense layer near the end.',
      }),
    );
  const toInput = rescaler(output.range, input!.range);
  return {
    width,
    description: `the ${width} values of the layer "${layer}" of ${name}`,
    async extract(values, rows) {
      const size = values.length / rows;
      const features = new Float32Array(rows * width);
      for (let start = 0; start < rows; start += ROWS_PER_CALL) {
        const count = Math.min(ROWS_PER_CALL, rows - start);
        const part = toInput(values.subarray(start * size, (start + count) * size));
        features.set(await predictor.predict({ [input!.name]: tensorOf(input!, part, count) }), start * width);
        await othersTurn();
      }
      return features;
    },
    dispose: () => predictor.dispose(),
  };
}

function tensorOf(spec: TensorSpec, values: Float32Array, rows: number): Tensor {
  return { spec: { ...spec, dtype: 'float32' }, rows, data: values };
}

/** Pixels of one range → the same pixels of another. */
function rescaler(from: SamplesOutput['range'], to: TensorSpec['range']): (values: Float32Array) => Float32Array {
  if (from === undefined || to === undefined || from.join() === to.join()) return (values) => values;
  const factor = (to[1] - to[0]) / (from[1] - from[0]);
  return (values) => values.map((value) => to[0] + (value - from[0]) * factor);
}
