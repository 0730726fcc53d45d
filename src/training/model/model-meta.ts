import type { JsonObject } from '../../core/json.ts';
import type { OutputSpec, TensorBatch, TensorSpec } from '../../core/tensor.ts';
import { COUNT, NUMBER, OBJECT, TENSOR, TEXT, defineStored, listOf, mapOf, recordSchema } from '../../storage/stored.ts';
import type { StoredKind } from '../../storage/stored.ts';
import type { BaseOrigin } from '../transfer/base.ts';

/**
 * `meta` of a `model` artifact. Files: `topology.json` (explicit layers), `weights.json` (name, shape, dtype, offset per weight),
 * `weights.bin` (little-endian, concatenated), `preprocessor.json`, `profile.json` (with `reference.bin`), `history.json` (per-epoch
 * numbers). Of a
 * generator also the network that it was trained against (`discriminator.topology.json`, …) and `samples.json` (pictures of its way);
 * of a model of labels and of one that scores anomalies `answers.json` (the distribution of its answers, with `answers-reference.bin`).
 */
export interface ModelMeta {
  readonly inputs: readonly TensorSpec[];
  readonly output: OutputSpec;
  /** Shape of what the network gives for one example: [classes], [1] (sigmoid, or a number), … */
  readonly outputShape: readonly number[];
  readonly parameters: number;
  readonly trainableParameters: number;
  readonly loss: string;
  /** Of several outputs, in their order: as the network gives them, side by side. */
  readonly heads?: readonly HeadMeta[];
  readonly optimizer: string;
  readonly epochsRun: number;
  readonly bestEpoch: number;
  readonly seed: number;
  readonly final: Readonly<Record<string, number>>;
  /** Digest of the examples it was trained on, and of their dataset. */
  readonly examples: string;
  readonly dataset: string;
  readonly training: JsonObject;
  /** What it started from; left out for a model that was trained from the start. */
  readonly base?: BaseOrigin;
}

/** {@link ModelMeta} as it is stored. */
export const MODEL: StoredKind<ModelMeta> = defineStored({
  name: 'facts of a model',
  formatVersion: 1,
  unmarked: 1,
  schema: recordSchema(
    {
      inputs: listOf(TENSOR),
      output: recordSchema({ kind: TEXT }),
      outputShape: listOf({ type: 'integer' }),
      parameters: COUNT,
      trainableParameters: COUNT,
      loss: TEXT,
      optimizer: TEXT,
      epochsRun: COUNT,
      bestEpoch: COUNT,
      seed: NUMBER,
      final: mapOf(NUMBER),
      examples: TEXT,
      dataset: TEXT,
      training: OBJECT,
    },
    { heads: listOf(recordSchema({ loss: TEXT, width: COUNT })), base: OBJECT },
  ),
});

/** One of several outputs as the network gives it. */
export interface HeadMeta {
  readonly loss: string;
  /** Values per row. */
  readonly width: number;
}

/** A loaded model: tensors in, output values out. */
export interface Predictor {
  readonly meta: ModelMeta;
  /** `batch` holds one tensor per input. Returns row-major float32, `rows * product(outputShape)` values. */
  predict(batch: TensorBatch): Promise<Float32Array>;
  /**
   * The same at once, where a call costs so little that no others need to share it; undefined: it takes its time at the moment. Left out:
   * always.
   */
  predictNow?(batch: TensorBatch): Float32Array | undefined;
  dispose(): void;
}
