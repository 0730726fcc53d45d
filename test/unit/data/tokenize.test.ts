import { expect, test, vi } from 'vitest';
import { applyChain, parseChain } from '../../../src/data/preprocess/chain.ts';
import { loadPreprocessor } from '../../../src/data/preprocess/preprocessor.ts';
import type { ColumnData, TokenData } from '../../../src/data/transforms/column-data.ts';
import type { Json, JsonObject } from '../../../src/core/json.ts';
import { textOfTokens } from '../../../src/data/answers/prompts.ts';
import { segmentation, spacedWordsOf, wordsOf } from '../../../src/data/transforms/shared/words.ts';

const texts = (...values: string[]): ColumnData => ({ kind: 'text', values });

interface Learnt {
  readonly tokens: string[];
  readonly words?: string;
  readonly segmentation?: { readonly icu: string; readonly probe: string };
}

function learn(data: ColumnData, value: Json = {}): Learnt {
  const [link] = parseChain([{ tokenize: value }], 't');
  const fitter = link!.definition.fit!(link!.config, { column: 't', kind: 'text', seed: 1, firstRow: 0 });
  fitter.add(data);
  return JSON.parse(JSON.stringify(fitter.finish())) as Learnt;
}

async function ids(data: ColumnData, state: Json, value: Json = { length: 8 }): Promise<number[]> {
  const [link] = parseChain([{ tokenize: value }], 't');
  return Array.from(((await applyChain(data, [{ ...link!, state }], { column: 't', seed: 1, firstRow: 0 })) as TokenData).values);
}

test.each([
  ['价格颜色这个产品', ['价格', '颜色', '这个', '产品']],
  ['東京に住んでいる友達', ['東京', 'に']],
  ['ฉันซื้อหนังสือ', ['ฉัน', 'ซื้อ', 'หนังสือ']],
] as const)('%s is divided into words', (text, words) => {
  expect(wordsOf(text).slice(0, words.length)).toEqual(words);
  expect(wordsOf(text).join('')).toBe(text);
});

test('words of scripts with spaces stay exactly as they are; mixed ones part where the script changes', () => {
  const plain = "Don't stop: l’été à 12,5 °C – naïve Ελληνικά русский العربية हिन्दी 한국어 조사, x2!";
  expect(wordsOf(plain)).toEqual(spacedWordsOf(plain));
  expect(wordsOf('iPhone手机15')).toEqual(['iPhone', '手机', '15']);
  expect(wordsOf('ラーメン、美味しい。')).toContain('ラーメン');
});

test('a new vocabulary says how its words were found, of texts without spaces also by which ICU', () => {
  expect(learn(texts('good day', 'bad day'))).toEqual({ tokens: ['day', 'bad', 'good'], words: 'divided' });
  expect(learn(texts('今天很好', '今天很差'))).toMatchObject({ words: 'divided', segmentation: { icu: process.versions.icu } });
  expect(learn(texts('今天很好'), { level: 'character' })).toEqual({ tokens: ['今', '天', '好', '很'] });
});

test('a vocabulary of an earlier version reads texts as it did', async () => {
  const before = { tokens: ['今天很好', 'day'] };
  expect(await ids(texts('今天很好', '今天 day'), before, { length: 2 })).toEqual([2, 0, 1, 3]);
  expect(await ids(texts('今天很好'), { tokens: ['今天', '很好'], words: 'divided' }, { length: 3 })).toEqual([2, 3, 0]);
});

test('a model that was made with another division of words says so where it is loaded', async () => {
  const said = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
  const preprocessor = (probe: string): JsonObject => ({
    formatVersion: 1,
    seed: 1,
    output: { kind: 'none', name: '' },
    columns: [
      {
        name: `t ${probe}`,
        type: 'string',
        required: true,
        spec: { name: 't', shape: [8], dtype: 'int32', vocabularySize: 3 },
        transforms: [
          { name: 'tokenize', value: { length: 8 }, state: { tokens: ['今天'], words: 'divided', segmentation: { icu: '1.0', probe } } },
        ],
      },
    ],
  });
  loadPreprocessor(preprocessor(segmentation().probe));
  expect(said).not.toHaveBeenCalled();
  loadPreprocessor(preprocessor('111'));
  loadPreprocessor(preprocessor('111'));
  expect(said).toHaveBeenCalledTimes(1);
  expect(String(said.mock.calls[0]![0])).toMatch(/Column "t 111", tokenize: .*ICU 1\.0.*ICU .* here/);
  said.mockRestore();
});

test('a continuation has no spaces where its script has none', () => {
  expect(textOfTokens([2, 3, 4, 5], { level: 'word', texts: ['今天', '很', '好', 'ok'] })).toBe('今天很好 ok');
});
