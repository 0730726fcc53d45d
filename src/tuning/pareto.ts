/** Does one vector of losses dominate another: nowhere worse, somewhere better? */
export function dominates(one: readonly number[], other: readonly number[]): boolean {
  let better = false;
  for (const [at, loss] of one.entries()) {
    if (loss > other[at]!) return false;
    if (loss < other[at]!) better = true;
  }
  return better;
}

/** Places of the vectors of losses that none dominates, ascending; of equal ones all. */
export function paretoFront(losses: readonly (readonly number[])[]): number[] {
  const order = losses.map((_, at) => at).sort((a, b) => compare(losses[a]!, losses[b]!) || a - b);
  const front: number[] = [];
  // Whatever dominates a vector stands before it in this order, and then one of the front does.
  for (const at of order) if (!front.some((better) => dominates(losses[better]!, losses[at]!))) front.push(at);
  return front.sort((a, b) => a - b);
}

/**
 * Rank of every vector of losses: 0 on the front, 1 on the front of what remains without it, and so on. Once `enough` have a rank, all
 * others share the next one.
 */
export function dominationRanks(losses: readonly (readonly number[])[], enough = losses.length): number[] {
  const ranks = losses.map(() => -1);
  let rest = losses.map((_, at) => at);
  let rank = 0;
  for (; losses.length - rest.length < enough && rest.length > 0; rank += 1) {
    const front = new Set(paretoFront(rest.map((at) => losses[at]!)).map((at) => rest[at]!));
    for (const at of front) ranks[at] = rank;
    rest = rest.filter((at) => !front.has(at));
  }
  for (const at of rest) ranks[at] = rank;
  return ranks;
}

function compare(one: readonly number[], other: readonly number[]): number {
  const at = one.findIndex((loss, index) => loss !== other[index]);
  return at < 0 ? 0 : one[at]! - other[at]!;
}

/**
 * Volume between vectors of losses and a point that is worse than all of them; vectors that are not better than it in every objective
 * add nothing. Exact, for any number of objectives; quick for two and three.
 *
 * @see L. While, L. Bradstreet, L. Barone: A Fast Way of Calculating Exact Hypervolumes (2012)
 */
export function hypervolume(losses: readonly (readonly number[])[], reference: readonly number[]): number {
  const inside = losses.filter((loss) => loss.every((value, at) => value < reference[at]!));
  return volume(unique(paretoFront(inside).map((at) => inside[at]!)), reference);
}

function volume(front: readonly (readonly number[])[], reference: readonly number[]): number {
  if (front.length === 0) return 0;
  if (reference.length === 1) return reference[0]! - Math.min(...front.map(([loss]) => loss!));
  const sorted = [...front].sort((a, b) => a[0]! - b[0]! || a[1]! - b[1]!);
  if (reference.length === 2) {
    let height = reference[1]!;
    let sum = 0;
    for (const [across, down] of sorted) {
      if (down! >= height) continue;
      sum += (reference[0]! - across!) * (height - down!);
      height = down!;
    }
    return sum;
  }
  // Slices along the first objective: between two losses, what all better ones cover in the others.
  return sorted.reduce((sum, loss, at) => {
    const thickness = (sorted[at + 1]?.[0] ?? reference[0]!) - loss[0]!;
    if (thickness === 0) return sum;
    const covering = sorted.slice(0, at + 1).map((other) => other.slice(1));
    return (
      sum +
      thickness *
        volume(
          paretoFront(covering).map((place) => covering[place]!),
          reference.slice(1),
        )
    );
  }, 0);
}

function unique(losses: readonly (readonly number[])[]): (readonly number[])[] {
  return [...new Map(losses.map((loss) => [loss.join(' '), loss])).values()];
}

/**
 * Places of `count` vectors of losses that together cover much: always the one that adds most to the volume (at least 1 − 1/e of what
 * the best choice covers).
 *
 * @see A. P. Guerreiro, C. M. Fonseca, L. Paquete: Greedy Hypervolume Subset Selection in Low Dimensions (2016)
 */
export function coveringSubset(losses: readonly (readonly number[])[], reference: readonly number[], count: number): number[] {
  const chosen: number[] = [];
  const covered: (readonly number[])[] = [];
  const own = losses.map((loss) => box(loss, reference));
  // What a vector adds only shrinks as others are chosen, by what it shares with each of them: most need not be computed anew.
  const bounds = [...own];
  let total = 0;
  const open = new Set(losses.keys());
  while (chosen.length < count && open.size > 0) {
    let best = -1;
    let most = -Infinity;
    for (const at of [...open].sort((a, b) => bounds[b]! - bounds[a]! || a - b)) {
      if (bounds[at]! <= most) break;
      if (chosen.length > 0) bounds[at] = hypervolume([...covered, losses[at]!], reference) - total;
      if (bounds[at]! > most) [best, most] = [at, bounds[at]!];
    }
    const next = losses[best]!;
    open.delete(best);
    chosen.push(best);
    covered.push(next);
    total = hypervolume(covered, reference);
    for (const at of open) {
      const shared = losses[at]!.map((value, objective) => Math.max(value, next[objective]!));
      bounds[at] = Math.min(bounds[at]!, own[at]! - box(shared, reference));
    }
  }
  return chosen;
}

function box(loss: readonly number[], reference: readonly number[]): number {
  return loss.reduce((product, value, at) => product * Math.max(0, reference[at]! - value), 1);
}
