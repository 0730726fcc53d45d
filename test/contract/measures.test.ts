import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { imageFacts } from '../../src/data/images/image-facts.ts';
import type { ImageFacts } from '../../src/data/images/image-facts.ts';
import { measureRegistry } from '../../src/monitoring/measures/index.generated.ts';
import { CHARACTERS_MAX } from '../../src/monitoring/measures/measure.ts';
import type { MeasureDefinition, MeasuredValue } from '../../src/monitoring/measures/measure.ts';
import { describeLaws, goldenLaw } from './support/laws.ts';
import { validator } from './support/schemas.ts';

const TEXTS = [
  '',
  ' ',
  '\n',
  '12',
  'a b c',
  '😀'.repeat(CHARACTERS_MAX / 2),
  '\ud800',
  '我昨天在北京大学',
  '<b>&nbsp;</b>',
  'constructor __proto__',
];
const MOMENTS = [0, -1, 951_782_400_000, -62_135_596_800_000, 253_402_300_799_999];
const picture = (width: number, height: number, channels: number, level: (at: number) => number): Promise<ImageFacts> =>
  imageFacts({ width, height, channels, data: Uint8Array.from({ length: width * height * channels }, (_, at) => level(at)) });
const IMAGES = await Promise.all([
  picture(1, 1, 3, () => 0),
  picture(1, 1, 1, () => 255),
  picture(5, 3, 3, (at) => (at * 37) % 256),
  picture(5, 3, 4, (at) => (at * 91) % 256),
  picture(1_024, 768, 3, (at) => at % 256),
  picture(4_000, 1, 3, (at) => at % 200),
]);
const VALUES = { text: TEXTS, timestamp: MOMENTS, image: IMAGES };
const LEARNT_FROM = { text: ['a b', 'hello constructor'], timestamp: [0, 1], image: [] };
const given = ({ of }: MeasureDefinition): readonly MeasuredValue[] => VALUES[of];
const takeAll = (measure: MeasureDefinition, values: readonly MeasuredValue[]) => {
  const learnt = measure.learn?.(LEARNT_FROM[measure.of]);
  return values.map((value) => measure.take(value, learnt));
};

const characters = measureRegistry.get('characters');
const unknownWords = measureRegistry.get('unknownWords');

describeLaws<MeasureDefinition>({
  kind: 'measure',
  definitions: measureRegistry.all(),
  nameOf: ({ name }) => name,
  laws: {
    'says what it is, and where the definition comes from': (measure) => {
      expect(measure.summary).toMatch(/^[A-Z].*\.$/);
      expect(measure.reference).toMatch(/^https:\/\//);
      const valid = validator(measure.configSchema);
      expect([valid({}), valid({ of: 1 })]).toEqual([true, false]);
    },
    'gives a finite number, the name of a category, or nothing, whatever the value': (measure) => {
      for (const value of takeAll(measure, given(measure))) {
        if (value === null) continue;
        expect(typeof value).toBe(measure.gives === 'number' ? 'number' : 'string');
        if (typeof value === 'number') expect(Number.isFinite(value)).toBe(true);
        else expect(value).not.toBe('');
      }
    },
    'does not depend on the other values': (measure) => {
      const all = takeAll(measure, given(measure));
      expect(takeAll(measure, given(measure).toReversed()).toReversed()).toEqual(all);
      expect(given(measure).map((value) => takeAll(measure, [value])[0])).toEqual(all);
    },
    'has a golden value, or a reason for none': goldenLaw<MeasureDefinition>('measure', ({ name }) => name, {
      names: new Set(
        Object.keys(JSON.parse(readFileSync(new URL('../golden/monitoring/measures.json', import.meta.url), 'utf8')).want as object),
      ),
      add: 'Let test/golden/monitoring/make_measures.py work one out.',
      reasons: {
        words: 'The words are those of "tokenize", which has golden values of its own.',
        unknownWords: 'The words are those of "tokenize", and what is unknown is counted in test/unit/monitoring/measured-columns.test.ts.',
      },
      file: 'test/contract/measures.test.ts',
    }),
  },
  mutants: {
    'says what it is, and where the definition comes from': [
      { ...characters, summary: 'no sentence' },
      { ...characters, reference: 'a book' },
      { ...characters, configSchema: { type: 'object' } },
    ],
    'gives a finite number, the name of a category, or nothing, whatever the value': [
      { ...characters, take: (value) => 1 / String(value).length },
      { ...characters, gives: 'category' },
      { ...unknownWords, take: () => Number.NaN },
    ],
    'does not depend on the other values': [
      {
        ...characters,
        take: (
          (count) => () =>
            (count += 1)
        )(0),
      },
    ],
    'has a golden value, or a reason for none': [{ ...characters, name: 'new' }],
  },
});
