import type { OutputSpec, TensorSpec } from '../../core/tensor.ts';
import type { SearchResult } from './learning-rate-search.ts';
import type { HeadMeta } from '../model/model-meta.ts';

/** `result.json`: what a trainer says about the weights it made. */
export interface TrainingResult {
  readonly engine: string;
  /** Why the engine is not the compiled one, where that was not chosen. */
  readonly engineReason?: string;
  readonly inputs: readonly TensorSpec[];
  /** What the model answers. */
  readonly output: OutputSpec;
  readonly outputShape: readonly number[];
  readonly parameters: number;
  readonly trainableParameters: number;
  readonly loss: string;
  readonly heads?: readonly HeadMeta[];
  readonly optimizer: string;
  readonly epochsRun: number;
  readonly bestEpoch: number;
  readonly learningRateSearch?: SearchResult;
  readonly final: Readonly<Record<string, number>>;
}
