import type { OpenArtifact } from '../../core/ports.ts';
import { seenTestRows } from '../../data/stored/seen-rows.ts';
import type { TrainedOn } from '../../training/model/trained-on.ts';

/** Test rows on which two models can be compared: neither was trained or validated on them. */
export interface FairRows {
  /** 1: neither side has seen the row. In the order of the test split. */
  readonly unseen: Uint8Array;
  readonly rows: number;
  readonly left: number;
  /** Rows that the champion has seen, and that this model has; some may count in both. */
  readonly seenByChampion: number;
  readonly seenByThis: number;
}

/** @returns why nobody can tell, where that is so */
export async function fairRows(
  dataset: OpenArtifact,
  ours: TrainedOn,
  champion: TrainedOn,
): Promise<FairRows | { readonly unknown: string }> {
  const own = await seenBy(dataset, ours, 'this model');
  if ('unknown' in own) return own;
  const theirs = await seenBy(dataset, champion, 'the champion');
  if ('unknown' in theirs) return theirs;
  const unseen = Uint8Array.from(own.seen, (seen, row) => (seen === 0 && theirs.seen[row] === 0 ? 1 : 0));
  return { unseen, rows: unseen.length, left: count(unseen), seenByChampion: count(theirs.seen), seenByThis: count(own.seen) };
}

/** How many rows are left and why, e.g. "41 of 52 test rows: the champion was trained or validated on 11" */
export function fairText({ rows, left, seenByChampion, seenByThis }: Omit<FairRows, 'unseen'>): string {
  if (left === rows) return `all ${rows} test rows, none of which either side was trained or validated on`;
  const seen = [
    ...(seenByChampion === 0 ? [] : [`the champion was trained or validated on ${seenByChampion}`]),
    ...(seenByThis === 0 ? [] : [`this model on ${seenByThis}`]),
  ];
  return `${left} of ${rows} test rows: ${seen.join(', ')}`;
}

async function seenBy(
  dataset: OpenArtifact,
  trained: TrainedOn,
  who: string,
): Promise<{ readonly seen: Uint8Array } | { readonly unknown: string }> {
  if ('unknown' in trained) return { unknown: `nobody can tell which rows ${who} has seen: ${trained.unknown}` };
  let all: Uint8Array | undefined;
  for (const one of trained.datasets) {
    const seen = await seenTestRows(dataset, one);
    if (seen === undefined) return { unknown: `nobody can tell which rows ${who} has seen: it was trained on a dataset of other columns` };
    all = all === undefined ? seen : all.map((value, row) => value | seen[row]!);
  }
  return { seen: all! };
}

function count(mask: Uint8Array): number {
  return mask.reduce((sum, value) => sum + value, 0);
}
