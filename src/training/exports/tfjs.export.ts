import { join } from 'node:path';
import { PerennialError, messageOf } from '../../core/errors.ts';
import type { JsonObject } from '../../core/json.ts';
import { FLOAT32_BOUND, defineExport } from './export.ts';
import type { ExportSource } from './export.ts';
import { toKeras } from '../keras/to-keras.ts';
import type { KerasModel } from '../keras/to-keras.ts';
import { trainingConfig } from '../keras/training-config.ts';
import type { Tensor, Tf } from '../tensorflow/tf.ts';
import { layersSignature } from './shared/layers-export.ts';
import { masksOf } from './shared/masks.ts';
import { firstSentence } from './shared/messages.ts';
import { encodeShards, quantizeProperty, quantizedBound } from './shared/shards.ts';
import type { ManifestWeight, QuantizeConfig } from './shared/shards.ts';

interface Config {
  readonly quantize?: QuantizeConfig;
}

type LayersModel = import('@tensorflow/tfjs-node').LayersModel;

export default defineExport<Config>({
  name: 'tfjs',
  answers: 'network',
  summary: 'A TensorFlow.js layers model: model.json and the weights beside it. tf.loadLayersModel reads it, in browsers too.',
  properties: { quantize: quantizeProperty },
  layers: 'tfjs',
  async write(tf, source, { quantize }) {
    refuseMaskedHalves(tf, source);
    const keras = toKeras(source.network.topology, source.name.replace(/[^A-Za-z0-9_]/g, '_'), 'tfjs');
    const compiled = trainingConfig(source.meta);
    const { files, manifest } = encodeShards(await namedWeights(tf, keras, source), quantize);
    const json: JsonObject = {
      format: 'layers-model',
      generatedBy: 'Perennial',
      convertedBy: null,
      modelTopology: { keras_version: 'tfjs-layers 4.22.0', backend: 'tensor_flow.js', model_config: keras.config },
      ...(compiled === undefined ? {} : { userDefinedMetadata: { trainingConfig: compiled } }),
      weightsManifest: manifest,
    };
    // What is read last is what names the rest.
    return {
      files: { ...files, 'model.json': Buffer.from(`${JSON.stringify(json)}\n`) },
      signature: layersSignature(source, keras),
      notes: [],
    };
  },
  async open(tf, folder, { network }) {
    const model = await tf.loadLayersModel(`file://${join(folder, 'model.json')}`);
    return {
      async run(batch) {
        return tf.tidy(() => {
          const inputs = network.inputTensors(tf, batch);
          const output = model.predict(network.topology.inputs.map(({ name }) => inputs[name]!)) as Tensor;
          return { output: (output.dataSync() as Float32Array).slice() } as never;
        });
      },
      dispose: () => {
        model.dispose();
      },
    };
  },
  bound: (config) => quantizedBound(config, FLOAT32_BOUND),
  examples: [{ quantize: { uint8: '*' } }],
  reference: 'https://www.tensorflow.org/js/guide/save_load',
});

/** TensorFlow.js reads padding from the front, where the backward half has it. @throws MODEL_INVALID naming the layer */
function refuseMaskedHalves(tf: Tf, { network: { topology } }: ExportSource): void {
  const masks = masksOf(tf, topology);
  const node = topology.layers.find(({ type, inputs }) => type === 'bidirectional' && masks.has(inputs[0]!));
  if (node === undefined) return;
  throw new PerennialError(
    'MODEL_INVALID',
    `The layer "${node.name}" (${node.type}) cannot be exported to a TensorFlow.js layers model: there, its backward half takes the padding of masked sequences for steps.`,
    { hint: 'Export a "tfjsGraph": it holds the computation itself.' },
  );
}

/** The weights under the names that TensorFlow.js looks for: those of the model that it makes of the layers. */
async function namedWeights(tf: Tf, keras: KerasModel, { weights }: ExportSource): Promise<ManifestWeight[]> {
  const model = await instantiate(tf, keras);
  try {
    return keras.layers.flatMap((layer) => {
      const own = model.getLayer(layer.name).weights as readonly {
        readonly originalName: string;
        readonly shape: readonly (number | null)[];
      }[];
      if (own.length !== layer.weights.length || own.some(({ shape }, index) => shape.join() !== layer.weights[index]!.shape.join())) {
        const [theirs, ours] = [own.map(({ shape }) => shape), layer.weights.map(({ shape }) => shape)].map((shapes) =>
          JSON.stringify(shapes),
        );
        throw new PerennialError(
          'MODEL_INVALID',
          `The layer "${layer.name}" cannot be exported to a TensorFlow.js layers model: there its weights have the shapes ${theirs}, here ${ours}.`,
          { hint: 'Export a "tfjsGraph".' },
        );
      }
      return own.map(({ originalName }, index): ManifestWeight => {
        const { fullName, shape } = layer.weights[index]!;
        const values = weights.get(fullName)!;
        return { name: originalName, shape, dtype: 'float32', bytes: new Uint8Array(values.buffer, values.byteOffset, values.byteLength) };
      });
    });
  } finally {
    model.dispose();
  }
}

/** @throws MODEL_INVALID naming the layer that TensorFlow.js does not have */
async function instantiate(tf: Tf, keras: KerasModel): Promise<LayersModel> {
  try {
    return await tf.models.modelFromJSON({ modelTopology: keras.config });
  } catch (error) {
    const culprit = await findCulprit(tf, keras.config);
    throw new PerennialError(
      'MODEL_INVALID',
      `${culprit} cannot be exported to a TensorFlow.js layers model: ${firstSentence(messageOf(error))}.`,
      { hint: 'Export a "tfjsGraph": it holds the computation itself.', cause: error },
    );
  }
}

/** The first layer that cannot be made by itself. */
async function findCulprit(tf: Tf, config: JsonObject): Promise<string> {
  const { layers } = config.config as { layers: { class_name: string; config: JsonObject; name: string }[] };
  for (const { class_name: className, config: own, name } of layers) {
    try {
      const alone = {
        class_name: 'Sequential',
        config: {
          name: 'probe',
          layers: [{ class_name: className, config: className === 'InputLayer' ? own : { ...own, batch_input_shape: [null, 4] } }],
        },
      };
      (await tf.models.modelFromJSON({ modelTopology: alone })).dispose();
    } catch (error) {
      if (/Unknown layer|does not support|not supported|Unknown activation|Unknown \w+:|is not implemented/i.test(messageOf(error)))
        return `The layer "${name}" (${className})`;
    }
  }
  return 'The model';
}
