import { chiSquareTest } from '../chi-square.ts';
import { defineDriftTest, driftConfig } from './drift-test.ts';

/**
 * The level of one in a thousand: columns and windows are many, and at 5 % one column in twenty alarms by chance in every window. Over
 * the categories of the training and one cell for all others; cells with an expected count below 5 are pooled, the same on both sides.
 * On large samples every difference is significant: judge it together with a distance.
 */
export default defineDriftTest({
  name: 'chiSquare',
  summary:
    'p-value of the chi-square test that both samples have the same categories: those of the training and one for all others, cells with an expected count below 5 pooled.',
  featureTypes: ['category'],
  score: 'pValue',
  defaultThreshold: 0.001,
  minSamples: 30,
  symmetric: false,
  configSchema: driftConfig('pValue', 0.001),
  reference: 'https://docs.scipy.org/doc/scipy/reference/generated/scipy.stats.chi2_contingency.html',
  compute(reference, current) {
    if (reference.kind !== 'category' || current.kind !== 'category') throw new TypeError('chiSquare compares categories');
    return chiSquareTest(reference, current).pValue;
  },
});
