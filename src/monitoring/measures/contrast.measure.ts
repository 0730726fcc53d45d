import type { ImageFacts } from '../../data/images/image-facts.ts';
import { defineMeasure } from './measure.ts';

/** Falls in fog. */
export default defineMeasure<ImageFacts>({
  name: 'contrast',
  summary: 'Standard deviation of the luma of a picture (RMS contrast), 0 to 0.5.',
  of: 'image',
  gives: 'number',
  byDefault: true,
  reference: 'https://en.wikipedia.org/wiki/Contrast_(vision)#RMS_contrast',
  take: ({ contrast }) => contrast,
});
