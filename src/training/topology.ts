import { PerennialError } from '../core/errors.ts';
import type { OutputSpec, TensorSpec } from '../core/tensor.ts';
import type { LayerDefinition } from './layer.ts';
import type { Resolved } from './named.ts';
import type { LossDefinition } from './loss.ts';
import { withDefaults } from './named.ts';
import { architectureRegistry, layerRegistry } from './registries.ts';
import type { LayerConfig, LayerNode, ModelConfig, Topology } from './model-config.ts';

export type { LayerConfig, LayerNode, ModelConfig, Topology };

/**
 * The explicit network that a `model` configuration means for these inputs and this output.
 *
 * @throws MODEL_INVALID, SHAPE_MISMATCH
 */
export function resolveTopology(model: ModelConfig, inputs: readonly TensorSpec[], output: OutputSpec, loss: Resolved<LossDefinition>): Topology {
  const specs = 'layers' in model && Array.isArray(model.layers) ? model.layers : expanded(model as { architecture: string }, inputs, output, loss);
  return buildTopology(specs as readonly LayerConfig[], inputs);
}

function expanded(model: { readonly architecture: string; readonly [setting: string]: unknown }, inputs: readonly TensorSpec[], output: OutputSpec, loss: Resolved<LossDefinition>): readonly LayerConfig[] {
  const { architecture: name, ...settings } = model;
  const definition = architectureRegistry.get(name, 'MODEL_INVALID');
  const config = withDefaults(definition.configSchema, settings);
  const [problem] = definition.check?.(config) ?? [];
  if (problem !== undefined) throw new PerennialError('MODEL_INVALID', `The architecture ${name}: ${problem.message}`, { hint: problem.fix });
  return definition.expand(config, inputs, { output, loss });
}

/** Names the layers, connects them, and fills in their defaults. @throws MODEL_INVALID */
export function buildTopology(specs: readonly LayerConfig[], inputs: readonly TensorSpec[]): Topology {
  if (specs.length === 0) throw new PerennialError('MODEL_INVALID', 'The model has no layers.', { hint: 'Give at least one layer, the last one as wide as the output.' });
  const known = new Set(inputs.map((input) => input.name));
  const counts = new Map<string, number>();
  const nodes: LayerNode[] = [];
  for (const [index, spec] of specs.entries()) {
    const { type, name: given, inputs: reads, ...settings } = spec;
    const definition = layerRegistry.get(type, 'MODEL_INVALID');
    const count = (counts.get(type) ?? 0) + 1;
    counts.set(type, count);
    const name = given ?? `${type}_${count}`;
    if (known.has(name)) throw new PerennialError('MODEL_INVALID', `Layer ${index + 1} has the name "${name}", which is taken by ${inputs.some((input) => input.name === name) ? 'a model input' : 'an earlier layer'}.`, { hint: 'Give every layer a name of its own.' });
    nodes.push({ name, type, config: configOf(definition, settings, reads ?? previous(nodes, inputs, name), inputs), inputs: reads ?? previous(nodes, inputs, name) });
    checkReads(nodes.at(-1)!, definition, known);
    known.add(name);
  }
  const topology: Topology = { formatVersion: 1, inputs, layers: nodes, output: nodes.at(-1)!.name };
  checkConnected(topology);
  return topology;
}

/** Embedding layers take the number of ids from the input they read. */
function configOf(definition: LayerDefinition, settings: Record<string, unknown>, reads: readonly string[], inputs: readonly TensorSpec[]): Record<string, unknown> {
  const config = withDefaults(definition.configSchema, settings);
  delete config.name;
  delete config.inputs;
  if (definition.type === 'embedding' && config.inputDim === undefined) {
    config.inputDim = inputs.find((input) => input.name === reads[0])?.vocabularySize;
    if (config.inputDim === undefined) throw new PerennialError('MODEL_INVALID', `An embedding layer reads "${reads[0]}", which does not say how many ids it has.`, { hint: 'Give "inputDim", or connect the layer to a tokenized input.' });
  }
  return config;
}

function previous(nodes: readonly LayerNode[], inputs: readonly TensorSpec[], name: string): string[] {
  const before = nodes.at(-1);
  if (before !== undefined) return [before.name];
  if (inputs.length === 1) return [inputs[0]!.name];
  throw new PerennialError('MODEL_INVALID', `The first layer "${name}" does not say which input it reads; the model has ${inputs.map((input) => `"${input.name}"`).join(', ')}.`, {
    hint: `Give "inputs": ["${inputs[0]?.name ?? 'name'}"], and join the branches with a concatenate layer.`,
  });
}

function checkReads(node: LayerNode, definition: LayerDefinition, known: ReadonlySet<string>): void {
  for (const read of node.inputs) {
    if (!known.has(read)) throw new PerennialError('MODEL_INVALID', `Layer "${node.name}" reads "${read}", which is no model input and no earlier layer.`, { hint: `There is: ${[...known].map((name) => `"${name}"`).join(', ')}.` });
  }
  if (node.inputs.length > definition.inputsMax) {
    throw new PerennialError('MODEL_INVALID', `Layer "${node.name}" (${node.type}) takes ${definition.inputsMax} input, but reads ${node.inputs.length}.`, { hint: 'Join them first with a concatenate or add layer.' });
  }
}

function checkConnected(topology: Topology): void {
  const read = new Set(topology.layers.flatMap((layer) => layer.inputs));
  const loose = [...topology.inputs, ...topology.layers].filter(({ name }) => name !== topology.output && !read.has(name));
  if (loose.length > 0) {
    throw new PerennialError('MODEL_INVALID', `Nothing reads ${loose.map(({ name }) => `"${name}"`).join(', ')}.`, { hint: 'Connect it with "inputs" of a later layer, or leave it out.' });
  }
}
