import { PerennialError } from '../../core/errors.ts';
import type { OutputSpec } from '../../core/tensor.ts';
import type { Topology } from '../model/model-config.ts';
import { adoptInputs } from './adopt-inputs.ts';
import { baseText, examplesOf } from './base.ts';
import type { BaseNetwork } from './base.ts';
import { checkSameOutput } from './check-output.ts';
import type { Target, TransferredTopology } from './transfer-topology.ts';
import type { TransferConfig } from './transfer-config.ts';

/** A generator and the network that it goes on being trained against. */
export interface ContinuedGenerator extends TransferredTopology {
  readonly companions: Readonly<Record<string, Topology>>;
}

/** True for a base that is a generator with its opponent, whose training goes on. */
export function isGenerator(base: BaseNetwork): boolean {
  return base.companions !== undefined;
}

/** Both networks of a base over the examples. @throws MODEL_INVALID, SHAPE_MISMATCH naming what differs and how to fix it */
export function continueGenerator(config: TransferConfig, base: BaseNetwork, { inputs, output }: Target): ContinuedGenerator {
  const discriminator = base.companions?.discriminator;
  if (discriminator === undefined)
    throw new PerennialError('MODEL_INVALID', `${baseText(base.origin)} is a generator without its discriminator, and cannot go on.`, {
      hint: 'Train a new one with "architecture": "gan".',
    });
  const [sample, ...labels] = discriminator.inputs;
  if (labels.length > 0) checkSameOutput({ ...base, ...withClasses(base.output) }, output);
  // The label of a conditional discriminator is none of the inputs of the examples.
  const adopted = adoptInputs({ ...base, topology: { ...discriminator, inputs: examplesOf(base) } }, inputs, config.from.inputs);
  const thawed = ({ layers, ...rest }: Topology): Topology => ({ ...rest, layers: layers.map(({ frozen: _frozen, ...node }) => node) });
  return {
    topology: thawed(base.topology),
    companions: { discriminator: { ...adopted, inputs: [{ ...sample!, ...adopted.inputs[0]! }, ...labels] } },
    kept: new Set(base.topology.layers.map(({ name }) => name)),
  };
}

/** What the label of the examples has to be. */
function withClasses(output: OutputSpec | undefined): { readonly output?: OutputSpec } {
  return output?.kind === 'samples' && output.label !== undefined ? { output: { kind: 'classes', ...output.label } } : {};
}
