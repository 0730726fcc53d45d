import { defineDriftTest, driftConfig } from './drift-test.ts';
import { andersonDarling, andersonDarlingTail, jointCounts } from '../joint-ranks.ts';

/**
 * As Cramér-von Mises, with more weight on the tails. Tables end at 0.001; here the limit distribution is worked out, so that small
 * p-values are as good.
 */
export default defineDriftTest({
  name: 'andersonDarling',
  summary: 'p-value of the two-sample Anderson-Darling test by mid-ranks, by its limit distribution.',
  featureTypes: ['number'],
  score: 'pValue',
  defaultThreshold: 0.001,
  minSamples: 20,
  symmetric: true,
  configSchema: driftConfig('pValue', 0.001),
  reference: 'https://docs.scipy.org/doc/scipy/reference/generated/scipy.stats.anderson_ksamp.html',
  compute(reference, current) {
    if (reference.kind !== 'number' || current.kind !== 'number') throw new TypeError('andersonDarling compares numbers');
    return andersonDarlingTail(andersonDarling(jointCounts(reference, current)).standardized);
  },
});
