import type { ArtifactManifest, ArtifactRef } from '../core/artifact.ts';
import type { JsonObject } from '../core/json.ts';

export const SCORE_FORMATS = ['parquet', 'csv', 'ndjson'] as const;
export type ScoreFormat = (typeof SCORE_FORMATS)[number];

/** Share of the rows that may be set aside, unless another one is declared. */
export const SCORE_BUDGET = 0.05;
/** Rows of one part: seconds of work for most models, so that a kill costs little, and few enough to be held in memory. */
export const PART_ROWS = 65_536;

/** What is scored, with what, and how the answers are written. */
export interface ScoreTask {
  readonly source: { readonly path: string; readonly format?: string } & JsonObject;
  /** Folder in which a relative path of the source begins. */
  readonly folder: string;
  readonly model: ScoredModel;
  /** Columns of the source that are kept beside the answers. */
  readonly keep: 'all' | readonly string[];
  readonly format: ScoreFormat;
  /** In front of the names of the answers. */
  readonly prefix: string;
  /** Share of the rows that may be set aside. */
  readonly budget: number;
  readonly partRows: number;
  /** Processes at once; left out: as many as the machine has cores and the rows are worth. */
  readonly processes?: number;
}

/** A model with its files on this machine. */
export interface ScoredModel {
  readonly name: string;
  /** Absent: a model of the run that is no version yet. */
  readonly version?: number;
  readonly ref: ArtifactRef;
  readonly manifest: ArtifactManifest;
  /** File of the artifact → local path. */
  readonly paths: Readonly<Record<string, string>>;
}

/** One part that is done: its files lie beside it. */
export interface PartRecord {
  readonly formatVersion: 1;
  readonly part: number;
  readonly rows: number;
  readonly answered: number;
  readonly aside: number;
  /** Answers, and the rows set aside where there are any: name → digest and bytes. */
  readonly files: Readonly<Record<string, { readonly digest: string; readonly size: number }>>;
}

/** What came of it. */
export interface ScoreResult {
  readonly model: string;
  readonly version?: number;
  readonly modelDigest: string;
  readonly sourceDigest: string;
  readonly output: { readonly path: string; readonly digest: string; readonly size: number; readonly columns: readonly string[] };
  /** The rows that were set aside, as NDJSON; absent where there are none. */
  readonly asidePath?: string;
  /** Rows of the source, malformed ones among them. */
  readonly rows: number;
  readonly answered: number;
  readonly aside: number;
  /** Rows that end no full window of a model of series. */
  readonly unanswered: number;
  /** Parts of an earlier try that were taken over. */
  readonly resumedParts: number;
  readonly parts: number;
  readonly seconds: number;
  /** Rows of this try by its seconds. */
  readonly rowsPerSecond: number;
  readonly reasons: readonly { readonly reason: string; readonly rows: number }[];
  readonly notes: readonly string[];
}

export const partName = (part: number): string => String(part).padStart(6, '0');
export const ANSWERS_ENDING: Readonly<Record<ScoreFormat, string>> = { parquet: '.parquet', csv: '.csv', ndjson: '.ndjson' };
/** All rows of the source, in the folder of the scoring. */
export const ROWS_FILE = 'rows.parquet';
