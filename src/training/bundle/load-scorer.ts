import type { OpenArtifact } from '../../core/ports.ts';
import { createPredictor, readModel } from './load-model.ts';
import { Network } from '../model/network.ts';
import { tokenInput, withScores } from '../objectives/shared/next-token.ts';
import type { Predictor } from '../model/model-meta.ts';

/** Values of all steps of a batch: 64 MB. */
const VALUES_MAX = 2 ** 24;

export interface TextScorer {
  /** Of token ids: per step the negative log of the share of the next token, whether it had the largest share, whether there is one. */
  readonly predictor: Predictor;
  /** Rows that are to be asked for at once. */
  readonly rows: number;
}

/** A language model as it is judged: by the shares that it gives to the tokens which follow. @throws as `loadModel` */
export async function loadTextScorer(artifact: OpenArtifact): Promise<TextScorer> {
  const { meta, network, weights } = await readModel(artifact);
  const scored = new Network(withScores(network.topology));
  const { shape, vocabularySize } = tokenInput(scored.topology.inputs);
  const rows = Math.max(1, Math.min(64, Math.floor(VALUES_MAX / (shape[0]! * vocabularySize))));
  return {
    predictor: createPredictor(
      { ...meta, inputs: scored.topology.inputs, outputShape: scored.outputShape, loss: '' },
      scored,
      weights,
      rows,
    ),
    rows,
  };
}
