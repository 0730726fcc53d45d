import { toKeras } from '../training/keras/to-keras.ts';
import { defineTarget } from './target.ts';
import { exportOfVersion } from './shared/prepared-export.ts';

export default defineTarget({
  name: 'download',
  summary:
    'People: a folder and a ZIP file of each version with the Keras model as HDF5, its weights and its architecture apart, the preprocessing as JSON, a page of text that says in which units it reads and answers, and a program that asks it.',
  placing: {
    unfitLayers: (topology) => void toKeras(topology, 'model'),
    async prepare(tools, version, model) {
      const { downloadFiles } = await import('./shared/download-files.ts');
      const whole = await exportOfVersion(tools, version, model, 'kerasH5');
      const layers = await exportOfVersion(tools, version, model, 'kerasJson');
      const weights = await exportOfVersion(tools, version, model, 'kerasWeights');
      const { files, notes } = await downloadFiles(
        version,
        model,
        {
          'model.h5': whole.files['model.h5']!,
          'architecture.json': layers.files['model.json']!,
          'weights.h5': weights.files['weights.h5']!,
          'preprocessor.json': whole.files['preprocessor.json']!,
          'signature.json': whole.files['signature.json']!,
        },
        whole.stored.notes,
      );
      const { rows, source, largestDifference } = whole.stored.check;
      return {
        files,
        notes,
        evidence: [
          `Keras HDF5, within ${largestDifference.toPrecision(2)} of the model on ${rows} ${source === 'test' ? 'rows of the test split' : 'drawn rows'}`,
        ],
        measured: { check: { ...whole.stored.check } } as never,
        refusals: [],
      };
    },
    first: 'README.md',
    async point(place, model, { artifact }) {
      const zip = Object.keys(artifact.manifest.files).find((name) => name.endsWith('.zip'))!;
      await place.write(`${model}/${model}.zip`, await artifact.bytes(zip));
    },
    usage: ({ path }, model) => `${path}/${model}/${model}.zip is the champion; README.md in it says how it is asked`,
  },
  examples: [{ path: '../download' }] as never,
  reference: 'https://keras.io/guides/serialization_and_saving/',
});
