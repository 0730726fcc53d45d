import { PerennialError } from '../../core/errors.ts';
import type { OutputSpec } from '../../core/tensor.ts';
import type { Topology } from '../model-config.ts';
import type { Named } from '../named.ts';
import type { Objective } from '../objective.ts';
import type { WeightGroup } from '../trainer/update-rule.ts';
import { baseText } from './base.ts';
import type { BaseNetwork, BaseOrigin } from './base.ts';
import { freezeLayers, weightGroups } from './freeze.ts';
import { listed } from './patterns.ts';
import { transferTopology } from './transfer-topology.ts';
import type { Target } from './transfer-topology.ts';
import type { TransferConfig } from './transfer-config.ts';

/** What training has to know of a network that starts from another one. */
export interface Transfer {
  readonly origin: BaseOrigin;
  /** Layers whose weights come from the base. */
  readonly kept: ReadonlySet<string>;
  /** Layers that start late or have a learning rate of their own. */
  groups(updatesPerEpoch: number): readonly WeightGroup[];
}

/**
 * What a head that is kept goes on learning.
 *
 * @param objective name of an objective that does not learn from labels, where the document asks for one
 * @throws MODEL_INVALID for what cannot be gone on with
 */
export function taskOfBase({ head = 'keep' }: TransferConfig, base: BaseNetwork | undefined, objective: string | undefined, output: OutputSpec): { readonly loss?: Named } {
  if (base === undefined) return {};
  if (objective !== undefined) {
    throw new PerennialError('MODEL_INVALID', `A model that starts from another one learns from labels; "objective" names "${objective}".`, { hint: 'Leave "objective" out, or train a new model with "architecture" or "layers".' });
  }
  if (head !== 'keep') {
    if (output.kind !== 'several') return {};
    throw new PerennialError('MODEL_INVALID', `"head": a new head gives one output, and the examples have ${output.outputs.length} labels: ${listed(output.outputs.map(({ name }) => name))}.`, { hint: 'Name one label in the ingest step, or keep the head.' });
  }
  if (base.objective !== undefined) {
    throw new PerennialError('MODEL_INVALID', `"head": ${baseText(base.origin)} did not learn from labels, but towards "${base.objective}", and cannot go on with that.`, {
      hint: 'Take a part of it with "until" and a new head ("replace", or layers), or train a new model with "architecture".',
    });
  }
  return base.loss === undefined ? {} : { loss: base.loss };
}

/** The network that a transfer means for given examples. @throws as {@link transferTopology} and {@link freezeLayers} */
export function resolveTransfer(config: TransferConfig, base: BaseNetwork | undefined, target: Target): { readonly topology: Topology; readonly transfer: Transfer } {
  if (base === undefined) throw new PerennialError('INTERNAL', 'A model that starts from another one was resolved without that one.');
  const transferred = transferTopology(config, base, target);
  const { topology, treatments } = freezeLayers(transferred, config);
  return { topology, transfer: { origin: base.origin, kept: transferred.kept, groups: (updatesPerEpoch) => weightGroups(treatments, updatesPerEpoch) } };
}

/** An objective whose weights start as those of the base, where layers come from it. @throws MODEL_INVALID where the base lacks one */
export function startingFrom(objective: Objective, { kept, origin }: Transfer, weights: ReadonlyMap<string, Float32Array>): Objective {
  const layerOf = (fullName: string): string => fullName.slice(0, fullName.indexOf('/'));
  return {
    ...objective,
    initialWeights(seed) {
      const initial = objective.initialWeights(seed);
      for (const [name, values] of initial) {
        if (!kept.has(layerOf(name))) continue;
        const found = weights.get(name);
        if (found?.length !== values.length) throw new PerennialError('MODEL_INVALID', `${baseText(origin)} is damaged: it holds ${found === undefined ? 'no weight' : `${found.length} values for the weight`} "${name}", which needs ${values.length}.`);
        initial.set(name, found.slice());
      }
      return initial;
    },
  };
}
