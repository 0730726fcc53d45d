import { binPair, shares } from '../bins.ts';
import { defineDriftTest, driftConfig } from './drift-test.ts';

/** Half the sum of the absolute differences of the shares. */
export default defineDriftTest({
  name: 'totalVariation',
  summary: 'Share of rows that would have to change their category (or decile of the reference), 0 to 1.',
  featureTypes: ['number', 'category'],
  score: 'distance',
  defaultThreshold: 0.1,
  minSamples: 30,
  symmetric: false,
  configSchema: driftConfig('distance', 0.1),
  reference: 'https://en.wikipedia.org/wiki/Total_variation_distance_of_probability_measures',
  compute(reference, current) {
    const bins = binPair(reference, current);
    const p = shares(bins.reference);
    const q = shares(bins.current);
    return p.reduce((sum, share, bin) => sum + Math.abs(share - q[bin]!), 0) / 2;
  },
});
