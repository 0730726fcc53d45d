import type { ImageFacts } from '../../data/images/image-facts.ts';
import { defineMeasure } from './measure.ts';

export default defineMeasure<ImageFacts>({
  name: 'saturation',
  summary: 'Mean saturation of the pixels of a picture (HSV), 0 to 1: of a grey one 0.',
  of: 'image',
  gives: 'number',
  byDefault: true,
  reference: 'https://en.wikipedia.org/wiki/HSL_and_HSV#Saturation',
  take: ({ saturation }) => saturation,
});
