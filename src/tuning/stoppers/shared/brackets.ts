/** Brackets of Hyperband: number 0 compares from the first epochs on, the last one never. */
export interface Brackets {
  readonly count: number;
  /** Trials of every bracket, in relation to each other. */
  readonly shares: readonly number[];
}

/** @see L. Li et al.: Hyperband: A Novel Bandit-Based Approach to Hyperparameter Optimization (2018) */
export function bracketsOf(epochs: number, minEpochs: number, factor: number): Brackets {
  let count = 1;
  for (let reached = minEpochs * factor; reached <= epochs; reached *= factor) count += 1;
  // Every bracket is to get about as many epochs in all.
  const shares = Array.from({ length: count }, (_, bracket) => Math.ceil((count * factor ** (count - 1 - bracket)) / (count - bracket)));
  return { count, shares };
}

/** The bracket of a trial, by its number alone: any trials in a row are spread over the brackets by their shares. */
export function bracketOf({ shares }: Brackets, number: number): number {
  const total = shares.reduce((sum, share) => sum + share, 0);
  // Steps of the golden ratio, which fall evenly however many there are.
  let rest = ((number * GOLDEN) % 1) * total;
  for (const [bracket, share] of shares.entries()) {
    rest -= share;
    if (rest < 0) return bracket;
  }
  return shares.length - 1;
}

const GOLDEN = (Math.sqrt(5) - 1) / 2;
