import type { CategorySample } from './drift/drift-test.ts';

/** Counts of both samples in the same cells. */
export interface FoldedPair {
  readonly labels: readonly string[];
  readonly reference: Float64Array;
  readonly current: Float64Array;
}

/**
 * Both samples in the same cells, by one rule for both sides: one cell per category that the reference names, most frequent first,
 * and one for all that it does not name. Where it names all that it had, that last cell holds what is new; where it does not, what is
 * new cannot be told from what was rare, and both are in it, on both sides.
 *
 * @param most cells of named categories; the rarer ones share a cell
 */
export function foldCategories(reference: CategorySample, current: CategorySample, most = Infinity): FoldedPair {
  const names = [...reference.counts.keys()].sort((a, b) => reference.counts.get(b)! - reference.counts.get(a)! || (a < b ? -1 : 1));
  const own = names.slice(0, most);
  const cells: [string, number, number][] = own.map((name) => [name, reference.counts.get(name)!, current.counts.get(name) ?? 0]);
  const rare: [number, number] = [0, 0];
  for (const name of names.slice(own.length)) {
    rare[0] += reference.counts.get(name)!;
    rare[1] += current.counts.get(name) ?? 0;
  }
  let unnamed = current.other;
  for (const [name, count] of current.counts) if (!reference.counts.has(name)) unnamed += count;
  if (reference.other > 0) cells.push(['(other)', rare[0] + reference.other, rare[1] + unnamed]);
  else {
    if (names.length > own.length) cells.push(['(rare)', ...rare]);
    if (unnamed > 0) cells.push(['(new)', 0, unnamed]);
  }
  return {
    labels: cells.map(([label]) => label),
    reference: Float64Array.from(cells, (cell) => cell[1]),
    current: Float64Array.from(cells, (cell) => cell[2]),
  };
}
