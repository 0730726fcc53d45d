import { freeName, namesIn } from '../model/free-name.ts';
import { PerennialError } from '../../core/errors.ts';
import type { OutputSpec, TensorSpec } from '../../core/tensor.ts';
import { shapesOf, weightsOf } from '../model/describe.ts';
import type { LossDefinition } from '../losses/loss.ts';
import type { LayerConfig, LayerNode, Topology } from '../model/model-config.ts';
import type { Resolved } from '../model/named.ts';
import { headOf } from '../model/output-head.ts';
import { withoutScore } from '../objectives/shared/reconstruction.ts';
import { showShape } from '../layers/shapes.ts';
import { buildTopology } from '../model/topology.ts';
import { adoptInputs } from './adopt-inputs.ts';
import { baseText } from './base.ts';
import type { BaseNetwork } from './base.ts';
import { checkSameOutput } from './check-output.ts';
import { listed } from './patterns.ts';
import type { TransferConfig } from './transfer-config.ts';

export interface Target {
  readonly inputs: readonly TensorSpec[];
  readonly output: OutputSpec;
  readonly loss: Resolved<LossDefinition>;
}

/** A network made from another one. */
export interface TransferredTopology {
  readonly topology: Topology;
  /** Names of the layers that come from the base with their weights. */
  readonly kept: ReadonlySet<string>;
}

/**
 * The layers of the base, as far as they are kept, with the new head. All of them can be trained.
 *
 * @throws MODEL_INVALID, SHAPE_MISMATCH naming what differs and how to fix it
 */
export function transferTopology(config: TransferConfig, base: BaseNetwork, target: Target): TransferredTopology {
  const adopted = adoptInputs(base, target.inputs, config.from.inputs);
  const thawed: Topology = { ...adopted, layers: adopted.layers.map(({ frozen: _frozen, ...node }) => node) };
  const whole = withoutScore(thawed) ?? thawed;
  const { head = 'keep' } = config;
  if (head === 'keep') {
    if (base.objective === undefined) checkSameOutput(base, target.output);
    return { topology: whole, kept: new Set(whole.layers.map(({ name }) => name)) };
  }
  const trunk = cut(whole, config.until ?? endOfTrunk(whole, base), base);
  const layers = head === 'replace' ? [newHead(trunk, target, base)] : head.layers;
  const named = withNames(layers, trunk);
  return {
    topology: buildTopology([...trunk.layers.map(asConfig), ...named], trunk.inputs),
    kept: new Set(trunk.layers.map(({ name }) => name)),
  };
}

function asConfig({ name, type, config, inputs }: LayerNode): LayerConfig {
  return { ...config, type, name, inputs };
}

/** The layer that the last dense layer reads. @throws MODEL_INVALID where the base does not end with a dense layer */
function endOfTrunk(topology: Topology, base: BaseNetwork): string {
  const shapes = shapesOf(topology);
  let node = topology.layers.find(({ name }) => name === topology.output)!;
  while (weightsOf(node, shapes).length === 0 && node.inputs.length === 1) {
    const before = topology.layers.find(({ name }) => name === node.inputs[0]);
    if (before === undefined) break;
    node = before;
  }
  if (node.type !== 'dense') {
    throw new PerennialError(
      'MODEL_INVALID',
      `"head": ${baseText(base.origin)} does not end with a dense layer that could be replaced, but with "${node.name}" (${node.type}).`,
      {
        hint: `Say with "until" which layer is the last to be kept: ${listed(topology.layers.map(({ name }) => name))}.`,
      },
    );
  }
  const [read] = node.inputs;
  if (topology.layers.some(({ name }) => name === read)) return read!;
  throw new PerennialError(
    'MODEL_INVALID',
    `"head": ${baseText(base.origin)} has no layer before its last dense layer "${node.name}", so nothing of it would be kept.`,
    { hint: 'Start from a model with more layers, or train a new one with "architecture" or "layers".' },
  );
}

/** What a layer is computed from, itself included. @throws MODEL_INVALID where there is no such layer */
function cut(topology: Topology, until: string, base: BaseNetwork): Topology {
  const nodes = new Map(topology.layers.map((node) => [node.name, node]));
  if (!nodes.has(until)) {
    throw new PerennialError(
      'MODEL_INVALID',
      `"until": ${baseText(base.origin)} has no layer "${until}". Its layers are ${listed([...nodes.keys()])}.`,
    );
  }
  const needed = new Set<string>();
  const visit = (name: string): void => {
    if (needed.has(name)) return;
    needed.add(name);
    for (const read of nodes.get(name)?.inputs ?? []) visit(read);
  };
  visit(until);
  return {
    formatVersion: 1,
    inputs: topology.inputs.filter(({ name }) => needed.has(name)),
    layers: topology.layers.filter(({ name }) => needed.has(name)),
    output: until,
  };
}

function newHead(trunk: Topology, { output, loss }: Target, base: BaseNetwork): LayerConfig {
  const { units, activation } = headOf(output, loss);
  const shape = shapesOf(trunk).get(trunk.output)!;
  if (shape.length !== 1) {
    const pooling = ['flatten', 'globalAveragePooling1d', 'globalAveragePooling2d'][shape.length - 1] ?? 'flatten';
    throw new PerennialError(
      'SHAPE_MISMATCH',
      `"head": "${trunk.output}" of ${baseText(base.origin)} gives ${showShape(shape)}; a new dense layer of ${units} units needs a vector.`,
      {
        hint: `Write "head": { "layers": [{ "type": "${pooling}" }, { "type": "dense", "units": ${units}, "activation": "${activation}" }] }, or another "until".`,
      },
    );
  }
  return { type: 'dense', name: freeName('output', namesIn(trunk)), units, activation };
}

/** Names of the new layers do not depend on those of the base. */
function withNames(layers: readonly LayerConfig[], trunk: Topology): LayerConfig[] {
  const taken = new Set([...namesIn(trunk), ...layers.map(({ name }) => name)]);
  return layers.map((layer, index) => (layer.name === undefined ? { ...layer, name: freeName(`head_${index + 1}`, taken) } : layer));
}
