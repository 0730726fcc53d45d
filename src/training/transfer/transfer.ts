import { PerennialError } from '../../core/errors.ts';
import type { OutputSpec } from '../../core/tensor.ts';
import type { Topology } from '../model/model-config.ts';
import { nameAndConfig } from '../model/named.ts';
import type { Named } from '../model/named.ts';
import type { Objective } from '../objectives/objective.ts';
import type { WeightGroup } from '../objectives/weight-group.ts';
import { baseText } from './base.ts';
import type { BaseNetwork, BaseOrigin } from './base.ts';
import { continueGenerator, isGenerator } from './continue-generator.ts';
import { freezeLayers, weightGroups } from './freeze.ts';
import { listed } from './patterns.ts';
import { transferTopology } from './transfer-topology.ts';
import type { Target } from './transfer-topology.ts';
import type { TransferConfig } from './transfer-config.ts';

/** What training has to know of a network that starts from another one. */
export interface Transfer {
  readonly origin: BaseOrigin;
  /** Layers whose weights come from the base, and networks that do as a whole. */
  readonly kept: ReadonlySet<string>;
  /** Layers that start late or have a learning rate of their own. */
  groups(updatesPerEpoch: number): readonly WeightGroup[];
  /** Layers that are frozen at first: the batch from which they are trained. */
  wakes(batchesPerEpoch: number): ReadonlyMap<string, number>;
}

/** Objectives that a head which is kept goes on with; a generator does with the network that it was trained against. */
const CONTINUED: ReadonlySet<string> = new Set(['supervised', 'reconstruction', 'nextToken']);

/**
 * What is learnt: the task of the base where its head is kept, else a new one from labels.
 *
 * @param wanted objective that the document asks for
 * @throws MODEL_INVALID for what cannot be gone on with
 */
export function taskOfBase(
  { head = 'keep' }: TransferConfig,
  base: BaseNetwork | undefined,
  wanted: Named | undefined,
  output: OutputSpec,
): { readonly loss?: Named; readonly objective: Named } {
  const nameOf = (objective: Named | undefined): string => nameAndConfig('objective', objective ?? 'supervised')[0];
  if (base === undefined) return { objective: 'supervised' };
  if (head !== 'keep') {
    if (isGenerator(base))
      throw new PerennialError(
        'MODEL_INVALID',
        `"head": ${baseText(base.origin)} is a generator: it reads noise, and has no head that could learn another task.`,
        { hint: 'Leave "head" out to go on training it, or start from a model that reads examples.' },
      );
    if (nameOf(wanted) !== 'supervised')
      throw new PerennialError('MODEL_INVALID', `A new head learns from labels; "objective" names "${nameOf(wanted)}".`, {
        hint: 'Leave "objective" out, or keep the head.',
      });
    if (output.kind !== 'several') return { objective: 'supervised' };
    throw new PerennialError(
      'MODEL_INVALID',
      `"head": a new head gives one output, and the examples have ${output.outputs.length} labels: ${listed(output.outputs.map(({ name }) => name))}.`,
      { hint: 'Name one label in the ingest step, or keep the head.' },
    );
  }
  const own = nameOf(base.objective);
  if (!CONTINUED.has(own) && !(own === 'adversarial' && isGenerator(base))) {
    throw new PerennialError(
      'MODEL_INVALID',
      `"head": ${baseText(base.origin)} was trained towards "${own}", by networks that are not kept with it, and cannot go on with that.`,
      {
        hint: 'Take a part of it with "until" and a new head ("replace", or layers), or train a new model with "architecture".',
      },
    );
  }
  if (wanted !== undefined && nameOf(wanted) !== own) {
    throw new PerennialError(
      'MODEL_INVALID',
      `"objective": ${baseText(base.origin)} was trained towards "${own}", and goes on with that; the document names "${nameOf(wanted)}".`,
      { hint: 'Leave "objective" out, or give the model a new head.' },
    );
  }
  return { objective: wanted ?? base.objective ?? 'supervised', ...(base.loss === undefined ? {} : { loss: base.loss }) };
}

/** The network that a transfer means for given examples. @throws as {@link transferTopology} and {@link freezeLayers} */
export function resolveTransfer(
  config: TransferConfig,
  base: BaseNetwork | undefined,
  target: Target,
): { readonly topology: Topology; readonly companions: Readonly<Record<string, Topology>>; readonly transfer: Transfer } {
  if (base === undefined) throw new PerennialError('INTERNAL', 'A model that starts from another one was resolved without that one.');
  const transferred = isGenerator(base)
    ? continueGenerator(config, base, target)
    : { ...transferTopology(config, base, target), companions: {} };
  const { companions } = transferred;
  const { topology, treatments, starts } = freezeLayers(transferred, config);
  return {
    topology,
    companions,
    transfer: {
      origin: base.origin,
      kept: new Set([...transferred.kept, ...Object.keys(companions)]),
      groups: (updatesPerEpoch) => weightGroups(treatments, updatesPerEpoch),
      wakes: (batchesPerEpoch) => new Map([...starts].map(([name, epoch]) => [name, (epoch - 1) * batchesPerEpoch])),
    },
  };
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
        if (found?.length !== values.length)
          throw new PerennialError(
            'MODEL_INVALID',
            `${baseText(origin)} is damaged: it holds ${found === undefined ? 'no weight' : `${found.length} values for the weight`} "${name}", which needs ${values.length}.`,
          );
        initial.set(name, found.slice());
      }
      return initial;
    },
  };
}
