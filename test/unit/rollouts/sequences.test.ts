import { describe, expect, it } from 'vitest';
import { Prng } from '../../../src/core/prng.ts';
import { differenceSequence, isShareOut, meanSequence, shareSequence } from '../../../src/rollouts/sequences.ts';

/** Share of seeded repetitions in which an interval misses the truth at any of the looks. */
function missed(repetitions: number, look: (prng: Prng) => boolean): number {
  let misses = 0;
  for (let turn = 0; turn < repetitions; turn += 1) if (look(new Prng('coverage', turn))) misses += 1;
  return misses / repetitions;
}

describe('confidence sequences', () => {
  it.each([0.01, 0.1, 0.5, 0.9])('of a share of %s hold at every look at once', (share) => {
    const rate = missed(400, (prng) => {
      let k = 0;
      for (let n = 1; n <= 1_000; n += 1) {
        if (prng.uniform() < share) k += 1;
        if (isShareOut(k, n, share, 0.05)) return true;
      }
      return false;
    });
    expect(rate).toBeLessThanOrEqual(0.05);
  });

  it('of a share find a version that always fails after two requests, and none in one that fails as often as it may', () => {
    expect(shareSequence(1, 1, 0.01).low).toBeLessThan(0.01);
    expect(shareSequence(2, 2, 0.01).low).toBeGreaterThan(0.01);
    expect(shareSequence(10, 1_000, 0.01).low).toBeLessThan(0.01);
    expect(shareSequence(0, 0, 0.01)).toEqual({ low: 0, high: 1 });
  });

  it('of a share have their ends where the evidence turns', () => {
    const { low, high } = shareSequence(7, 40, 0.05);
    expect([isShareOut(7, 40, low * 0.999, 0.05), isShareOut(7, 40, low * 1.001, 0.05)]).toEqual([true, false]);
    expect([isShareOut(7, 40, high * 0.999, 0.05), isShareOut(7, 40, high * 1.001, 0.05)]).toEqual([false, true]);
  });

  it('of a share contain the mean, and narrow down to it', () => {
    const widths = [10, 100, 1_000, 10_000].map((n) => {
      const { low, high } = shareSequence(n * 0.3, n, 0.05);
      expect(low).toBeLessThan(0.3);
      expect(high).toBeGreaterThan(0.3);
      return high - low;
    });
    expect([...widths].sort((a, b) => b - a)).toEqual(widths);
    expect(widths.at(-1)).toBeLessThan(0.04);
  });

  it.each([0.5, 0.2])('of a difference hold at every look from 30 on, where %s of the callers meet the candidate', (part) => {
    const rate = missed(1_000, (prng) => {
      const arms = { champion: { n: 0, sum: 0, sumSquares: 0 }, candidate: { n: 0, sum: 0, sumSquares: 0 } };
      for (let turn = 1; turn <= 1_500; turn += 1) {
        const arm = prng.uniform() < part ? arms.candidate : arms.champion;
        // Accuracies of 0.8 and 0.9.
        const value = prng.uniform() < (arm === arms.candidate ? 0.9 : 0.8) ? 1 : 0;
        arm.n += 1;
        arm.sum += value;
        arm.sumSquares += value;
        if (Math.min(arms.champion.n, arms.candidate.n) < 30 || turn % 5 !== 0) continue;
        const { low, high } = differenceSequence(arms.champion, arms.candidate, 0.05);
        if (low > 0.1 || high < 0.1) return true;
      }
      return false;
    });
    expect(rate).toBeLessThanOrEqual(0.05);
  });

  it('of a mean are as the paper has them', () => {
    // Theorem 2.2 by hand: variance 1, n 100, alpha 0.05, rho² for 500 rows.
    const rho2 = (-2 * Math.log(0.05) + Math.log(-2 * Math.log(0.05)) + 1) / 500;
    const margin = Math.sqrt(((2 * (100 * rho2 + 1)) / (100 ** 2 * rho2)) * Math.log(Math.sqrt(100 * rho2 + 1) / 0.05));
    const { low, high } = meanSequence({ n: 100, sum: 0, sumSquares: 100 }, 0.05);
    expect([low, high]).toEqual([expect.closeTo(-margin, 12), expect.closeTo(margin, 12)]);
  });
});
