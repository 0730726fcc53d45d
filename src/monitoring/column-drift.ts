import type { ColumnProfile } from '../data/stored/dataset.ts';
import type { DriftTestDefinition } from './drift/drift-test.ts';

export interface TestScore {
  readonly test: string;
  readonly kind: DriftTestDefinition['score'];
  readonly score: number;
  /** A p-value after it was corrected for all places that were looked at: this one is judged. */
  readonly corrected?: number;
  readonly threshold: number;
  readonly exceeded: boolean;
  /** false: reported only. */
  readonly decides: boolean;
}

export interface ColumnDrift {
  readonly name: string;
  readonly type: ColumnProfile['type'];
  /** "skipped": not comparable, for `reason`. "absent": no current row has it. */
  readonly status: 'compared' | 'absent' | 'skipped';
  /** The measure of the size of the change, whatever tests decide: PSI. null where nothing was compared. */
  readonly score: number | null;
  /** Those that decide first. */
  readonly tests: readonly TestScore[];
  readonly drifted: boolean;
  /** One sentence. */
  readonly reason: string;
  /** What has to be said of the comparison, e.g. that one side of it is a sample. */
  readonly note: string;
  /** More than 1: tests, score and bins are of so many windows together. */
  readonly windows?: number;
  /** Shares of rows. */
  readonly missingReference: number;
  readonly missingCurrent: number;
  readonly invalidCurrent: number;
  /** Categories that the reference never had, most frequent first, with their share of the current rows. */
  readonly unseen: readonly { readonly value: string; readonly share: number }[];
  /** Shares per bin, for a picture. */
  readonly bins?: { readonly labels: readonly string[]; readonly reference: readonly number[]; readonly current: readonly number[] };
}
