import { defineMeasure } from './measure.ts';

const MONTHS = 'January February March April May June July August September October November December'.split(' ');

/** For references and windows of whole years. */
export default defineMeasure<number>({
  name: 'month',
  summary: 'Month of a point in time, UTC. For windows of whole years.',
  of: 'timestamp',
  gives: 'category',
  byDefault: false,
  reference: 'https://www.rfc-editor.org/rfc/rfc3339',
  take: (moment) => MONTHS[new Date(moment).getUTCMonth()]!,
});
