import type { ConfigProblem } from '../../core/step.ts';
import { SPLITS } from '../stored/dataset.ts';
import type { Split } from '../stored/dataset.ts';

/** Which rows of a source that grows take part. */
export const INGEST_MODES = ['all', 'append', 'recent'] as const;
export type IngestMode = (typeof INGEST_MODES)[number];

/** When rows happened, and when they were known. */
export interface TimeConfig {
  /** Column of the time of the event. */
  readonly column: string;
  /** Column of the time at which the row arrived; left out: when it happened. */
  readonly knownAt?: string;
  /** What becomes of rows without a time; default: quarantine. */
  readonly missing?: 'quarantine' | 'refuse';
}

/** The newest rows: so long back from the nominal time, or so many. */
export interface RecentConfig {
  readonly last?: string;
  readonly rows?: number;
}

/** The rows that a version has not seen. */
export interface AppendConfig {
  /** Version or alias; left out: the champion, else the newest version that there was at the nominal time. */
  readonly since?: string | number;
  /** Fewer new rows than this are nothing to learn from yet. */
  readonly rowsMin?: number;
  /** Splits that hold new rows only; the others stay whole. */
  readonly splits?: readonly Split[];
}

/** What of a configuration is about growth. */
interface Growth {
  readonly mode?: IngestMode;
  readonly time?: TimeConfig;
  readonly recent?: RecentConfig;
  readonly append?: AppendConfig;
  readonly window?: unknown;
}

/** Mistakes of mode, time, recent and append that their schemas cannot say. A block that another mode needs may stand beside it. */
export function checkGrowth({ mode, time, recent, append, window }: Growth): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  if (mode === 'recent' && time === undefined)
    problems.push({
      pointer: '/mode',
      message: 'The mode "recent" needs to know when rows happened.',
      fix: 'Add "time": {"column": "…"}.',
    });
  if (mode === 'recent' && recent === undefined)
    problems.push({
      pointer: '/mode',
      message: 'The mode "recent" needs to know how far back it reaches.',
      fix: 'Add "recent": {"last": "30d"} or {"rows": 10000}.',
    });
  if (recent !== undefined && (recent.last === undefined) === (recent.rows === undefined))
    problems.push({
      pointer: '/recent',
      message: recent.last === undefined ? '"recent" says neither "last" nor "rows".' : '"recent" says both "last" and "rows".',
      fix: 'Give one of them, for example {"last": "30d"}.',
    });
  if (mode === 'recent' && window !== undefined)
    problems.push({
      pointer: '/window',
      message: 'The mode "recent" and "window" both say which rows are recent.',
      fix: 'Remove "window", or the mode.',
    });
  if (append?.splits !== undefined && !append.splits.includes('train'))
    problems.push({
      pointer: '/append/splits',
      message: 'The train split would hold rows that were learnt from already.',
      fix: `Name "train", for example ["train", "validation"]; left out: ${SPLITS.map((name) => `"${name}"`).join(', ')}.`,
    });
  return problems;
}

/** ", the last 30d of time", for one line of text. */
export function growthInWords({ mode, time, recent, append }: Growth): string {
  if (mode === 'recent')
    return `, the newest ${recent?.rows === undefined ? `${recent?.last ?? ''}` : `${recent.rows} rows`} by ${time?.column ?? ''}`;
  if (mode === 'append') return `, rows that ${append?.since === undefined ? 'the champion' : `version ${append.since}`} has not seen`;
  return '';
}
