import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { JsonObject } from '../../core/json.ts';
import { defineExport } from './export.ts';
import { parseJson } from '../imports/json-text.ts';
import { fromKeras } from '../keras/from-keras.ts';
import { toKeras } from '../keras/to-keras.ts';
import { kerasVersion } from './shared/keras-files.ts';
import { keras3Notes, layersSignature, networkReader } from './shared/layers-export.ts';

export default defineExport({
  name: 'kerasJson',
  answers: 'network',
  summary:
    'The layers alone as JSON: keras.models.model_from_json of tf_keras reads it, and keras.Model.from_config of Keras 3 its "config".',
  layers: 'keras',
  async write(_tf, source) {
    const keras = toKeras(source.network.topology, source.name.replace(/[^A-Za-z0-9_]/g, '_'));
    const text = JSON.stringify({ ...keras.config, keras_version: kerasVersion(keras), backend: 'tensorflow' }, null, 1);
    return {
      files: { 'model.json': Buffer.from(`${text}\n`) },
      signature: layersSignature(source, keras),
      notes: ['It holds no weights.', ...keras3Notes(keras)],
    };
  },
  async open(tf, folder, source) {
    const path = join(folder, 'model.json');
    const { topology } = fromKeras(parseJson(await readFile(path, 'utf8'), path, 'content') as JsonObject, { version: 3 });
    return networkReader(tf, source, { topology, weights: source.weights });
  },
  reference: 'https://keras.io/api/models/model_saving_apis/model_config_serialization/',
});
