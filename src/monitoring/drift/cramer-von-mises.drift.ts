import { defineDriftTest, driftConfig } from './drift-test.ts';
import { cramerVonMisesT, cramerVonMisesTail, jointCounts } from '../joint-ranks.ts';

/**
 * Sums the squared differences of the distribution functions, where Kolmogorov-Smirnov takes the largest: stronger where many values
 * move a little.
 */
export default defineDriftTest({
  name: 'cramerVonMises',
  summary: 'p-value of the two-sample Cramér-von Mises test, by its limit distribution.',
  featureTypes: ['number'],
  score: 'pValue',
  defaultThreshold: 0.001,
  minSamples: 20,
  symmetric: true,
  configSchema: driftConfig('pValue', 0.001),
  reference: 'https://docs.scipy.org/doc/scipy/reference/generated/scipy.stats.cramervonmises_2samp.html',
  compute(reference, current) {
    if (reference.kind !== 'number' || current.kind !== 'number') throw new TypeError('cramerVonMises compares numbers');
    return cramerVonMisesTail(cramerVonMisesT(jointCounts(reference, current)).scaled);
  },
});
