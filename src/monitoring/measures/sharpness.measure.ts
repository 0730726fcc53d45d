import type { ImageFacts } from '../../data/images/image-facts.ts';
import { defineMeasure } from './measure.ts';

/** Falls out of focus, and where pictures were blown up or compressed; grows with noise. */
export default defineMeasure<ImageFacts>({
  name: 'sharpness',
  summary: 'Variance of the Laplacian of the luma of a picture.',
  of: 'image',
  gives: 'number',
  byDefault: true,
  reference: 'https://docs.opencv.org/4.x/d5/db5/tutorial_laplace_operator.html',
  take: ({ sharpness }) => sharpness,
});
