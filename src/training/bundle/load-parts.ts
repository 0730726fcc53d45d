import { PerennialError } from '../../core/errors.ts';
import type { OpenArtifact } from '../../core/ports.ts';
import { createPredictor, readModel } from './load-model.ts';
import type { LayerNode, Topology } from '../model/model-config.ts';
import { Network } from '../model/network.ts';
import type { ModelMeta, Predictor } from '../model/model-meta.ts';

/** The model as it was before training: its first weights follow from its seed. @throws as `loadModel` */
export async function loadUntrained(artifact: OpenArtifact): Promise<Predictor> {
  const { meta, network } = await readModel(artifact);
  return createPredictor(meta, network, network.initialWeights(meta.seed));
}

/**
 * A model up to one of its layers, whose values it then gives.
 *
 * @param layer default: the one that the last layer reads
 * @throws MODEL_INVALID for a layer that the model does not have
 */
export async function loadLayer(
  artifact: OpenArtifact,
  layer?: string,
): Promise<{ readonly predictor: Predictor; readonly layer: string }> {
  const { meta, network, weights } = await readModel(artifact);
  const { topology } = network;
  const name = layer ?? before(topology);
  if (!topology.layers.some((node) => node.name === name)) {
    throw new PerennialError('MODEL_INVALID', `The model has no layer "${name}".`, {
      hint: `It has: ${topology.layers.map((node) => node.name).join(', ')}.`,
    });
  }
  const needed = new Set<string>([name]);
  for (const node of [...topology.layers].reverse()) if (needed.has(node.name)) for (const read of node.inputs) needed.add(read);
  const part = new Network({
    ...topology,
    inputs: topology.inputs.filter((input) => needed.has(input.name)),
    layers: topology.layers.filter((node) => needed.has(node.name)),
    output: name,
  });
  const { heads: _heads, ...rest } = meta;
  // What the loss would make of scores is none of the values of a layer.
  const own: ModelMeta = { ...rest, inputs: part.topology.inputs, outputShape: part.outputShape, loss: '' };
  return { predictor: createPredictor(own, part, weights), layer: name };
}

/** The last layer that changes its values before the one that gives the output. */
function before(topology: Topology): string {
  const byName = new Map(topology.layers.map((node): [string, LayerNode] => [node.name, node]));
  let node = byName.get(byName.get(topology.output)!.inputs[0]!);
  while (node !== undefined && /dropout$/i.test(node.type)) node = byName.get(node.inputs[0]!);
  return node?.name ?? topology.output;
}
