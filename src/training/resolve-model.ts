import { DefinitionRegistry } from '../core/registry.ts';
import type { OutputSpec, TensorSpec } from '../core/tensor.ts';
import { describeTopology } from './describe.ts';
import type { TopologyDescription } from './describe.ts';
import type { ModelConfig, Topology } from './model-config.ts';
import type { Named } from './named.ts';
import { withDefaults } from './named.ts';
import type { ObjectiveDefinition, ObjectiveRequest } from './objective.ts';
import { objectives } from './objectives/index.generated.ts';
import { architectureRegistry } from './registries.ts';
import { resolveTopology } from './topology.ts';

export const objectiveRegistry = new DefinitionRegistry('objective', objectives, (objective) => objective.name);

export interface ModelRequest {
  readonly model: ModelConfig;
  readonly inputs: readonly TensorSpec[];
  readonly output: OutputSpec;
  readonly loss?: Named;
}

/** What a `model` configuration means for given examples: its network, its loss, and how it learns. */
export interface ResolvedModel extends ObjectiveRequest {
  readonly objective: ObjectiveDefinition;
  readonly topology: Topology;
}

/** @throws MODEL_INVALID, SHAPE_MISMATCH naming the layer, the shapes and a fix */
export function resolveModel({ model, inputs, output, loss: named }: ModelRequest): ResolvedModel {
  const architecture = 'architecture' in model ? architectureRegistry.get(model.architecture as string, 'MODEL_INVALID') : undefined;
  const objective = objectiveRegistry.get(architecture?.objective ?? 'supervised');
  const complete = architecture === undefined ? model : { architecture: architecture.name, ...withDefaults(architecture.configSchema, settingsOf(model)) };
  const loss = objective.resolveLoss(named, output);
  const resolved = { objective, model: complete, output, loss, topology: resolveTopology(complete, inputs, output, loss) };
  objective.check(resolved);
  return resolved;
}

function settingsOf(model: ModelConfig): Record<string, unknown> {
  const { architecture: _name, ...settings } = model as { architecture: string };
  return settings;
}

export interface ModelDescription extends TopologyDescription {
  /** Name of the loss, also where it was left out. */
  readonly loss: string;
}

/**
 * The explicit layers of a model with their shapes and sizes, checked against output and loss. Light: TensorFlow is not loaded.
 *
 * @throws as {@link resolveModel}
 */
export function describeModel(request: ModelRequest): ModelDescription {
  const { topology, loss } = resolveModel(request);
  return { ...describeTopology(topology), loss: loss.name };
}
