import { wordsOf } from '../../data/transforms/shared/words.ts';
import { defineMeasure } from './measure.ts';

export default defineMeasure<string>({
  name: 'words',
  summary: 'Number of words of a text and of its other visible characters, as "tokenize" divides it.',
  of: 'text',
  gives: 'number',
  byDefault: true,
  reference: 'https://www.unicode.org/reports/tr29/#Word_Boundaries',
  take: (text) => wordsOf(text).length,
});
