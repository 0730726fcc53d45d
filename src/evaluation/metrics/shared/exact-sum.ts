/**
 * A running sum that is rounded once, at the end: the result does not depend on the order of the terms or on how they were
 * split over partial sums.
 *
 * @see Shewchuk, "Adaptive Precision Floating-Point Arithmetic and Fast Robust Geometric Predicates" (1997), grow-expansion
 */
export class ExactSum {
  #partials: number[] = [];
  /** Holds NaN and infinities, which have no exact expansion. */
  #special = 0;

  add(term: number): void {
    if (!Number.isFinite(term)) {
      this.#special += term;
      return;
    }
    let x = term;
    let kept = 0;
    const partials = this.#partials;
    for (let i = 0; i < partials.length; i++) {
      let y = partials[i]!;
      if (Math.abs(x) < Math.abs(y)) [x, y] = [y, x];
      const high = x + y;
      const low = y - (high - x);
      if (low !== 0) partials[kept++] = low;
      x = high;
    }
    partials.length = kept;
    partials.push(x);
  }

  merge(other: ExactSum): void {
    this.#special += other.#special;
    for (const partial of other.#partials) this.add(partial);
  }

  /** The correctly rounded sum (ties of the last bit resolved by the remaining partials). */
  value(): number {
    if (this.#special !== 0) return this.#special;
    const partials = this.#partials;
    let i = partials.length - 1;
    if (i < 0) return 0;
    let high = partials[i]!;
    let low = 0;
    while (i > 0) {
      const x = high;
      const y = partials[--i]!;
      high = x + y;
      low = y - (high - x);
      if (low !== 0) break;
    }
    if (i > 0 && ((low < 0 && partials[i - 1]! < 0) || (low > 0 && partials[i - 1]! > 0))) {
      const twice = low * 2;
      const x = high + twice;
      if (twice === x - high) high = x;
    }
    return high;
  }
}

/** The correctly rounded sum of `count` terms. */
export function exactSum(count: number, term: (index: number) => number): number {
  const sum = new ExactSum();
  for (let i = 0; i < count; i++) sum.add(term(i));
  return sum.value();
}
