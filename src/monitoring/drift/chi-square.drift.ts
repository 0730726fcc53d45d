import { chiSquareTest } from '../chi-square.ts';
import { defineDriftTest, driftConfig } from '../drift-test.ts';

/** The usual level of 5 %. Categories too rare for the test are pooled. On large samples every difference is significant: judge it together with a distance. */
export default defineDriftTest({
  name: 'chiSquare',
  summary: 'p-value of the chi-square test that both samples have the same categories.',
  featureTypes: ['category'],
  score: 'pValue',
  defaultThreshold: 0.05,
  minSamples: 30,
  symmetric: true,
  configSchema: driftConfig('pValue', 0.05),
  reference: 'https://docs.scipy.org/doc/scipy/reference/generated/scipy.stats.chi2_contingency.html',
  compute(reference, current) {
    if (reference.kind !== 'category' || current.kind !== 'category') throw new TypeError('chiSquare compares categories');
    return chiSquareTest(reference, current).pValue;
  },
});
