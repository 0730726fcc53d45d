/**
 * Isotonic regression: the rising function that is nearest to the values by least squares (pool adjacent violators), linear between the
 * places that were given and constant beyond them.
 *
 * @param x at least one, in any order; equal ones count as one with the mean of their values
 * @see https://scikit-learn.org/stable/modules/isotonic.html
 */
export function isotonic(x: readonly number[], y: readonly number[]): (at: number) => number {
  const places: number[] = [];
  const sums: number[] = [];
  const weights: number[] = [];
  const order = x.map((_, index) => index).sort((a, b) => x[a]! - x[b]!);
  for (const index of order) {
    const last = places.length - 1;
    if (last >= 0 && places[last] === x[index]) {
      sums[last]! += y[index]!;
      weights[last]! += 1;
    } else {
      places.push(x[index]!);
      sums.push(y[index]!);
      weights.push(1);
    }
  }
  // Blocks of places with one value: a block that is not above the one before is joined with it.
  const blocks: { sum: number; weight: number; places: number }[] = [];
  for (let at = 0; at < places.length; at++) {
    let block = { sum: sums[at]!, weight: weights[at]!, places: 1 };
    for (
      let before = blocks.at(-1);
      before !== undefined && before.sum * block.weight >= block.sum * before.weight;
      before = blocks.at(-1)
    ) {
      blocks.pop();
      block = { sum: before.sum + block.sum, weight: before.weight + block.weight, places: before.places + block.places };
    }
    blocks.push(block);
  }
  const values = blocks.flatMap(({ sum, weight, places: count }) => new Array<number>(count).fill(sum / weight));
  return (at) => {
    let low = 0;
    let high = places.length - 1;
    if (at <= places[0]!) return values[0]!;
    if (at >= places[high]!) return values[high]!;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (places[middle]! <= at) low = middle;
      else high = middle;
    }
    const share = (at - places[low]!) / (places[high]! - places[low]!);
    return values[low]! + share * (values[high]! - values[low]!);
  };
}
