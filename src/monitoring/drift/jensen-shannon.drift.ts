import { binPair, shares } from '../bins.ts';
import { defineDriftTest, driftConfig } from './drift-test.ts';

/** Square root of the divergence, in bits. Bins are those of the reference, so exchanging samples of numbers changes the score a little. */
export default defineDriftTest({
  name: 'jensenShannon',
  summary: 'Jensen-Shannon distance (base 2) over the deciles (or categories) of the reference, 0 to 1.',
  featureTypes: ['number', 'category'],
  score: 'distance',
  defaultThreshold: 0.1,
  minSamples: 30,
  symmetric: false,
  configSchema: driftConfig('distance', 0.1),
  reference: 'https://docs.scipy.org/doc/scipy/reference/generated/scipy.spatial.distance.jensenshannon.html',
  compute(reference, current) {
    const bins = binPair(reference, current);
    const p = shares(bins.reference);
    const q = shares(bins.current);
    let divergence = 0;
    p.forEach((share, bin) => {
      const middle = (share + q[bin]!) / 2;
      if (share > 0) divergence += (share / 2) * Math.log2(share / middle);
      if (q[bin]! > 0) divergence += (q[bin]! / 2) * Math.log2(q[bin]! / middle);
    });
    return Math.sqrt(Math.max(0, divergence));
  },
});
