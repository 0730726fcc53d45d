import { defineMeasure } from './measure.ts';

const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];

/** For windows of whole weeks: what is asked on a Sunday is no drift. */
export default defineMeasure<number>({
  name: 'weekday',
  summary: 'Day of the week of a point in time, UTC. For windows of whole weeks.',
  of: 'timestamp',
  gives: 'category',
  byDefault: false,
  reference: 'https://www.rfc-editor.org/rfc/rfc3339',
  take: (moment) => DAYS[new Date(moment).getUTCDay()]!,
});
