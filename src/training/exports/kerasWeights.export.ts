import { join } from 'node:path';
import { defineExport } from './export.ts';
import { readKerasWeights } from '../imports/keras-hdf5.ts';
import { encodeHdf5 } from '../keras/hdf5.ts';
import { toKeras } from '../keras/to-keras.ts';
import { weightsGroup } from './shared/keras-files.ts';
import { keras3Notes, layersSignature, networkReader } from './shared/layers-export.ts';

export default defineExport({
  name: 'kerasWeights',
  answers: 'network',
  summary: 'The weights alone in an HDF5 file: load_weights of a Keras model with the same layers reads it.',
  layers: 'keras',
  async write(_tf, source) {
    const keras = toKeras(source.network.topology, 'model');
    return {
      files: { 'weights.h5': await encodeHdf5(weightsGroup(keras, source.weights)) },
      signature: layersSignature(source, keras),
      notes: keras3Notes(keras),
    };
  },
  async open(tf, folder, source) {
    const { topology } = source.network;
    return networkReader(tf, source, { topology, weights: await readKerasWeights(join(folder, 'weights.h5'), topology) });
  },
  reference: 'https://keras.io/api/models/model_saving_apis/weights_saving_and_loading/',
});
