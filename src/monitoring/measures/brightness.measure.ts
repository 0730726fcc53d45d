import type { ImageFacts } from '../../data/images/image-facts.ts';
import { defineMeasure } from './measure.ts';

/** Falls at night, behind a dirty lens, and with another exposure. */
export default defineMeasure<ImageFacts>({
  name: 'brightness',
  summary: 'Mean luma of a picture, 0 to 1.',
  of: 'image',
  gives: 'number',
  byDefault: true,
  reference: 'https://www.itu.int/rec/R-REC-BT.601',
  take: ({ brightness }) => brightness,
});
