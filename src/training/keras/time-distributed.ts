import { layerOfClass, wrappedLayer } from '../model/layer-lookup.ts';
import type { Layers } from '../model/layer-lookup.ts';
import type { LayerDefinition } from '../layers/layer.ts';
import type { LayerConfig } from '../model/model-config.ts';
import { kerasConfig, layerConfigToKeras } from './config.ts';
import type { KerasMapping } from './mapping.ts';
import { snakeCase } from './names.ts';
import { MODULE, wrappedKeras } from './wrapped.ts';

interface Config {
  readonly layer: LayerConfig;
}

/** Classes that are called with more than their input cannot stand inside. */
const mappingOf = ({ keras }: LayerDefinition): KerasMapping | undefined => (keras?.call === undefined ? keras : undefined);

/** Keras wraps the layer as well. */
export function timeDistributedMapping(layers: Layers): KerasMapping<Config> {
  const innerOf = ({ layer }: Config): ReturnType<typeof wrappedLayer> => wrappedLayer(layers, layer, 'timeDistributed');
  return {
    className: 'TimeDistributed',
    reads: ['layer'],
    toKeras(_translated, config, writing) {
      const { definition, config: settings } = innerOf(config);
      const mapping = mappingOf(definition);
      if (mapping === undefined) throw writing.refuse(`a ${definition.type} layer inside, which has no counterpart there`);
      const inside = { ...writing, inputs: writing.inputs.map((shape) => shape.slice(1)) };
      const inner = layerConfigToKeras(definition, mapping, settings, inside);
      return {
        layer: {
          ...MODULE,
          class_name: mapping.classFor?.(settings, inside) ?? mapping.className,
          config: { name: snakeCase(definition.type), dtype: 'float32', ...inner },
        },
      };
    },
    fromKeras(_translated, keras, reading) {
      const { className, config } = wrappedKeras(keras.layer, reading.refuse);
      const definition = layerOfClass(layers, className, config);
      const mapping = definition === undefined ? undefined : mappingOf(definition);
      if (definition === undefined || mapping === undefined) throw reading.refuse(`a ${className} inside, which is not read there`);
      return {
        layer: {
          ...kerasConfig(config, {}, definition, mapping, { ...reading, className, inputs: reading.inputs.map((shape) => shape.slice(1)) }),
          type: definition.type,
        },
      };
    },
    weightPath(weight, config) {
      const { definition, config: settings } = innerOf(config);
      return `${snakeCase(definition.type)}/${definition.keras?.weightPath?.(weight, settings) ?? snakeCase(weight)}`;
    },
    weightOrder(weights, config) {
      const { definition, config: settings } = innerOf(config);
      return definition.keras?.weightOrder?.(weights, settings) ?? weights;
    },
  };
}
