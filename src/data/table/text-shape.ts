import { isUnspaced, wordsOf } from '../transforms/shared/words.ts';

/** What some texts of a column look like: language repeats its words, names and numbers of things do not. */
export interface TextShape {
  /** Texts that were looked at, all different. */
  readonly values: number;
  /** Words per text, divided by white space; where a script has none, by ICU. */
  readonly words: number;
  /** Share of the words that stand in more than one of the texts. */
  readonly repeated: number;
  /** The first characters of a few. */
  readonly examples: readonly string[];
}

const EXAMPLES = 3;
const EXAMPLE_LENGTH = 40;

/** The first characters of a text, for people. */
export function excerpt(text: string): string {
  const characters = Array.from(text.slice(0, 4 * EXAMPLE_LENGTH).replace(/\s+/g, ' '));
  return characters.length <= EXAMPLE_LENGTH ? characters.join('') : `${characters.slice(0, EXAMPLE_LENGTH).join('')}…`;
}

/** @param texts all different */
export function textShape(texts: readonly string[]): TextShape {
  const texted = texts.map((text) =>
    text
      .toLowerCase()
      .trim()
      .split(/\s+/)
      .flatMap((word) => (isUnspaced(word) ? wordsOf(word) : [word])),
  );
  const holders = new Map<string, number>();
  for (const words of texted) for (const word of new Set(words)) holders.set(word, (holders.get(word) ?? 0) + 1);
  const all = texted.flat();
  return {
    values: texts.length,
    words: texts.length === 0 ? 0 : all.length / texts.length,
    repeated: all.length === 0 ? 0 : all.filter((word) => holders.get(word)! > 1).length / all.length,
    examples: texts.slice(0, EXAMPLES).map(excerpt),
  };
}
