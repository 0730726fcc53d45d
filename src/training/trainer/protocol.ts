import type { ErrorCode } from '../../core/errors.ts';
import type { CurveEpoch, CurveStart } from '../curves/curve-keeper.ts';
import type { TrainConfig } from '../step/train-config.ts';
import type { BaseFiles } from '../transfer/base-files.ts';
import type { LocalFiles } from './local-artifact.ts';

/** The job file that a trainer process is started with. All paths are absolute. */
export interface TrainerJob {
  readonly config: TrainConfig;
  readonly examples: LocalFiles;
  /** What the model starts from, where it does. */
  readonly base?: BaseFiles;
  /** Digest of everything that the weights depend on. */
  readonly binding: string;
  /** Memory for the rows of a split; larger ones are streamed. Default: that of the data domain. */
  readonly memoryBytes?: number;
  readonly checkpointDir: string;
  readonly resultDir: string;
}

/** Trainer → parent, over the IPC channel. */
export type TrainerMessage =
  | {
      readonly type: 'started';
      readonly engine: string;
      readonly resumedEpoch: number;
      readonly resumedStep: number;
      /** What is there already of the curves. */
      readonly curve: CurveStart;
    }
  /** An epoch is complete. */
  | ({ readonly type: 'epoch' } & CurveEpoch)
  | {
      readonly type: 'progress';
      readonly epoch: number;
      readonly epochs: number;
      readonly fraction: number;
      readonly loss: number;
      readonly metrics: Readonly<Record<string, number>>;
      readonly samplesPerSecond: number;
      /** Absent until a speed is known. */
      readonly secondsLeft?: number;
    }
  /** The learning rate is searched for. */
  | { readonly type: 'searching' }
  | { readonly type: 'notice'; readonly message: string }
  | { readonly type: 'checkpoint'; readonly path: string; readonly step: number }
  | { readonly type: 'done' }
  | {
      readonly type: 'failed';
      readonly error: {
        readonly code: ErrorCode;
        readonly message: string;
        readonly hint: string;
        readonly details: Readonly<Record<string, unknown>>;
      };
    };
