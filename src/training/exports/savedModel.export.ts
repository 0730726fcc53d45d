import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { JsonObject } from '../../core/json.ts';
import { defineExport } from './export.ts';
import { encodeSavedModel } from '../graph/graph-def.ts';
import { tracePortable } from '../graph/portable-graph.ts';
import { GraphSession } from '../graph/session.ts';
import type { ModelMeta } from '../model/model-meta.ts';
import { graphFeeds, graphSignature } from './shared/graph-files.ts';
import { graphOutputs, labelsText } from './shared/graph-outputs.ts';
import { drawRows, planRows, rowsJson, withRows } from './shared/row-signature.ts';
import type { RowPlan } from './shared/row-signature.ts';

const BESIDES = 'assets.extra';

/** How rows get into the graph, or why they do not. undefined: the model reads none. */
function rowsOf({ output }: ModelMeta, preprocessor: JsonObject | undefined): RowPlan | string | undefined {
  return preprocessor === undefined || output.kind === 'samples' ? undefined : planRows(preprocessor);
}

function rowNotes(plan: RowPlan | string | undefined): string[] {
  if (plan === undefined) return [];
  if (typeof plan === 'string') return [`It reads tensors alone: ${plan}. Apply preprocessor.json outside of it.`];
  const images = plan.inputs
    .filter(({ kind }) => kind === 'image')
    .map(({ name, before }) => `"${name}": decoded pixels${before.length === 0 ? '' : ` after ${before.join(' and ')}`}`);
  return [
    'The signature "rows" reads values of columns, by name: the preprocessing is inside. A missing number is NaN, a missing text is empty; what perennial predict refuses, such as an unknown category, gives NaN.',
    ...(images.length === 0 ? [] : [`Images of "rows" are bytes: ${images.join(', ')}.`]),
  ];
}

export default defineExport({
  name: 'savedModel',
  answers: 'source',
  summary:
    'A TensorFlow SavedModel with the signature "serving_default" for tensors, and where TensorFlow has the transforms "rows" for values of columns: tf.saved_model.load, TensorFlow Serving and tfjs-node read it.',
  // The folder that TensorFlow Serving watches.
  folder: (model, version) => `${model}/${version}`,
  besides: BESIDES,
  async write(tf, { meta, network, weights, preprocessor }) {
    const plan = rowsOf(meta, preprocessor);
    const graph = tracePortable(tf, network, weights, (output) => graphOutputs(tf, meta, output));
    const labels = labelsText(meta);
    const rows = typeof plan === 'object' ? withRows(graph, plan) : undefined;
    return {
      files: {
        'saved_model.pb': encodeSavedModel([...graph.nodes, ...(rows?.nodes ?? [])], [], {
          serving_default: graph.signature,
          ...(rows === undefined ? {} : { rows: rows.signature }),
        }),
        ...(labels === undefined ? {} : { 'assets/labels.txt': Buffer.from(labels) }),
      },
      signature: { ...graphSignature(graph, meta), ...(typeof plan === 'object' ? { rows: rowsJson(plan) } : {}) },
      notes: ['The weights are constants of the graph: it predicts, and cannot be trained on.', ...rowNotes(plan)],
    };
  },
  outputs: (tf, { meta }, output) => graphOutputs(tf, meta, output),
  async open(tf, folder, { meta, network, preprocessor }) {
    const { outputs } = JSON.parse(await readFile(join(folder, BESIDES, 'signature.json'), 'utf8')) as {
      outputs: readonly { name: string; node: string }[];
    };
    const session = new GraphSession(tf, await readFile(join(folder, 'saved_model.pb')));
    return {
      async run(batch, rows) {
        const values = session.run(
          graphFeeds(network, batch, rows),
          outputs.map(({ node }) => node),
        ) as Float32Array[];
        return Object.fromEntries(outputs.map(({ name }, index) => [name, values[index]!]));
      },
      async runRows() {
        const plan = rowsOf(meta, preprocessor);
        if (typeof plan !== 'object') return undefined;
        const { feeds, batch, rows } = await drawRows(plan);
        const values = session.run(
          feeds,
          outputs.map(({ node }) => `rows/${node}`),
        ) as Float32Array[];
        return { batch, rows, outputs: Object.fromEntries(outputs.map(({ name }, index) => [name, values[index]!])) };
      },
      dispose: () => session.dispose(),
    };
  },
  reference: 'https://www.tensorflow.org/guide/saved_model',
});
