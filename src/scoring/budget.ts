import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { PerennialError } from '../core/errors.ts';
import type { PartRecord, ScoreResult, ScoreTask } from './score-task.ts';
import type { Snapshot } from './snapshot.ts';

/** Reasons that are told with a result. */
const REASONS_MAX = 10;
/** Reasons that are told apart while they are counted. */
const COUNTED_MAX = 10_000;

/** Counts what becomes of the rows, and ends a scoring that sets too many of them aside. */
export class Budget {
  readonly #task: Pick<ScoreTask, 'budget' | 'source'>;
  readonly #snapshot: Pick<Snapshot, 'rows' | 'malformed'>;
  #answered = 0;
  #aside = 0;
  #seen = 0;

  /** @throws DATA_INVALID where lines that are no rows are too many already */
  constructor(task: Pick<ScoreTask, 'budget' | 'source'>, snapshot: Pick<Snapshot, 'rows' | 'malformed'>) {
    this.#task = task;
    this.#snapshot = snapshot;
    this.#check();
  }

  /** @throws DATA_INVALID beyond the budget */
  add({ answered, aside, rows }: PartRecord): void {
    this.#answered += answered;
    this.#aside += aside;
    this.#seen += rows;
    this.#check();
  }

  counts(): Pick<ScoreResult, 'rows' | 'answered' | 'aside' | 'unanswered'> {
    const { rows, malformed } = this.#snapshot;
    return {
      rows: rows + malformed.length,
      answered: this.#answered,
      aside: this.#aside + malformed.length,
      unanswered: rows - this.#answered - this.#aside,
    };
  }

  /** The most frequent reasons. @param path of all rows that were set aside */
  async reasons(path: string | undefined): Promise<ScoreResult['reasons']> {
    if (path === undefined) return [];
    const counts = new Map<string, number>();
    for await (const line of createInterface({ input: createReadStream(path) })) {
      const { error } = JSON.parse(line) as { error: string };
      // Rows that suffer from the same differ in their values.
      const reason = error.replace(/, got .*$/s, '').replace(/: line \d+$/, '');
      if (counts.size < COUNTED_MAX || counts.has(reason)) counts.set(reason, (counts.get(reason) ?? 0) + 1);
    }
    return [...counts]
      .map(([reason, rows]) => ({ reason, rows }))
      .sort((a, b) => b.rows - a.rows)
      .slice(0, REASONS_MAX);
  }

  #check(): void {
    const { rows, malformed } = this.#snapshot;
    const all = rows + malformed.length;
    const aside = this.#aside + malformed.length;
    const most = Math.floor(this.#task.budget * all);
    if (aside <= most) return;
    throw new PerennialError(
      'DATA_INVALID',
      `${this.#task.source.path}: ${aside} of ${this.#seen === rows ? '' : `the first ${this.#seen + malformed.length} of `}${all} rows cannot be answered; the budget of ${100 * this.#task.budget} % lets ${most} be set aside.`,
      { hint: 'Correct the rows, or declare a larger budget; what was answered is kept for the next try.', details: { aside, rows: all } },
    );
  }
}
