import { binPair, smoothedShares } from '../bins.ts';
import { defineDriftTest, driftConfig } from './drift-test.ts';

/** Below 0.1 little has changed, above 0.2 much has: the convention of credit scoring. Half a row is added to every bin. */
export default defineDriftTest({
  name: 'psi',
  summary: 'Population stability index over the deciles (or categories) of the reference, half a row added to every bin.',
  featureTypes: ['number', 'category'],
  score: 'distance',
  defaultThreshold: 0.2,
  minSamples: 30,
  symmetric: false,
  configSchema: driftConfig('distance', 0.2),
  reference: 'https://doi.org/10.1057/jors.2008.144',
  compute(reference, current) {
    const bins = binPair(reference, current);
    const p = smoothedShares(bins.reference);
    const q = smoothedShares(bins.current);
    return p.reduce((sum, share, bin) => sum + (q[bin]! - share) * Math.log(q[bin]! / share), 0);
  },
});
