import type { Tensor, TensorBatch } from '../core/tensor.ts';
import type { Predictor } from '../training/model/model-meta.ts';

/** Rows of one request of `predict --rows`. */
const ROWS_PER_REQUEST = 1_000;
/** Rows of the graph that answers many, and so many at the end of a request that are answered one by one (see GraphPredictor). */
const GRAPH_ROWS = 64;
const SINGLES_MAX = 3;

/**
 * Which rows of a file `predict --rows` has answered one by one: the last of a request, where they are few. A graph for one row and one for
 * many may round the last bit otherwise, so that answers are the same only where the same graph gave them.
 *
 * @param rows of the file @param windowSize rows of one example
 */
export function singleRows(rows: number, windowSize: number): (row: number) => boolean {
  const examples = rows - windowSize + 1;
  const perRequest = Math.max(1, ROWS_PER_REQUEST - windowSize + 1);
  return (row) => {
    const example = row - windowSize + 1;
    const first = example - (example % perRequest);
    const inRequest = Math.min(perRequest, examples - first);
    const singles = inRequest % GRAPH_ROWS;
    return singles <= SINGLES_MAX && example - first >= inRequest - singles;
  };
}

/** The values of the network, whatever the batches that rows came in: by the graph that `predict --rows` would have asked. */
export async function predictAsServed(
  predictor: Predictor,
  tensors: TensorBatch,
  rows: number,
  isSingle: (at: number) => boolean,
): Promise<Float32Array> {
  // Each row for itself, whatever stands beside it.
  const now = predictor.predictNow?.(tensors);
  if (now !== undefined) return now;
  const singles = Array.from({ length: rows }, (_, at) => at).filter(isSingle);
  if (singles.length === 0) return predictTogether(predictor, tensors, rows);
  const alone = new Set(singles);
  const others = Array.from({ length: rows }, (_, at) => at).filter((at) => !alone.has(at));
  const together = others.length === 0 ? undefined : await predictTogether(predictor, some(tensors, others), others.length);
  const each: Float32Array[] = [];
  for (const at of singles) each.push(await predictor.predict(some(tensors, [at])));
  const width = each[0]!.length;
  const values = new Float32Array(rows * width);
  others.forEach((at, from) => values.set(together!.subarray(from * width, (from + 1) * width), at * width));
  singles.forEach((at, from) => values.set(each[from]!, at * width));
  return values;
}

/** Never one by one: a few rows at the end get company. */
async function predictTogether(predictor: Predictor, tensors: TensorBatch, rows: number): Promise<Float32Array> {
  const last = rows % GRAPH_ROWS;
  if (last === 0 || last > SINGLES_MAX) return predictor.predict(tensors);
  const more = SINGLES_MAX + 1 - last;
  const padded = some(tensors, [...Array.from({ length: rows }, (_, at) => at), ...Array.from({ length: more }, () => rows - 1)]);
  const values = await predictor.predict(padded);
  return values.subarray(0, (values.length / (rows + more)) * rows);
}

/** Some examples of tensors. */
function some(tensors: TensorBatch, examples: readonly number[]): TensorBatch {
  return Object.fromEntries(
    Object.entries(tensors).map(([name, { spec, data }]): [string, Tensor] => {
      const width = spec.shape.reduce((product, size) => product * size, 1);
      const own = new (data.constructor as Float32ArrayConstructor)(examples.length * width) as Tensor['data'];
      examples.forEach((from, to) => own.set(data.subarray(from * width, (from + 1) * width), to * width));
      return [name, { spec, rows: examples.length, data: own }];
    }),
  );
}
