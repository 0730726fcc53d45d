import type { ImageFacts } from '../../data/images/image-facts.ts';
import { defineMeasure } from './measure.ts';

/** With "blue": another white balance, another lamp. */
export default defineMeasure<ImageFacts>({
  name: 'red',
  summary: 'Share of red in the light of a picture: of a grey one a third.',
  of: 'image',
  gives: 'number',
  byDefault: true,
  reference: 'https://en.wikipedia.org/wiki/Color_balance',
  take: ({ red }) => red,
});
