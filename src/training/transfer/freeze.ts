import { PerennialError } from '../../core/errors.ts';
import { shapesOf, weightsOf } from '../model/describe.ts';
import type { LayerNode, Topology } from '../model/model-config.ts';
import type { WeightGroup } from '../objectives/weight-group.ts';
import { listed, matchNames } from './patterns.ts';
import type { TransferredTopology } from './transfer-topology.ts';
import type { TransferConfig } from './transfer-config.ts';

/** How a layer is trained where that differs from the others. */
interface Treatment {
  readonly factor: number;
  /** First epoch, counted from 1. */
  readonly fromEpoch: number;
}

export interface FrozenTopology {
  readonly topology: Topology;
  /** By name of the layer. */
  readonly treatments: ReadonlyMap<string, Treatment>;
  /** Frozen layer → the epoch in which it begins to be trained, counted from 1. */
  readonly starts: ReadonlyMap<string, number>;
}

/**
 * Marks what is frozen, for good or at first, and finds the layers with a learning rate of their own.
 *
 * @throws MODEL_INVALID for a pattern that matches nothing, for what contradicts itself, and where nothing is left to train
 */
export function freezeLayers(
  { topology, kept }: TransferredTopology,
  { freeze = [], unfreeze = [], learningRateFactors = [] }: TransferConfig,
): FrozenTopology {
  const shapes = shapesOf(topology);
  const owners = topology.layers.filter((node) => weightsOf(node, shapes).some((spec) => spec.trainable)).map(({ name }) => name);
  const withWeights = topology.layers.filter((node) => weightsOf(node, shapes).length > 0).map(({ name }) => name);
  const frozen = new Set(
    matchNames(
      freeze,
      withWeights.filter((name) => kept.has(name)),
      'freeze',
      'layer of the base with weights',
    ),
  );
  const starts = onlyOnce(
    unfreeze.map(({ atEpoch, layers }) => ({ value: atEpoch, names: matchNames(layers, [...frozen], 'unfreeze', 'frozen layer') })),
    'unfreeze',
    'begins to be trained at two epochs',
  );
  const trained = owners.filter((name) => !frozen.has(name) || starts.has(name));
  if (trained.length === 0) {
    throw new PerennialError('MODEL_INVALID', `"freeze" leaves no layer to train: ${listed([...frozen])} are frozen.`, {
      hint: 'Freeze fewer layers, unfreeze some with "unfreeze", or give the model a new head with "head": "replace".',
    });
  }
  const factors = onlyOnce(
    learningRateFactors.map(({ layers, factor }) => ({
      value: factor,
      names: matchNames(layers, trained, 'learningRateFactors', 'layer that is trained'),
    })),
    'learningRateFactors',
    'is given two factors',
  );
  const mark = (node: LayerNode): LayerNode =>
    frozen.has(node.name) ? { ...node, frozen: starts.has(node.name) ? 'statistics' : 'weights' } : node;
  const treatments = new Map(
    trained.map((name): [string, Treatment] => [name, { factor: factors.get(name) ?? 1, fromEpoch: starts.get(name) ?? 1 }]),
  );
  return {
    topology: { ...topology, layers: topology.layers.map(mark) },
    starts,
    treatments: new Map([...treatments].filter(([, { factor, fromEpoch }]) => factor !== 1 || fromEpoch > 1)),
  };
}

function onlyOnce(
  entries: readonly { readonly value: number; readonly names: readonly string[] }[],
  where: string,
  problem: string,
): Map<string, number> {
  const found = new Map<string, number>();
  for (const { value, names } of entries) {
    for (const name of names) {
      if (found.has(name))
        throw new PerennialError('MODEL_INVALID', `"${where}": the layer "${name}" ${problem}: ${found.get(name)} and ${value}.`, {
          hint: 'Let the patterns of the entries match different layers.',
        });
      found.set(name, value);
    }
  }
  return found;
}

/** Layers that are treated alike, as groups of weights. @param updatesPerEpoch how often an epoch moves the weights; need not be whole */
export function weightGroups(treatments: ReadonlyMap<string, Treatment>, updatesPerEpoch: number): WeightGroup[] {
  const alike = new Map<string, { treatment: Treatment; names: string[] }>();
  for (const [name, treatment] of treatments) {
    const key = `${treatment.factor} ${treatment.fromEpoch}`;
    const group = alike.get(key) ?? { treatment, names: [] };
    group.names.push(name);
    alike.set(key, group);
  }
  return [...alike.values()].map(({ treatment, names }) => ({
    includes: ({ fullName }) => names.some((name) => fullName.startsWith(`${name}/`)),
    learningRateFactor: treatment.factor,
    from: Math.ceil((treatment.fromEpoch - 1) * updatesPerEpoch),
    every: 1,
  }));
}
