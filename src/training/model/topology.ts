import { freeName, namesIn } from './free-name.ts';
import { PerennialError } from '../../core/errors.ts';
import type { OutputSpec, TensorSpec } from '../../core/tensor.ts';
import type { ArchitectureDefinition } from '../architectures/architecture.ts';
import type { TargetHead } from '../architectures/target.ts';
import { outputActivation } from './describe.ts';
import type { LayerDefinition } from '../layers/layer.ts';
import type { LossDefinition } from '../losses/loss.ts';
import { withDefaults } from './named.ts';
import type { Resolved } from './named.ts';
import { architectureRegistry } from '../architectures/index.generated.ts';
import { layerRegistry } from '../layers/index.generated.ts';
import type { LayerConfig, LayerNode, ModelConfig, Topology } from './model-config.ts';

/**
 * The explicit network that a `model` configuration means for these inputs and this output.
 *
 * @param heads of several outputs: each with its loss
 * @throws MODEL_INVALID, SHAPE_MISMATCH
 */
export function resolveTopology(
  model: ModelConfig,
  inputs: readonly TensorSpec[],
  output: OutputSpec,
  loss: Resolved<LossDefinition>,
  heads?: readonly TargetHead[],
): Topology {
  if (!isLayers(model)) {
    const { definition, config } = checkedArchitecture(model as { architecture: string });
    const target = { output, loss, ...(heads === undefined ? {} : { heads }) };
    const specs = definition.expand(config, inputs, target);
    return buildTopology(
      specs,
      definition.modelInputs?.(config, inputs, target) ?? inputs,
      heads === undefined ? undefined : specs.slice(-heads.length).map(({ name }) => name!),
    );
  }
  const { layers } = model;
  if (heads !== undefined) return buildTopology(layers, inputs, headsOf(model, heads));
  if (model.outputs !== undefined)
    throw new PerennialError('MODEL_INVALID', `"outputs" is for several labels, but there is only "${output.name}".`, {
      hint: 'Leave "outputs" out: the last layer gives the output; or name several labels in the ingest step.',
    });
  const topology = buildTopology(layers, inputs);
  return readsLogits(topology, loss)
    ? buildTopology(
        [
          ...layers,
          { type: 'activation', name: freeName('probabilities', namesIn(topology)), activation: loss.definition.fromLogits!.activation },
        ],
        inputs,
      )
    : topology;
}

type LayersModel = Extract<ModelConfig, { readonly layers: readonly LayerConfig[] }>;

const isLayers = (model: ModelConfig): model is LayersModel => Array.isArray((model as LayersModel).layers);

/** The layers that `outputs` names for each label. @throws MODEL_INVALID */
function headsOf({ outputs = {}, layers }: LayersModel, heads: readonly TargetHead[]): string[] {
  const labels = heads.map(({ output }) => output.name);
  const unknown = Object.keys(outputs).find((name) => !labels.includes(name));
  const missing = labels.find((name) => !Object.hasOwn(outputs, name));
  if (unknown === undefined && missing === undefined) {
    const absent = labels.find((name) => !layers.some((layer) => layer.name === outputs[name]));
    if (absent === undefined) return labels.map((name) => outputs[name]!);
    throw new PerennialError(
      'MODEL_INVALID',
      `"outputs" gives "${absent}" to the layer "${outputs[absent]}", and no layer has this name.`,
      { hint: 'Give the layer that ends this output a "name".' },
    );
  }
  throw new PerennialError(
    'MODEL_INVALID',
    unknown === undefined ? `"outputs" does not say which layer gives "${missing}".` : `"outputs" names "${unknown}", which is no label.`,
    {
      hint: `The labels are ${labels.map((name) => `"${name}"`).join(', ')}: write "outputs": { ${labels.map((name) => `"${name}": "name of its last layer"`).join(', ')} } beside "layers".`,
    },
  );
}

/** True where explicit layers end with the logits of a loss: the model needs an activation after them. @throws MODEL_INVALID */
function readsLogits(topology: Topology, { name, definition, config }: Resolved<LossDefinition>): boolean {
  const ending = outputActivation(topology);
  if (definition.fromLogits === undefined || (config.fromLogits !== true && definition.endsLinear !== true)) return false;
  if (ending === 'linear') return true;
  if (definition.endsLinear === true) return false;
  throw new PerennialError(
    'MODEL_INVALID',
    `The loss ${name} is to read logits ("fromLogits"), but the last layer "${topology.output}" ends with ${ending}.`,
    {
      hint:
        ending === definition.fromLogits.activation
          ? 'Leave "fromLogits" out: the loss reads the values before the activation by itself.'
          : 'Give the last layer "activation": "linear", or leave it out.',
    },
  );
}

/** Networks that take part in training beside the model's own, by name. @throws as {@link resolveTopology} */
export function resolveCompanions(
  model: ModelConfig,
  inputs: readonly TensorSpec[],
  output: OutputSpec,
  loss: Resolved<LossDefinition>,
): Readonly<Record<string, Topology>> {
  if (!('architecture' in model)) return {};
  const { definition, config } = checkedArchitecture(model as { architecture: string });
  const companions = definition.companions?.(config, inputs, { output, loss }) ?? {};
  return Object.fromEntries(Object.entries(companions).map(([name, network]) => [name, buildTopology(network.layers, network.inputs)]));
}

function checkedArchitecture(model: { readonly architecture: string; readonly [setting: string]: unknown }): {
  definition: ArchitectureDefinition;
  config: Record<string, unknown>;
} {
  const { architecture: name, ...settings } = model;
  const definition = architectureRegistry.get(name, 'MODEL_INVALID');
  const config = withDefaults(definition.configSchema, settings);
  const [problem] = definition.check?.(config) ?? [];
  if (problem !== undefined)
    throw new PerennialError('MODEL_INVALID', `The architecture ${name}: ${problem.message}`, { hint: problem.fix });
  return { definition, config };
}

/**
 * Names the layers, connects them, and fills in their defaults.
 *
 * @param heads names of the layers that give several outputs
 * @throws MODEL_INVALID
 */
export function buildTopology(specs: readonly LayerConfig[], inputs: readonly TensorSpec[], heads?: readonly string[]): Topology {
  if (heads !== undefined) return { ...buildTopology(withJoinedHeads(specs, heads), inputs), heads };
  if (specs.length === 0)
    throw new PerennialError('MODEL_INVALID', 'The model has no layers.', {
      hint: 'Give at least one layer, the last one as wide as the output.',
    });
  const known = new Set(inputs.map((input) => input.name));
  const counts = new Map<string, number>();
  const nodes: LayerNode[] = [];
  for (const [index, spec] of specs.entries()) {
    const { type, name: given, inputs: reads, ...settings } = spec;
    const definition = layerRegistry.get(type, 'MODEL_INVALID');
    const count = (counts.get(type) ?? 0) + 1;
    counts.set(type, count);
    const name = given ?? `${type}_${count}`;
    if (known.has(name))
      throw new PerennialError(
        'MODEL_INVALID',
        `Layer ${index + 1} has the name "${name}", which is taken by ${inputs.some((input) => input.name === name) ? 'a model input' : 'an earlier layer'}.`,
        { hint: 'Give every layer a name of its own.' },
      );
    nodes.push({
      name,
      type,
      config: configOf(definition, settings, reads ?? previous(nodes, inputs, name), inputs),
      inputs: reads ?? previous(nodes, inputs, name),
    });
    checkReads(nodes.at(-1)!, definition, known);
    known.add(name);
  }
  const topology: Topology = { formatVersion: 1, inputs, layers: nodes, output: nodes.at(-1)!.name };
  checkConnected(topology);
  return topology;
}

/** Several outputs side by side, as vectors, in one more layer. */
function withJoinedHeads(specs: readonly LayerConfig[], heads: readonly string[]): readonly LayerConfig[] {
  return [...specs, { type: 'concatenate', name: freeName('outputs', new Set(specs.map(({ name }) => name))), inputs: heads }];
}

/** Embedding layers take the number of ids from the input they read. */
function configOf(
  definition: LayerDefinition,
  settings: Record<string, unknown>,
  reads: readonly string[],
  inputs: readonly TensorSpec[],
): Record<string, unknown> {
  const config = withDefaults(definition.configSchema, settings);
  delete config.name;
  delete config.inputs;
  if (definition.type === 'embedding' && config.inputDim === undefined) {
    config.inputDim = inputs.find((input) => input.name === reads[0])?.vocabularySize;
    if (config.inputDim === undefined)
      throw new PerennialError('MODEL_INVALID', `An embedding layer reads "${reads[0]}", which does not say how many ids it has.`, {
        hint: 'Give "inputDim", or connect the layer to a tokenized input.',
      });
  }
  return config;
}

function previous(nodes: readonly LayerNode[], inputs: readonly TensorSpec[], name: string): string[] {
  const before = nodes.at(-1);
  if (before !== undefined) return [before.name];
  if (inputs.length === 1) return [inputs[0]!.name];
  throw new PerennialError(
    'MODEL_INVALID',
    `The first layer "${name}" does not say which input it reads; the model has ${inputs.map((input) => `"${input.name}"`).join(', ')}.`,
    {
      hint: `Give "inputs": ["${inputs[0]?.name ?? 'name'}"], and join the branches with a concatenate layer.`,
    },
  );
}

function checkReads(node: LayerNode, definition: LayerDefinition, known: ReadonlySet<string>): void {
  for (const read of node.inputs) {
    if (!known.has(read))
      throw new PerennialError('MODEL_INVALID', `Layer "${node.name}" reads "${read}", which is no model input and no earlier layer.`, {
        hint: `There is: ${[...known].map((name) => `"${name}"`).join(', ')}.`,
      });
  }
  if (node.inputs.length > definition.inputsMax) {
    throw new PerennialError(
      'MODEL_INVALID',
      `Layer "${node.name}" (${node.type}) takes ${definition.inputsMax} input, but reads ${node.inputs.length}.`,
      { hint: 'Join them first with a concatenate or add layer.' },
    );
  }
}

function checkConnected(topology: Topology): void {
  const read = new Set(topology.layers.flatMap((layer) => layer.inputs));
  const loose = [...topology.inputs, ...topology.layers].filter(({ name }) => name !== topology.output && !read.has(name));
  if (loose.length > 0) {
    throw new PerennialError('MODEL_INVALID', `Nothing reads ${loose.map(({ name }) => `"${name}"`).join(', ')}.`, {
      hint: 'Connect it with "inputs" of a later layer, or leave it out.',
    });
  }
}
