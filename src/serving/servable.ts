import type { Arm } from '../core/rollout.ts';
import type { Prediction, TensorBatch } from '../core/tensor.ts';
import type { TraceReference } from '../core/trace.ts';
import type { Preprocessor } from '../data/stored/dataset.ts';
import type { Predictor } from '../training/model/model-meta.ts';

/** A version in memory: everything that turns a row of the source data into an answer. */
export interface Servable {
  readonly model: string;
  readonly version: number;
  readonly preprocessor: Preprocessor;
  readonly predictor: WaitingPredictor;
  /** All columns of the data it was trained on, among them the label and the ones it does not read. */
  readonly sourceColumns: readonly string[];
  /** Of the run that made it, where that was told. */
  readonly trace?: TraceReference;
  /** Absent: it stays as it was loaded, on the thread that loaded it. */
  readonly network?: NetworkSource;
}

/** A predictor that may have to be brought back before it answers. */
export interface WaitingPredictor extends Predictor {
  /** undefined: it answers at once. @throws RequestError 503 where it cannot be brought back */
  ready?(): Promise<void> | undefined;
}

/** Where the network of a version comes from once it has been verified. */
export interface NetworkSource {
  /** Of its weights. */
  readonly weightBytes: number;
  /** Its size says that its calls may hold the event loop up: to be found out elsewhere. */
  readonly isLikelySlow?: boolean;
  /** Whether its first prediction here would load TensorFlow, which holds the event loop up for a second or two. Absent: no. */
  loadsLibrary?(): boolean;
  /** Into this process, from a copy on this machine where there is one. @throws BLOB_CORRUPT, STORE_UNAVAILABLE */
  again(): Promise<Predictor>;
  /** Into a process of its own, so that the event loop goes on while it computes. @throws as {@link again}, SERVING_PROCESS */
  apart(watch: ProcessWatch): Promise<PredictorApart>;
}

/** A network in a process of its own. */
export interface PredictorApart extends WaitingPredictor {
  /** Memory that the process has for itself, in bytes; undefined where that is not known. */
  readonly bytes: number | undefined;
}

/** Who is told of a process. */
export interface ProcessWatch {
  /** It ended by itself; those who waited for it got 503. @param problem with what it wrote */
  died(problem: string): void;
  /** It answers again. */
  revived(): void;
  /** Asked of it before it counts as ready. */
  readonly warm: TensorBatch;
}

/** What answers requests for one version, and how many are doing so. */
export interface Lease {
  readonly servable: Servable;
  /**
   * Runs the network; concurrent calls share batches. Gives `rows * product(outputShape)` values.
   *
   * @param waitMs how long it may wait until the network begins, in milliseconds @throws RequestError 503
   */
  predict(batch: TensorBatch, waitMs?: number): Float32Array | Promise<Float32Array>;
  /** Must be called exactly once, when the answer is made. */
  release(): void;
}

/** Which part of a rollout a request was. */
export interface Exposure {
  readonly rollout: string;
  readonly arm: Arm;
  /** By which its caller is told apart, as a digest; absent where chance decided. */
  readonly unit?: string;
}

/** One question answered, by exactly one version. */
export interface Answer {
  readonly servable: Servable;
  readonly id: string;
  /** Absent: no rollout goes on, or the request is outside of it. */
  readonly exposure?: Exposure;
  readonly predictions: readonly Prediction[];
  /** Of each prediction, where that does not follow from the order: the last row of its window, and its series. */
  /** Rows that were set aside, where the question allows that. */
  readonly refused?: readonly { readonly row: number; readonly error: string }[];
  readonly places?: readonly { readonly row: number; readonly series?: Readonly<Record<string, string | number | boolean>> }[];
}
