import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Json, JsonObject } from '../../core/json.ts';
import { FLOAT32_BOUND, defineExport } from './export.ts';
import { DataType } from '../graph/graph-def.ts';
import type { Attribute, Node, Signature } from '../graph/graph-def.ts';
import { inputNodes, tracePortable } from '../graph/portable-graph.ts';
import type { Tensor } from '../tensorflow/tf.ts';
import { graphSignature } from './shared/graph-files.ts';
import { graphOutputs, labelsText } from './shared/graph-outputs.ts';
import { encodeShards, quantizeProperty, quantizedBound } from './shared/shards.ts';
import type { ManifestWeight, QuantizeConfig } from './shared/shards.ts';

interface Config {
  readonly quantize?: QuantizeConfig;
}

const TYPES: Readonly<Record<number, 'float32' | 'int32' | 'bool'>> = {
  [DataType.float32]: 'float32',
  [DataType.int32]: 'int32',
  [DataType.bool]: 'bool',
};
const PROTO_TYPES: Readonly<Record<number, string>> = {
  [DataType.float32]: 'DT_FLOAT',
  [DataType.int32]: 'DT_INT32',
  [DataType.bool]: 'DT_BOOL',
  [DataType.uint8]: 'DT_UINT8',
};

export default defineExport<Config>({
  name: 'tfjsGraph',
  answers: 'source',
  summary: 'A TensorFlow.js graph model: the computation itself, whatever its layers. tf.loadGraphModel reads it, in browsers too.',
  properties: { quantize: quantizeProperty },
  async write(tf, { meta, network, weights }, { quantize }) {
    const graph = tracePortable(tf, network, weights, (output) => graphOutputs(tf, meta, output));
    const constants = graph.nodes.filter(({ op }) => op === 'Const');
    const { files, manifest } = encodeShards(constants.map(weightOf), quantize, (name) => name.startsWith('weights/'));
    const labels = labelsText(meta);
    const json: JsonObject = {
      format: 'graph-model',
      generatedBy: 'Perennial',
      convertedBy: null,
      signature: signatureJson(graph.signature),
      modelTopology: { node: graph.nodes.map(nodeJson), library: {}, versions: { producer: 1395 } },
      weightsManifest: manifest,
    };
    return {
      files: {
        ...files,
        ...(labels === undefined ? {} : { 'labels.txt': Buffer.from(labels) }),
        'model.json': Buffer.from(`${JSON.stringify(json)}\n`),
      },
      signature: graphSignature(graph, meta),
      notes: [],
    };
  },
  outputs: (tf, { meta }, output) => graphOutputs(tf, meta, output),
  async open(tf, folder, { network }) {
    const { outputs } = JSON.parse(await readFile(join(folder, 'signature.json'), 'utf8')) as {
      outputs: readonly { name: string; node: string }[];
    };
    const model = await tf.loadGraphModel(`file://${join(folder, 'model.json')}`);
    const names = inputNodes(network.topology);
    return {
      async run(batch) {
        return tf.tidy(() => {
          const given = Object.fromEntries(
            Object.entries(network.inputTensors(tf, batch)).map(([name, tensor]) => [names.get(name)!, tensor]),
          );
          const results = [
            model.execute(
              given,
              outputs.map(({ node }) => node.replace(/:0$/, '')),
            ),
          ].flat() as Tensor[];
          return Object.fromEntries(
            outputs.map(({ name }, index) => [name, (results[index]!.dataSync() as Float32Array).slice()]),
          ) as never;
        });
      },
      dispose: () => model.dispose(),
    };
  },
  bound: (config) => quantizedBound(config, FLOAT32_BOUND),
  examples: [{ quantize: { float16: 'weights/*' } }],
  reference: 'https://www.tensorflow.org/js/guide/conversion',
});

function weightOf({ name, attributes }: Node): ManifestWeight {
  const { tensor } = attributes.value as Extract<Attribute, { tensor: unknown }>;
  return { name, shape: tensor.shape, dtype: TYPES[tensor.dtype]!, bytes: tensor.bytes };
}

function signatureJson({ inputs, outputs }: Signature): JsonObject {
  const infos = (all: Signature['inputs']): JsonObject =>
    Object.fromEntries(
      Object.entries(all).map(([name, { tensor, dtype, shape }]) => [
        name,
        { name: tensor, dtype: PROTO_TYPES[dtype]!, tensorShape: shapeJson(shape) },
      ]),
    );
  return { inputs: infos(inputs), outputs: infos(outputs) };
}

/** 64-bit numbers are text in the JSON of protocol buffers. */
const shapeJson = (shape: readonly number[]): JsonObject => ({ dim: shape.map((size) => ({ size: String(size) })) });

/** A NodeDef in the JSON of protocol buffers. */
function nodeJson({ name, op, inputs, attributes }: Node): JsonObject {
  const attr: JsonObject = {};
  for (const [key, value] of Object.entries(attributes)) attr[key] = attributeJson(value);
  return { name, op, ...(inputs.length === 0 ? {} : { input: [...inputs] }), attr };
}

const base64 = (text: string): string => Buffer.from(text).toString('base64');

function attributeJson(value: Attribute): Json {
  if ('s' in value) return { s: base64(value.s) };
  if ('i' in value) return { i: String(value.i) };
  if ('type' in value) return { type: PROTO_TYPES[value.type]! };
  if ('shape' in value) return { shape: shapeJson(value.shape) };
  if ('func' in value) return { func: { name: value.func } };
  // The values are among the weights.
  if ('tensor' in value) return { tensor: { dtype: PROTO_TYPES[value.tensor.dtype]!, tensorShape: shapeJson(value.tensor.shape) } };
  if (!('list' in value)) return { ...value };
  const { s, i, type, shape, ...rest } = value.list;
  const list: JsonObject = Object.fromEntries(Object.entries(rest).map(([key, items]) => [key, [...items]]));
  if (s !== undefined) list.s = s.map(base64);
  if (i !== undefined) list.i = i.map(String);
  if (type !== undefined) list.type = type.map((each) => PROTO_TYPES[each]!);
  if (shape !== undefined) list.shape = shape.map(shapeJson);
  return { list };
}
