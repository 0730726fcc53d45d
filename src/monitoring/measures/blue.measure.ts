import type { ImageFacts } from '../../data/images/image-facts.ts';
import { defineMeasure } from './measure.ts';

export default defineMeasure<ImageFacts>({
  name: 'blue',
  summary: 'Share of blue in the light of a picture: of a grey one a third.',
  of: 'image',
  gives: 'number',
  byDefault: true,
  reference: 'https://en.wikipedia.org/wiki/Color_balance',
  take: ({ blue }) => blue,
});
