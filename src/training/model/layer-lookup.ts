import { PerennialError } from '../../core/errors.ts';
import type { JsonObject } from '../../core/json.ts';
import type { DefinitionRegistry } from '../../core/registry.ts';
import type { LayerDefinition } from '../layers/layer.ts';
import type { LayerConfig } from './model-config.ts';
import { withDefaults } from './named.ts';

/** Where layers are found. */
export type Layers = DefinitionRegistry<LayerDefinition>;

/** The layer that a class of Keras is read as. undefined where there is none. */
export function layerOfClass(layers: Layers, className: string, config: JsonObject): LayerDefinition | undefined {
  return layers
    .all()
    .find(
      ({ keras }) =>
        (keras?.className === className || keras?.aliases?.includes(className) === true) && keras.accepts?.(className, config) !== false,
    );
}

export interface WrappedLayer {
  readonly definition: LayerDefinition;
  /** With every default filled in. */
  readonly config: Readonly<Record<string, unknown>>;
}

/** The layer that a wrapper was given. @throws MODEL_INVALID */
export function wrappedLayer(layers: Layers, { type, name: _name, inputs, ...settings }: LayerConfig, wrapper: string): WrappedLayer {
  const definition = layers.get(type, 'MODEL_INVALID');
  if (inputs !== undefined)
    throw new PerennialError(
      'MODEL_INVALID',
      `The ${type} layer inside of ${wrapper} says what it reads: ${inputs.map((read) => `"${read}"`).join(', ')}.`,
      { hint: 'Give "inputs" to the layer around it.' },
    );
  return { definition, config: withDefaults(definition.configSchema, settings) };
}
