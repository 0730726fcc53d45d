import { defineDriftTest, driftConfig } from './drift-test.ts';
import { kolmogorovSmirnov } from '../kolmogorov.ts';

/**
 * The level of one in a thousand: columns and windows are many, and at 5 % one column in twenty alarms by chance in every window. On
 * large samples every difference is significant: judge it together with a distance.
 */
export default defineDriftTest({
  name: 'ks',
  summary: 'p-value of the two-sample Kolmogorov-Smirnov test.',
  featureTypes: ['number'],
  score: 'pValue',
  defaultThreshold: 0.001,
  minSamples: 8,
  symmetric: true,
  configSchema: driftConfig('pValue', 0.001),
  reference: 'https://docs.scipy.org/doc/scipy/reference/generated/scipy.stats.ks_2samp.html',
  compute(reference, current) {
    if (reference.kind !== 'number' || current.kind !== 'number') throw new TypeError('ks compares numbers');
    return kolmogorovSmirnov(reference, current).pValue;
  },
});
