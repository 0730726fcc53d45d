import { binPair, shares } from '../bins.ts';
import { defineDriftTest, driftConfig } from './drift-test.ts';

/** Bounded and defined for empty bins. Bins are those of the reference. */
export default defineDriftTest({
  name: 'hellinger',
  summary: 'Hellinger distance over the deciles (or categories) of the reference, 0 to 1.',
  featureTypes: ['number', 'category'],
  score: 'distance',
  defaultThreshold: 0.1,
  minSamples: 30,
  symmetric: false,
  configSchema: driftConfig('distance', 0.1),
  reference: 'https://encyclopediaofmath.org/wiki/Hellinger_distance',
  compute(reference, current) {
    const bins = binPair(reference, current);
    const p = shares(bins.reference);
    const q = shares(bins.current);
    return Math.sqrt(p.reduce((sum, share, bin) => sum + (Math.sqrt(share) - Math.sqrt(q[bin]!)) ** 2, 0) / 2);
  },
});
