import type { ImageFacts } from '../../data/images/image-facts.ts';
import { defineMeasure } from './measure.ts';

export default defineMeasure<ImageFacts>({
  name: 'green',
  summary: 'Share of green in the light of a picture: what red and blue leave.',
  of: 'image',
  gives: 'number',
  byDefault: false,
  reference: 'https://en.wikipedia.org/wiki/Color_balance',
  take: ({ green }) => green,
});
