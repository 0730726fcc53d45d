import type { ImageFacts } from '../../data/images/image-facts.ts';
import { defineMeasure } from './measure.ts';

export default defineMeasure<ImageFacts>({
  name: 'aspectRatio',
  summary: 'Width of a picture by its height.',
  of: 'image',
  gives: 'number',
  byDefault: false,
  reference: 'https://en.wikipedia.org/wiki/Aspect_ratio_(image)',
  take: ({ aspectRatio }) => aspectRatio,
});
