import type { JsonObject } from '../../../core/json.ts';
import type { ExportReader, ExportSource } from '../export.ts';
import { NO_LOGITS, Network } from '../../model/network.ts';
import type { KerasModel } from '../../keras/to-keras.ts';
import type { Tensor, Tf } from '../../tensorflow/tf.ts';
import type { ReadModel } from '../../imports/model-reading.ts';

/** What goes in and out of a file of layers: its tensors, which are not the columns of the data. */
export function layersSignature({ meta, network }: ExportSource, keras: KerasModel): JsonObject {
  const { inputs, output } = network.topology;
  return {
    inputs: inputs.map(({ name, shape, vocabularySize }) => ({
      name: keras.inputNames.get(name)!,
      tensor: name,
      dtype: vocabularySize === undefined ? 'float32' : 'int32',
      shape: [null, ...shape],
    })),
    outputs: [{ name: output, dtype: 'float32', shape: [null, ...network.outputShape], ...meaning(meta.output as unknown as JsonObject) }],
  };
}

/** Of the output: what its values stand for. */
const meaning = (output: JsonObject): JsonObject => ({ means: output });

/** A network that was read, run operation by operation. */
export function networkReader(tf: Tf, source: ExportSource, read: Pick<ReadModel, 'topology' | 'weights'>): ExportReader {
  const network = new Network(read.topology);
  const weights = new Map(
    network.weights.map(({ fullName, shape }) => [fullName, tf.tensor(read.weights.get(fullName)!, [...shape], 'float32') as Tensor]),
  );
  return {
    async run(batch) {
      return tf.tidy(() => {
        const given = source.network.inputTensors(tf, batch);
        const inputs = Object.fromEntries(
          network.topology.inputs.map(({ name }, index) => [name, given[source.network.topology.inputs[index]!.name]!]),
        );
        const { output } = network.forward(tf, inputs, weights, { training: false, seed: 0, iteration: 0, logits: NO_LOGITS });
        return { output: (output.dataSync() as Float32Array).slice() } as never;
      });
    },
    dispose() {
      for (const weight of weights.values()) weight.dispose();
    },
  };
}

export function keras3Notes({ keras3Only }: KerasModel): string[] {
  if (keras3Only.length === 0) return [];
  return [
    `Keras 3 reads it; tf_keras and other readers of Keras 2 do not, or compute otherwise, because of ${keras3Only.map((name) => `"${name}"`).join(', ')}.`,
  ];
}
