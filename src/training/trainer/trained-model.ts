import type { ModelMeta } from '../model/model-meta.ts';
import { createPredictor } from '../bundle/load-model.ts';
import type { Topology } from '../model/model-config.ts';
import { Network } from '../model/network.ts';
import type { TrainedModel } from '../objectives/objective.ts';
import type { EngineState } from './engine.ts';
import type { RowReader } from './row-reader.ts';

/** Rows that are asked at most, evenly spaced: enough for any quantile that can be told from a sample. */
const ROWS_MAX = 100_000;
const ROWS_PER_READ = 256;

/** Answers as the model will give them in serving, for rows that training held back, or its own rows where there are no others. */
export function trainedModel(
  topology: Topology,
  weights: EngineState,
  loss: string,
  readers: { readonly train: RowReader; readonly validation: RowReader | undefined },
): TrainedModel {
  return {
    async answers() {
      const split = readers.validation === undefined ? 'train' : 'validation';
      const reader = readers.validation ?? readers.train;
      const network = new Network(topology);
      const predictor = createPredictor(
        { inputs: topology.inputs, outputShape: network.outputShape, loss } as Pick<
          ModelMeta,
          'inputs' | 'outputShape' | 'loss'
        > as ModelMeta,
        network,
        weights,
      );
      try {
        const rows = Math.min(reader.rows, ROWS_MAX);
        const width = network.outputShape.reduce((product, size) => product * size, 1);
        const values = new Float32Array(rows * width);
        for (let start = 0; start < rows; start += ROWS_PER_READ) {
          const count = Math.min(ROWS_PER_READ, rows - start);
          const indices = Int32Array.from({ length: count }, (_, index) => Math.floor(((start + index) * reader.rows) / rows));
          values.set(await predictor.predict(reader.gather(indices)), start * width);
        }
        return { values, split };
      } finally {
        predictor.dispose();
      }
    },
  };
}
