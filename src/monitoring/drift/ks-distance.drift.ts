import { defineDriftTest, driftConfig } from './drift-test.ts';
import { ksDistance } from '../kolmogorov.ts';

/** The statistic of the Kolmogorov-Smirnov test: at 0.1, a tenth of the rows lies on the other side of some value. */
export default defineDriftTest({
  name: 'ksDistance',
  summary: 'Largest distance between the two distribution functions, 0 to 1.',
  featureTypes: ['number'],
  score: 'distance',
  defaultThreshold: 0.1,
  minSamples: 30,
  symmetric: true,
  configSchema: driftConfig('distance', 0.1),
  reference: 'https://docs.scipy.org/doc/scipy/reference/generated/scipy.stats.ks_2samp.html',
  compute(reference, current) {
    if (reference.kind !== 'number' || current.kind !== 'number') throw new TypeError('ksDistance compares numbers');
    return ksDistance(reference, current);
  },
});
