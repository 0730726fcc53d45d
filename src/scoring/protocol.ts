import type { ErrorCode } from '../core/errors.ts';
import type { RowsPlace, Range } from './part-batches.ts';
import type { KeptColumn } from './kept-columns.ts';
import type { PartRecord, ScoreFormat, ScoredModel } from './score-task.ts';

/** What a scoring process works on; it reads it from a file. */
export interface ScorerJob {
  readonly model: ScoredModel;
  readonly place: RowsPlace;
  /** Of the whole source. */
  readonly rows: number;
  readonly kept: readonly KeptColumn[];
  readonly format: ScoreFormat;
  readonly prefix: string;
  readonly partsDir: string;
  /** Memory of its database, and threads. */
  readonly memory: string;
  readonly threads: number;
}

/** To a scoring process: answer a part, or read it for the windows of those behind it. */
export interface PartOrder extends Range {
  readonly part: number;
  readonly answered: boolean;
}

export type ScorerMessage =
  | { readonly type: 'ready' }
  | { readonly type: 'rows'; readonly rows: number }
  | { readonly type: 'done'; readonly record: PartRecord }
  | { readonly type: 'followed'; readonly part: number }
  | {
      readonly type: 'failed';
      readonly error: { readonly code: ErrorCode; readonly message: string; readonly hint: string };
    };
