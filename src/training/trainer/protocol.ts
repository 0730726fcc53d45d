import type { ErrorCode } from '../../core/errors.ts';
import type { CurveEpoch, CurveStart } from '../curves/curve-keeper.ts';
import type { TrainConfig } from '../step/train-config.ts';
import type { BaseFiles } from '../transfer/base-files.ts';
import type { LocalFiles } from './local-artifact.ts';

/** The job file of a trainer process. All paths are absolute. */
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

/** Parent → trainer, over the IPC channel. */
export type TrainerOrder =
  /** @see TrainerJob */
  | {
      readonly type: 'job';
      readonly path: string;
      /** Bytes of resident memory up to which it stays for the next job; absent: it ends after this one. */
      readonly stayUpTo?: number;
    }
  /** The job at hand is of no use any more: no checkpoint is needed. Without one it says nothing. */
  | { readonly type: 'drop' }
  /** A job is expected: TensorFlow is loaded before it comes. */
  | { readonly type: 'load'; readonly oneDnn: boolean };

/** Trainer → parent, over the IPC channel. */
export type TrainerMessage =
  /** The job has arrived. */
  | { readonly type: 'taken' }
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
  /** The result is there. With `stays`, the next job may come. */
  | { readonly type: 'done'; readonly stays?: true }
  /** The job was dropped, and the next one may come. */
  | { readonly type: 'dropped' }
  | {
      readonly type: 'failed';
      readonly error: {
        readonly code: ErrorCode;
        readonly message: string;
        readonly hint: string;
        readonly details: Readonly<Record<string, unknown>>;
      };
    };
