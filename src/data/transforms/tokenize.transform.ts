import { PerennialError } from '../../core/errors.ts';
import type { TextData } from './column-data.ts';
import { defineTransform, requireValues, withDefaults } from './transform.ts';
import { isUnspaced, segmentation, spacedWordsOf, wordsOf } from './shared/words.ts';
import type { Segmentation } from './shared/words.ts';

interface Config {
  readonly vocabulary: number;
  readonly length: number;
  readonly level: 'word' | 'character';
  readonly lowercase: boolean;
  readonly padding: 'pre' | 'post';
  readonly truncation: 'pre' | 'post';
  readonly minimumCount: number;
}

const DEFAULTS: Config = {
  vocabulary: 20_000,
  length: 200,
  level: 'word',
  lowercase: true,
  padding: 'post',
  truncation: 'post',
  minimumCount: 1,
};

/**
 * What was learnt. Without `words` by a version that took a sentence without spaces for one word, as it then goes on doing. `segmentation`:
 * of texts without spaces, where there were any.
 */
type State = { tokens: string[]; words?: 'divided'; segmentation?: Segmentation };

/** The tokens of a text, in order. */
export function tokensOf(text: string, config: Pick<Config, 'level' | 'lowercase'>, divide: boolean): string[] {
  const normal = text.normalize('NFC');
  const cased = config.lowercase ? normal.toLowerCase() : normal;
  if (config.level === 'character') return Array.from(cased);
  return divide ? wordsOf(cased) : spacedWordsOf(cased);
}

export default defineTransform<Config, State>({
  name: 'tokenize',
  summary: 'Text as token ids of a learnt vocabulary: 0 is padding, 1 an unknown token. Makes an input of its own, named by the column.',
  configSchema: {
    type: 'object',
    additionalProperties: false,
    default: {},
    description: 'Token ids for an embedding layer.',
    properties: {
      vocabulary: {
        type: 'integer',
        minimum: 3,
        maximum: 1_000_000,
        default: DEFAULTS.vocabulary,
        description: 'Size of the vocabulary with padding and unknown: the most frequent tokens of the train split.',
      },
      length: {
        type: 'integer',
        minimum: 1,
        maximum: 100_000,
        default: DEFAULTS.length,
        description: 'Tokens per text: longer texts are cut, shorter ones padded.',
      },
      level: {
        enum: ['word', 'character'],
        default: DEFAULTS.level,
        description:
          'What a token is; punctuation marks are words of their own. Chinese, Japanese, Thai, Lao, Khmer and Burmese, which are written without spaces, are divided into words by the dictionaries of ICU.',
      },
      lowercase: { type: 'boolean', default: DEFAULTS.lowercase, description: 'Ignore case.' },
      padding: { enum: ['pre', 'post'], default: DEFAULTS.padding, description: 'Where short texts are padded.' },
      truncation: { enum: ['pre', 'post'], default: DEFAULTS.truncation, description: 'Where long texts are cut.' },
      minimumCount: {
        type: 'integer',
        minimum: 1,
        default: DEFAULTS.minimumCount,
        description: 'Tokens rarer than this in the train split are unknown.',
      },
    },
    examples: [{ vocabulary: 20_000, length: 200 }],
  },
  examples: [{ vocabulary: 20_000, length: 200 }],
  takes: ['text'],
  gives: () => 'tokens',
  resolve: (value) => withDefaults(DEFAULTS, value),
  fit: (config, { column }) => {
    const counts = new Map<string, number>();
    let unspaced = false;
    return {
      add: (data) => {
        for (const text of (data as TextData).values) {
          if (text === null) continue;
          unspaced ||= isUnspaced(text);
          for (const token of tokensOf(text, config, true)) counts.set(token, (counts.get(token) ?? 0) + 1);
        }
      },
      finish: () => {
        requireValues(counts.size, column, 'its vocabulary');
        const ranked = [...counts]
          .filter(([, count]) => count >= config.minimumCount)
          .sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
        const tokens = ranked.slice(0, config.vocabulary - 2).map(([token]) => token);
        if (config.level === 'character') return { tokens };
        return { tokens, words: 'divided' as const, ...(unspaced ? { segmentation: segmentation() } : {}) };
      },
    };
  },
  apply: (data, config, state, { column, firstRow }) => {
    const index = vocabularyOf(state);
    const { values } = data as TextData;
    const { length } = config;
    const ids = new Int32Array(values.length * length);
    values.forEach((text, row) => {
      if (text === null)
        throw new PerennialError('DATA_INVALID', `row ${firstRow + row}, column "${column}": the text is missing.`, {
          hint: 'Put {"impute": {"constant": ""}} before tokenize, or leave such rows out.',
        });
      const all = tokensOf(text, config, state.words === 'divided');
      const kept = config.truncation === 'post' ? all.slice(0, length) : all.slice(-length);
      const start = row * length + (config.padding === 'pre' ? length - kept.length : 0);
      kept.forEach((token, at) => (ids[start + at] = index.get(token) ?? 1));
    });
    return { kind: 'tokens', length, vocabularySize: state.tokens.length + 2, values: ids };
  },
  differs: (_config, { segmentation: learnt }) => {
    if (learnt === undefined || learnt.probe === segmentation().probe) return undefined;
    return `texts without spaces were divided into words by ICU ${learnt.icu} and are divided by ICU ${segmentation().icu} here, which does so in other places: some words may be unknown`;
  },
});

const vocabularies = new WeakMap<object, Map<string, number>>();

/** Built once per fitted state: a vocabulary has thousands of tokens and serving applies it to single rows. */
function vocabularyOf(state: { tokens: string[] }): Map<string, number> {
  let index = vocabularies.get(state);
  if (index === undefined) vocabularies.set(state, (index = new Map(state.tokens.map((token, at) => [token, at + 2]))));
  return index;
}
