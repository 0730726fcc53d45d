import { PerennialError } from '../../core/errors.ts';
import type { OutputSpec, TensorSpec } from '../../core/tensor.ts';
import { describeTopology } from './describe.ts';
import type { TopologyDescription } from './describe.ts';
import { resolveHeads } from './heads.ts';
import type { HeadsConfig } from './heads.ts';
import type { ModelConfig, Topology } from './model-config.ts';
import type { ArchitectureDefinition } from '../architectures/architecture.ts';
import type { Named, Resolved } from './named.ts';
import { resolveNamed, withDefaults } from './named.ts';
import type { ObjectiveDefinition, ObjectiveRequest } from '../objectives/objective.ts';
import { objectiveRegistry } from '../objectives/index.generated.ts';
import supervised from '../objectives/supervised.objective.ts';
import { severalOutputs } from '../objectives/shared/several-outputs.ts';
import { architectureRegistry } from '../architectures/index.generated.ts';
import { resolveCompanions, resolveTopology } from './topology.ts';
import type { BaseNetwork } from '../transfer/base.ts';
import { resolveTransfer, taskOfBase } from '../transfer/transfer.ts';
import type { Transfer } from '../transfer/transfer.ts';
import { isTransfer } from '../transfer/transfer-config.ts';
import type { TransferConfig } from '../transfer/transfer-config.ts';

export interface ModelRequest extends HeadsConfig {
  readonly model: ModelConfig | TransferConfig;
  /** What `model` starts from, where it does. */
  readonly base?: BaseNetwork;
  readonly inputs: readonly TensorSpec[];
  readonly output: OutputSpec;
  readonly loss?: Named;
  /** Default: what the architecture is made for, else learning from labels. */
  readonly objective?: Named;
}

/** What a `model` configuration means for given examples: its network, its loss, and how it learns. */
export interface ResolvedModel extends ObjectiveRequest {
  readonly objective: ObjectiveDefinition;
  readonly topology: Topology;
  /** Where the model starts from another one. */
  readonly transfer?: Transfer;
}

/** @throws MODEL_INVALID, SHAPE_MISMATCH naming the layer, the shapes and a fix */
export function resolveModel(request: ModelRequest): ResolvedModel {
  const { model } = request;
  return isTransfer(model) ? resolveFromBase({ ...request, model }) : resolveNew({ ...request, model });
}

/** A model that starts from another one: the task of the base where its head is kept. */
function resolveFromBase({
  model,
  base,
  inputs,
  output,
  loss: named,
  objective: wanted,
  ...several
}: ModelRequest & { readonly model: TransferConfig }): ResolvedModel {
  const heads = resolveHeads(output, several);
  const task = taskOfBase(model, base, wanted, output);
  const { definition, config: settings } = resolveNamed(objectiveRegistry, task.objective);
  const objective = heads !== undefined && definition === supervised ? severalOutputs : definition;
  const settled = base?.model === undefined ? undefined : withSettings(base.model);
  const loss = objective.resolveLoss(named ?? task.loss, output, settled ?? { layers: [] });
  const { topology: network, companions, transfer } = resolveTransfer(model, base, { inputs, output, loss });
  const topology = objective.complete?.(network, settings) ?? network;
  const layers = topology.layers.map(({ name, type, config, inputs: reads }) => ({ ...config, type, name, inputs: reads }));
  const resolved = {
    objective,
    settings,
    model: settled ?? { layers },
    inputs,
    output,
    loss,
    topology,
    transfer,
    ...(objective === severalOutputs ? { heads: heads! } : {}),
    companions,
  };
  objective.check(resolved);
  return resolved;
}

function resolveNew({
  model,
  inputs,
  output,
  loss: named,
  objective: wanted,
  base: _base,
  ...several
}: ModelRequest & { readonly model: ModelConfig }): ResolvedModel {
  const architecture = 'architecture' in model ? architectureRegistry.get(model.architecture, 'MODEL_INVALID') : undefined;
  const heads = resolveHeads(output, several);
  const { definition, config: settings } = objectiveOf(architecture, wanted);
  const objective = heads !== undefined && definition === supervised ? severalOutputs : definition;
  const complete = withSettings(model);
  const wantedOutput = objective.target?.(inputs) ?? output;
  const loss = objective.resolveLoss(named, wantedOutput, complete);
  const layers = resolveTopology(complete, inputs, wantedOutput, loss, objective === severalOutputs ? heads : undefined);
  const topology = objective.complete?.(layers, settings) ?? layers;
  const resolved = {
    objective,
    settings,
    model: complete,
    inputs,
    output,
    loss,
    topology,
    ...(objective === severalOutputs ? { heads: heads! } : {}),
    companions: resolveCompanions(complete, inputs, output, loss),
  };
  objective.check(resolved);
  return resolved;
}

/** @throws MODEL_INVALID where an architecture is made for another objective */
function objectiveOf(architecture: ArchitectureDefinition | undefined, wanted: Named | undefined): Resolved<ObjectiveDefinition> {
  const made = architecture?.objective ?? 'supervised';
  const resolved = resolveNamed(objectiveRegistry, wanted ?? made);
  if (architecture === undefined || resolved.name === made || architecture.alsoFor?.includes(resolved.name) === true) return resolved;
  throw new PerennialError(
    'MODEL_INVALID',
    `The architecture ${architecture.name} is made for the objective "${made}", and "objective" names "${resolved.name}".`,
    {
      hint: `Leave "objective" out${resolved.name === 'reconstruction' ? ', or use the architecture autoencoder or explicit "layers"' : ', or use another architecture'}.`,
    },
  );
}

/** An architecture with its defaults filled in. */
function withSettings(model: ModelConfig): ModelConfig {
  if (!('architecture' in model)) return model;
  const { name, configSchema } = architectureRegistry.get(model.architecture, 'MODEL_INVALID');
  return { architecture: name, ...withDefaults(configSchema, settingsOf(model)) };
}

function settingsOf(model: ModelConfig): Record<string, unknown> {
  const { architecture: _name, ...settings } = model as { architecture: string };
  return settings;
}

export interface ModelDescription extends TopologyDescription {
  /** Name of the loss, also where it was left out. */
  readonly loss: string;
  /** Name of what is learned towards. */
  readonly objective: string;
}

/**
 * The explicit layers of a model with their shapes and sizes, checked against output and loss. Light: TensorFlow is not loaded.
 *
 * @throws as {@link resolveModel}
 */
export function describeModel(request: ModelRequest): ModelDescription {
  return describeResolved(resolveModel(request));
}

export function describeResolved({ topology, loss, heads, objective }: ResolvedModel): ModelDescription {
  return {
    ...describeTopology(topology),
    objective: objective.name,
    loss: heads === undefined ? loss.name : heads.map((head) => `${head.output.name}: ${head.loss.name}`).join(', '),
  };
}
