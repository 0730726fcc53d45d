import { join } from 'node:path';
import { defineExport } from './export.ts';
import { readKerasHdf5 } from '../imports/keras-hdf5.ts';
import { encodeHdf5 } from '../keras/hdf5.ts';
import { toKeras } from '../keras/to-keras.ts';
import { trainingConfig } from '../keras/training-config.ts';
import { modelAttributes, weightsGroup } from './shared/keras-files.ts';
import { keras3Notes, layersSignature, networkReader } from './shared/layers-export.ts';

export default defineExport({
  name: 'kerasH5',
  answers: 'network',
  summary:
    'A Keras model in one HDF5 file: layers, weights, and what it was compiled with. keras.models.load_model of Keras 3 and of tf_keras reads it.',
  layers: 'keras',
  async write(_tf, source) {
    const keras = toKeras(source.network.topology, source.name.replace(/[^A-Za-z0-9_]/g, '_'));
    const compiled = trainingConfig(source.meta);
    const attributes = { ...modelAttributes(keras), ...(compiled === undefined ? {} : { training_config: JSON.stringify(compiled) }) };
    const file = await encodeHdf5({ attributes, groups: { model_weights: weightsGroup(keras, source.weights) } });
    return {
      files: { 'model.h5': file },
      signature: layersSignature(source, keras),
      notes: [
        ...(compiled === undefined ? [`It is not compiled: Keras does not have the loss "${source.meta.loss}" or the optimizer.`] : []),
        ...keras3Notes(keras),
      ],
    };
  },
  open: async (tf, folder, source) => networkReader(tf, source, await readKerasHdf5(join(folder, 'model.h5'), {})),
  reference: 'https://keras.io/api/models/model_saving_apis/model_saving_and_loading/',
});
