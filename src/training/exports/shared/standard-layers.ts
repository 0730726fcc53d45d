import { freeName, namesIn } from '../../model/free-name.ts';
import { PerennialError } from '../../../core/errors.ts';
import { shapesOf, weightsOf } from '../../model/describe.ts';
import { activationClass } from '../../keras/activation.ts';
import { activationToKeras } from '../../keras/names.ts';
import type { KerasDialect } from '../../keras/mapping.ts';
import { withDefaults } from '../../model/named.ts';
import type { Named } from '../../model/named.ts';
import type { LayerNode, Topology } from '../../model/model-config.ts';
import { Network } from '../../model/network.ts';
import { withoutScore } from '../../objectives/shared/reconstruction.ts';
import { layerRegistry } from '../../layers/index.generated.ts';
import { showShape } from '../../layers/shapes.ts';
import type { Tf } from '../../tensorflow/tf.ts';
import { COMPOSITES } from './composites.ts';
import { masksOf } from './masks.ts';

/** A network as other programs can have it, layer by layer. */
export interface StandardNetwork {
  readonly network: Network;
  /** By full name. */
  readonly weights: ReadonlyMap<string, Float32Array>;
  /** What was left out or put otherwise, in sentences. */
  readonly notes: readonly string[];
}

/** The network before its score of anomalies: what a file of layers is compared with. */
export function withoutScoreLayer(network: Network): Network {
  const core = withoutScore(network.topology);
  return core === undefined ? network : new Network(core);
}

/**
 * What predicts, in layers that others have: without the score of anomalies and layers that only training changes images by;
 * layers of our own as the standard layers that compute the same; activations that are layers there as layers of their own.
 *
 * @throws MODEL_INVALID naming a layer that cannot be put so
 */
export function standardLayers(tf: Tf, whole: Network, weights: ReadonlyMap<string, Float32Array>, dialect: KerasDialect): StandardNetwork {
  const notes: string[] = [];
  const core = withoutScoreLayer(whole);
  if (core !== whole)
    notes.push(
      `"${whole.topology.output}" (reconstructionError): left out; the output is the reconstruction, and the score its distance from what went in.`,
    );
  const { topology } = core;
  const shapes = shapesOf(topology);
  const masks = masksOf(tf, topology);
  refuseLostMasks(topology, masks);
  const passed = new Map<string, string>();
  const source = (name: string): string => passed.get(name) ?? name;
  const taken = namesIn(topology);
  const layers: LayerNode[] = [];
  const values = new Map<string, Float32Array>();
  for (const original of topology.layers) {
    const node = { ...original, inputs: original.inputs.map(source) };
    const { type, name } = node;
    const [read] = original.inputs as [string];
    if (layerRegistry.get(type).augmentation === true && showShape(shapes.get(name)!) === showShape(shapes.get(read)!)) {
      notes.push(`"${name}" (${type}): left out; it changes images in training alone.`);
      passed.set(name, source(read));
      continue;
    }
    const compose = COMPOSITES[type];
    if (compose === undefined) {
      for (const spec of weightsOf(original, shapes)) values.set(`${name}/${spec.name}`, weights.get(`${name}/${spec.name}`)!);
      const activation = activationLayer(node, dialect);
      layers.push(activation === undefined ? node : { ...node, config: { ...node.config, activation: 'linear' } });
      if (activation !== undefined) {
        const behind = take(`${name}_activation`, taken);
        layers.push({ name: behind, type: 'activation', config: { activation }, inputs: [name] });
        passed.set(name, behind);
        notes.push(`"${name}" (${type}): its activation is the layer "${behind}" behind it.`);
      }
      continue;
    }
    compose({
      node,
      dialect,
      inputs: original.inputs.map((each) => shapes.get(each)!),
      mask: masks.get(read),
      weight: (weight) => weights.get(`${name}/${weight}`)!,
      add(other, suffix, inputs, config = {}, own = {}) {
        const free = suffix === '' ? name : take(`${name}_${suffix}`, taken);
        const { configSchema } = layerRegistry.get(other);
        layers.push({ name: free, type: other, config: withDefaults(configSchema, config), inputs });
        for (const [weight, given] of Object.entries(own)) values.set(`${free}/${weight}`, given);
        return free;
      },
      pass: (other) => passed.set(name, other),
      note: (text) => notes.push(text),
    });
  }
  const standard = withoutUnread({
    ...topology,
    layers,
    output: source(topology.output),
    ...(topology.heads === undefined ? {} : { heads: topology.heads.map(source) }),
  });
  const network = new Network(standard);
  return { network, weights: new Map(network.weights.map(({ fullName }) => [fullName, values.get(fullName)!])), notes };
}

/** The activation that a layer ends with, where the reader has it as a layer alone. */
function activationLayer({ type, config }: LayerNode, dialect: KerasDialect): Named | undefined {
  const activation = config.activation as Named | undefined;
  // What recurs has its activation within each step.
  if (activation === undefined || type === 'activation' || 'returnSequences' in config) return undefined;
  return activationToKeras(activation, dialect) === undefined && activationClass(activation) !== undefined ? activation : undefined;
}

/** Keras gives no mask to an attention behind another one where other layers read the same input. @throws MODEL_INVALID */
function refuseLostMasks({ layers }: Topology, masks: ReadonlyMap<string, unknown>): void {
  const masked = layers.filter(({ type, inputs }) => type === 'multiHeadAttention' && inputs.some((read) => masks.has(read)));
  const lost = masked
    .slice(1)
    .find(({ inputs }) => inputs.some((read) => layers.filter((other) => other.inputs.includes(read)).length > 1));
  if (lost === undefined) return;
  throw new PerennialError(
    'MODEL_INVALID',
    `The layer "${lost.name}" (multiHeadAttention) cannot be exported as layers: other layers read "${lost.inputs[0]}" as well, and there Keras takes padding for steps in every attention after the first.`,
    {
      hint: 'Export a "savedModel" or a "tfjsGraph"; or train with "norm": "first".',
      details: { layer: lost.name, type: lost.type },
    },
  );
}

function take(wanted: string, taken: Set<string>): string {
  const name = freeName(wanted, taken);
  taken.add(name);
  return name;
}

/** Without layers that only what was left out read. */
function withoutUnread(topology: Topology): Topology {
  const needed = new Set([topology.output]);
  for (const { name, inputs } of [...topology.layers].reverse()) if (needed.has(name)) for (const read of inputs) needed.add(read);
  return { ...topology, layers: topology.layers.filter(({ name }) => needed.has(name)) };
}
