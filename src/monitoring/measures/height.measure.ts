import type { ImageFacts } from '../../data/images/image-facts.ts';
import { defineMeasure } from './measure.ts';

export default defineMeasure<ImageFacts>({
  name: 'height',
  summary: 'Height of a picture in pixels.',
  of: 'image',
  gives: 'number',
  byDefault: true,
  reference: 'https://en.wikipedia.org/wiki/Image_resolution',
  take: ({ height }) => height,
});
