import type { OutputSpec } from '../../core/tensor.ts';
import type { HeadMeta, ModelMeta } from '../model/model-meta.ts';
import { createPredictor } from '../bundle/load-model.ts';
import type { Topology } from '../model/model-config.ts';
import { Network } from '../model/network.ts';
import type { TrainedModel } from '../objectives/objective.ts';
import type { EngineState } from './engine.ts';
import type { RowReader } from './row-reader.ts';

/** Rows that are asked at most, evenly spaced: enough for any quantile that can be told from a sample. */
const ROWS_MAX = 100_000;
const ROWS_PER_READ = 256;

/** What was trained, as it will serve. */
interface Trained {
  readonly topology: Topology;
  readonly weights: EngineState;
  readonly loss: string;
  readonly heads?: readonly HeadMeta[];
  readonly output: OutputSpec;
}

/** Answers as the model will give them in serving, for rows that training held back, or its own rows where there are no others. */
export function trainedModel(
  { topology, weights, loss, heads, output }: Trained,
  readers: { readonly train: RowReader; readonly validation: RowReader | undefined },
): TrainedModel {
  return {
    async answers(rowsMax = ROWS_MAX) {
      const split = readers.validation === undefined ? 'train' : 'validation';
      const reader = readers.validation ?? readers.train;
      const network = new Network(topology);
      const predictor = createPredictor(
        { inputs: topology.inputs, outputShape: network.outputShape, loss, output, ...(heads === undefined ? {} : { heads }) } as Pick<
          ModelMeta,
          'inputs' | 'outputShape' | 'loss' | 'output' | 'heads'
        > as ModelMeta,
        network,
        weights,
      );
      try {
        const rows = Math.min(reader.rows, rowsMax);
        let values = new Float32Array(0);
        for (let start = 0; start < rows; start += ROWS_PER_READ) {
          const count = Math.min(ROWS_PER_READ, rows - start);
          const indices = Int32Array.from({ length: count }, (_, index) => Math.floor(((start + index) * reader.rows) / rows));
          const some = await predictor.predict(reader.gather(indices));
          const width = some.length / count;
          if (start === 0) values = new Float32Array(rows * width);
          values.set(some, start * width);
        }
        return { values, rows, split };
      } finally {
        predictor.dispose();
      }
    },
  };
}
