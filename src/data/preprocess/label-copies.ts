import { PerennialError } from '../../core/errors.ts';
import { measureAll } from '../table/columns.ts';
import { COPY_ROWS_MIN, findCopies, inWords, valuePairs } from '../ingest/label-copies.ts';
import type { LabelPair, PlacedColumn } from '../ingest/label-copies.ts';
import type { Database } from '../table/duckdb.ts';
import type { DatasetProfile } from '../stored/dataset.ts';
import type { Column } from '../stored/column.ts';

export interface CopiesRequest {
  readonly db: Database;
  /** The training rows: a table, or a query in parentheses. */
  readonly table: string;
  /** Columns that are learnt from, and those that are to be predicted. */
  readonly features: readonly PlacedColumn[];
  readonly labels: readonly PlacedColumn[];
  /** The features were chosen here. */
  readonly automatic: boolean;
  /** Tells columns that may stand for the label in other words. */
  readonly profile?: DatasetProfile;
}

/**
 * Columns that are the label under another name, in another type or another way of writing. A document that lists its features may mean
 * it; where they are chosen here, nothing is learnt from such a column.
 *
 * @returns what people should know: listed copies, and columns that stand for the label in other words
 * @throws LABEL_INVALID
 */
export async function refuseCopies(request: CopiesRequest): Promise<string[]> {
  const { db, table, features, labels, automatic } = request;
  const { rows, copies, others } = await findCopies(db, table, features, labels);
  const notes: string[] = [];
  for (const copy of copies) {
    const said = `The column "${copy.feature.name}" equals the label "${copy.label.name}" ${inWords(copy, rows)} of the train split (${await valuePairs(db, table, copy)})`;
    if (automatic)
      throw new PerennialError('LABEL_INVALID', `${said}: a model that is given the answer learns nothing.`, {
        hint: `Leave it out: "exclude": ["${copy.feature.name}"] in the ingest step. If it is known when the model is asked, list the "features".`,
        details: { columns: [copy.feature.name] },
      });
    notes.push(`${said}.`);
  }
  return [...notes, ...(await renamed(request, others, rows)), ...(await toldByTimes(request, rows))];
}

/** Rows of one point in time, on average, from which on it is no chance that all are of one class. */
const ROWS_OF_A_TIME = 4;

/** Points in time that tell the class: rows of one class were written down at other times than those of another. */
async function toldByTimes({ db, table, features, labels, profile }: CopiesRequest, rows: number): Promise<string[]> {
  if (rows < COPY_ROWS_MIN) return [];
  const pairs = labels.flatMap((label) =>
    label.type === 'number' || label.type === 'timestamp'
      ? []
      : features.filter(({ type }) => type === 'timestamp').map((feature) => ({ label, feature })),
  );
  const few = pairs.filter(({ label }) => {
    const classes = distinctOf(profile, label);
    return classes > 1 && classes <= RENAMED_MAX;
  });
  const counts = await measureAll(
    db,
    few.flatMap(({ label, feature }) => [
      `count(DISTINCT ${feature.sql})`,
      `count(DISTINCT CASE WHEN ${feature.sql} IS NOT NULL THEN (${feature.sql}, CAST(${label.sql} AS VARCHAR)) END)`,
    ]),
    table,
  );
  const notes: string[] = [];
  for (const [index, pair] of few.entries()) {
    const [times, together] = [counts[2 * index]!, counts[2 * index + 1]!];
    if (times < 2 || times !== together || times * ROWS_OF_A_TIME > rows) continue;
    notes.push(
      `The column "${pair.feature.name}" tells the label "${pair.label.name}" in every row of the train split: all rows of each of its ${times} points in time are of one class (${await valuePairs(db, table, pair)}). Make sure that it is known when the model is asked, or leave it out: "exclude": ["${pair.feature.name}"].`,
    );
  }
  return notes;
}

function distinctOf(profile: CopiesRequest['profile'], { name }: Column): number {
  return profile?.columns.find((column) => column.name === name)?.distinct ?? 0;
}

/** Columns whose values stand for the classes one by one. They may be known when a model is asked: only people can tell. */
async function renamed({ db, table, profile }: CopiesRequest, pairs: readonly LabelPair[], rows: number): Promise<string[]> {
  if (rows < COPY_ROWS_MIN) return [];
  const distinct = (column: Column): number => distinctOf(profile, column);
  const alike = pairs.filter(
    ({ label, feature }) =>
      label.type !== 'number' &&
      feature.type !== 'number' &&
      distinct(label) > 1 &&
      distinct(label) <= RENAMED_MAX &&
      distinct(label) === distinct(feature),
  );
  const together = await measureAll(
    db,
    alike.map(({ label, feature }) => `count(DISTINCT (CAST(${feature.sql} AS VARCHAR), CAST(${label.sql} AS VARCHAR)))`),
    table,
  );
  const notes: string[] = [];
  for (const [index, pair] of alike.entries())
    if (together[index] === distinct(pair.label))
      notes.push(
        `The column "${pair.feature.name}" tells the label "${pair.label.name}" in every row of the train split (${await valuePairs(db, table, pair)}): make sure that it is known when the model is asked.`,
      );
  return notes;
}

/** Classes of which each may have another name in another column. */
const RENAMED_MAX = 50;
