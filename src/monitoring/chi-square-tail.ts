import { createRequire } from 'node:module';

let loaded: typeof import('@stdlib/stats-base-dists-chisquare') | undefined;

/**
 * Chance that a chi-square variable is above a value, between 0 and 1. The library is loaded on first use: it is 700 modules, and most
 * processes that could ask never do.
 */
export function chiSquareTail(value: number, degreesOfFreedom: number): number {
  loaded ??= createRequire(import.meta.url)('@stdlib/stats-base-dists-chisquare') as typeof import('@stdlib/stats-base-dists-chisquare');
  return Math.max(0, 1 - loaded.cdf(value, degreesOfFreedom));
}
