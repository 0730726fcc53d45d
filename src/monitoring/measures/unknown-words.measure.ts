import { wordsOf } from '../../data/transforms/shared/words.ts';
import { defineMeasure } from './measure.ts';

interface Known {
  readonly words: ReadonlySet<string>;
  /** A text that the words were learnt from has no unknown one, and says nothing of how many others have. */
  readonly texts: ReadonlySet<string>;
}

/** Grows where people write about something else, or in another language: whatever the texts look like. */
export default defineMeasure<string, Known>({
  name: 'unknownWords',
  summary: 'Share of the words of a text, whatever their case, that other texts of the reference do not have.',
  of: 'text',
  gives: 'number',
  byDefault: true,
  reference: 'https://en.wikipedia.org/wiki/Out-of-vocabulary',
  learn: (texts) => {
    const words = new Set<string>();
    for (const text of texts) for (const word of wordsOf(text)) words.add(word.toLowerCase());
    return { words, texts: new Set(texts) };
  },
  take: (text, known) => {
    if (known.texts.has(text)) return null;
    const words = wordsOf(text);
    return words.length === 0 ? null : words.filter((word) => !known.words.has(word.toLowerCase())).length / words.length;
  },
});
