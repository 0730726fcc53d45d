import { defineMeasure } from './measure.ts';

const LETTER = /[\p{L}\p{M}]/gu;
const VISIBLE = /\S/gu;

/** Falls where texts become numbers, markup or noise, and where their encoding broke. */
export default defineMeasure<string>({
  name: 'letters',
  summary: 'Share of the visible characters of a text that are letters.',
  of: 'text',
  gives: 'number',
  byDefault: true,
  reference: 'https://www.unicode.org/reports/tr44/#General_Category_Values',
  take: (text) => {
    const visible = text.match(VISIBLE)?.length ?? 0;
    return visible === 0 ? null : (text.match(LETTER)?.length ?? 0) / visible;
  },
});
