import { foldCategories } from '../folding.ts';
import { proportionsPValue } from '../policy/correction.ts';
import { defineDriftTest, driftConfig } from './drift-test.ts';

/** For flags, and for columns in which one category of many matters: chi-square spreads its attention over all of them. */
export default defineDriftTest({
  name: 'proportions',
  summary: 'p-value of the z-test for the category whose share changed most, times the number of categories less one.',
  featureTypes: ['category'],
  score: 'pValue',
  defaultThreshold: 0.001,
  minSamples: 30,
  symmetric: false,
  configSchema: driftConfig('pValue', 0.001),
  reference: 'https://www.itl.nist.gov/div898/handbook/prc/section3/prc33.htm',
  compute(reference, current) {
    if (reference.kind !== 'category' || current.kind !== 'category') throw new TypeError('proportions compares categories');
    const { reference: then, current: now } = foldCategories(reference, current);
    const [before, after] = [then, now].map((counts) => counts.reduce((sum, count) => sum + count, 0)) as [number, number];
    const smallest = then.reduce((least, count, cell) => Math.min(least, proportionsPValue(count, before, now[cell]!, after)), 1);
    return Math.min(1, smallest * Math.max(1, then.length - 1));
  },
});
