import { defineMeasure } from './measure.ts';

export default defineMeasure<number>({
  name: 'hour',
  summary: 'Hour of the day of a point in time, UTC: 0 to 23.',
  of: 'timestamp',
  gives: 'category',
  byDefault: false,
  reference: 'https://www.rfc-editor.org/rfc/rfc3339',
  take: (moment) => String(new Date(moment).getUTCHours()),
});
