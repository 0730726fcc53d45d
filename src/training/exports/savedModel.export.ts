import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { defineExport } from '../export.ts';
import { encodeSavedModel } from '../graph/graph-def.ts';
import { tracePortable } from '../graph/portable-graph.ts';
import { GraphSession } from '../graph/session.ts';
import { graphFeeds, graphSignature } from './graph-files.ts';
import { graphOutputs, labelsText } from './graph-outputs.ts';

const BESIDES = 'assets.extra';

export default defineExport({
  name: 'savedModel',
  summary: 'A TensorFlow SavedModel with the signature "serving_default", for any number of rows: tf.saved_model.load, TensorFlow Serving and tfjs-node read it.',
  // The folder that TensorFlow Serving watches.
  folder: (model, version) => `${model}/${version}`,
  besides: BESIDES,
  async write(tf, { meta, network, weights }) {
    const graph = tracePortable(tf, network, weights, (output) => graphOutputs(tf, meta, output));
    const labels = labelsText(meta);
    return {
      files: {
        'saved_model.pb': encodeSavedModel(graph.nodes, [], { serving_default: graph.signature }),
        ...(labels === undefined ? {} : { 'assets/labels.txt': Buffer.from(labels) }),
      },
      signature: graphSignature(graph, meta),
      notes: ['The weights are constants of the graph: it predicts, and cannot be trained on.'],
    };
  },
  outputs: (tf, { meta }, output) => graphOutputs(tf, meta, output),
  async open(tf, folder, { network }) {
    const { outputs } = JSON.parse(await readFile(join(folder, BESIDES, 'signature.json'), 'utf8')) as { outputs: readonly { name: string; node: string }[] };
    const session = new GraphSession(tf, await readFile(join(folder, 'saved_model.pb')));
    return {
      async run(batch, rows) {
        const values = session.run(graphFeeds(network, batch, rows), outputs.map(({ node }) => node)) as Float32Array[];
        return Object.fromEntries(outputs.map(({ name }, index) => [name, values[index]!]));
      },
      dispose: () => session.dispose(),
    };
  },
  reference: 'https://www.tensorflow.org/guide/saved_model',
});
