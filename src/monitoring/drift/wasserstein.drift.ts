import { defineDriftTest, driftConfig } from './drift-test.ts';
import { standardDeviation, wassersteinDistance } from '../wasserstein.ts';

/**
 * Divided by the standard deviation of the reference, so that one threshold serves all units. A constant reference: Infinity as soon as
 * anything moves.
 */
export default defineDriftTest({
  name: 'wasserstein',
  summary: 'Earth mover distance in standard deviations of the reference.',
  featureTypes: ['number'],
  score: 'distance',
  defaultThreshold: 0.1,
  minSamples: 30,
  symmetric: false,
  configSchema: driftConfig('distance', 0.1),
  reference: 'https://docs.scipy.org/doc/scipy/reference/generated/scipy.stats.wasserstein_distance.html',
  compute(reference, current) {
    if (reference.kind !== 'number' || current.kind !== 'number') throw new TypeError('wasserstein compares numbers');
    const distance = wassersteinDistance(reference, current);
    return distance === 0 ? 0 : distance / standardDeviation(reference);
  },
});
