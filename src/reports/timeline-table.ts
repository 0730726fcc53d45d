import type { TimelineEntry } from '../monitoring/timeline/timeline-entries.ts';
import { tableOf } from './html.ts';
import type { Markup } from './html.ts';
import { minuteText } from './timeline-text.ts';

/** What happened as a table of a page, a row for each. */
export function timelineTable(entries: readonly TimelineEntry[]): Markup {
  return tableOf(
    ['when (UTC)', 'what', 'who', 'why'],
    entries.map(({ at, what, who, why, tone }) => [
      { text: minuteText(at), tone: 'quiet' },
      { text: what, tone },
      who,
      { text: why, tone: 'quiet' },
    ]),
  );
}
