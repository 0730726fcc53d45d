import type { Prediction, Row } from '../../core/tensor.ts';
import { decode } from '../../data/answers/decode.ts';
import { FLOAT32_MAX } from '../../data/preprocess/fitted-column.ts';
import { loadPreprocessor } from '../../data/preprocess/preprocessor.ts';
import { checkRows } from '../../serving/source-rows.ts';
import { lossRegistry } from '../../training/losses/index.generated.ts';
import { inputTensors } from '../../training/model/network.ts';
import type { Tensor, Tf } from '../../training/tensorflow/tf.ts';
import type { PageData } from './page-data.ts';

/** A graph model of TensorFlow.js, as far as it is used here. */
export interface GraphModel {
  executeAsync(inputs: Readonly<Record<string, Tensor>>, outputs: readonly string[]): Promise<Tensor | Tensor[]>;
}

/**
 * Answers rows as the server does, by the same code: checks, transforms and the words of the answer are those of the product; only the
 * network runs in TensorFlow.js.
 *
 * @throws what the server would refuse the rows with
 */
export async function answerRows(tf: Tf, model: GraphModel, data: PageData, given: readonly unknown[]): Promise<readonly Prediction[]> {
  const preprocessor = loadPreprocessor(data.preprocessor);
  const servable = { model: data.model, version: data.version, preprocessor, sourceColumns: data.sourceColumns } as never;
  const rows: Row[] = checkRows(servable, given);
  const saturate = data.output.kind === 'anomaly';
  const windows = await preprocessor.series?.windows(rows, { saturate });
  const batch = windows?.tensors ?? (await preprocessor.apply(rows, { saturate }));
  const count = Object.values(batch)[0]!.rows;
  const tensors = inputTensors(tf, data.inputs, batch);
  const named = Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [data.inputNodes[name]!, tensor]));
  const results = [await model.executeAsync(named, data.outputNodes)].flat();
  const parts = await Promise.all(results.map(async (tensor) => (await tensor.data()) as Float32Array));
  for (const tensor of [...results, ...Object.values(tensors)]) tensor.dispose();
  const scored = parts.map((values, index) => {
    const score = lossRegistry.find(data.losses[index] ?? '')?.score;
    return score === undefined ? values : values.map((value) => score(value));
  });
  return decode(data.output, finite(joined(scored, count), data), count);
}

/** Outputs side by side, row by row. */
function joined(parts: readonly Float32Array[], rows: number): Float32Array {
  if (parts.length === 1) return parts[0]!;
  const widths = parts.map((values) => values.length / rows);
  const width = widths.reduce((sum, own) => sum + own, 0);
  const all = new Float32Array(rows * width);
  let offset = 0;
  for (const [index, values] of parts.entries()) {
    const own = widths[index]!;
    for (let row = 0; row < rows; row += 1) all.set(values.subarray(row * own, (row + 1) * own), row * width + offset);
    offset += own;
  }
  return all;
}

function finite(values: Float32Array, { output }: PageData): Float32Array {
  if (values.every(Number.isFinite)) return values;
  if (output.kind === 'anomaly') return values.map((value) => (Number.isFinite(value) ? value : FLOAT32_MAX));
  throw new Error('The model has no answer for such values, which are far from all that it learnt from.');
}
