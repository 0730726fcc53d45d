import { defineMeasure } from './measure.ts';

export default defineMeasure<string>({
  name: 'characters',
  summary: 'Length of a text in characters, 2,000 at most.',
  of: 'text',
  gives: 'number',
  byDefault: true,
  reference: 'https://www.unicode.org/reports/tr29/',
  take: (text) => {
    // Code points: of those outside of the basic plane each is two units.
    let count = 0;
    for (const _point of text) count += 1;
    return count;
  },
});
