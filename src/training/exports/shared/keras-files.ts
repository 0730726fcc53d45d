import type { Hdf5Group } from '../../keras/hdf5.ts';
import { nest } from '../../keras/hdf5.ts';
import type { KerasModel } from '../../keras/to-keras.ts';

/** The last version of Keras 2, whose layout every reader knows; what only Keras 3 computes in the same way says so. */
export const kerasVersion = ({ keras3Only }: KerasModel): string => (keras3Only.length === 0 ? '2.15.0' : '3.0.0');

export const modelAttributes = (keras: KerasModel): Record<string, string> => ({
  keras_version: kerasVersion(keras),
  backend: 'tensorflow',
  model_config: JSON.stringify(keras.config),
});

/** Weights by layer, in the order of the layers. */
export function weightsGroup(keras: KerasModel, weights: ReadonlyMap<string, Float32Array>): Hdf5Group {
  const groups: Record<string, Hdf5Group> = {};
  for (const layer of keras.layers) {
    const entries = layer.weights.map(({ path, shape, fullName }) => ({
      path: `${layer.name}/${path}:0`,
      shape,
      values: weights.get(fullName)!,
    }));
    groups[layer.name] = { attributes: { weight_names: entries.map(({ path }) => path) }, ...nest(entries) };
  }
  return {
    attributes: { layer_names: keras.layers.map(({ name }) => name), backend: 'tensorflow', keras_version: kerasVersion(keras) },
    groups,
  };
}
